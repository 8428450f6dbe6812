import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, RolloutReport } from '@budao/model'
import type { ReleaseFaultKind } from '@budao/controller'
import { CliError } from '../../cli-error.ts'
import { AdminApi } from '../admin-api.ts'
import { adminOrigin, firstListener } from '../drill-plan.ts'
import { startGuard } from '../guard.ts'
import { Journal } from '../journal.ts'
import { stoppedBySignals } from '../stopping.ts'
import { releasePage } from './release-page.ts'
import { releaseReadiness, type ReleaseCheck } from './release-readiness.ts'
import type { ReleaseDrillReport } from './release-report.ts'
import { releaseRoute } from './release-users.ts'
import { runReleaseDrill } from './run-release-drill.ts'

/** A drill of a bad release as a person asks for it; the rest is in the configuration. */
export interface ReleasePlan {
  /** Default the only one. */
  readonly rollout?: string
  readonly kind: ReleaseFaultKind
  readonly via?: URL
  readonly path?: string
  readonly rate: number
  readonly limitMs: number
  readonly by: string
  readonly forceReason?: string
}

/** Where it is drilled. */
export interface ReleasePlace {
  readonly config: Config
  readonly folder: string
  readonly token: string | undefined
  say(line: string): void
}

/** A drill of a bad release in one installation. */
export class ReleaseDrill {
  readonly rollout: string
  readonly #plan: ReleasePlan
  readonly #place: ReleasePlace

  /** Throws CliError, exit code 2, where the rollout is not configured, or none is named of several. */
  constructor(plan: ReleasePlan, place: ReleasePlace) {
    const names = Object.keys(place.config.rollouts)
    const name = plan.rollout ?? (names.length === 1 ? names[0] : undefined)
    if (name === undefined)
      throw new CliError(`--rollout: expected one of ${names.join(', ') || 'none, there are no rollouts'}`, 2)
    this.rollout = name
    this.#plan = plan
    this.#place = place
  }

  async check(): Promise<readonly ReleaseCheck[]> {
    const { config, folder } = this.#place
    const api = this.#api()
    const path = `/api/v1/rollouts/${encodeURIComponent(this.rollout)}`
    const [report, rollout] = await Promise.all([api.status(), api.read<RolloutReport>(path)])
    const route = config.routes.find(({ name }) => name === rollout.route)
    return releaseReadiness({
      rollout,
      report,
      services: route?.backends.map(({ service }) => service) ?? [],
      left: new Journal(folder).read() ?? null,
      drills: config.drills ?? { blockWindows: [], timezone: 'UTC' },
      now: Date.now(),
    })
  }

  /** Runs it and keeps its report. */
  async run(): Promise<ReleaseDrillReport> {
    const { config, folder, token, say } = this.#place
    const { kind, rate, limitMs, by, via, path, forceReason } = this.#plan
    using stopping = stoppedBySignals(say)
    const report = await runReleaseDrill(
      { say, stopping: stopping.signal, startGuard },
      {
        rollout: this.rollout,
        kind,
        url: via ?? new URL(config.drills?.gateway?.url ?? firstListener(config)),
        route: releaseRoute(config, this.rollout, path),
        rate,
        limitMs,
        folder,
        admin: adminOrigin(config),
        by,
        ...(token === undefined ? {} : { token }),
        ...(forceReason === undefined ? {} : { forceReason }),
      },
    )
    mkdirSync(folder, { recursive: true })
    for (const [ending, text] of [
      ['json', `${JSON.stringify(report, null, 1)}\n`],
      ['html', releasePage(report)],
    ] as const) {
      const file = join(folder, `${report.id}.${ending}`)
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    say(`report: ${join(folder, `${report.id}.html`)}`)
    return report
  }

  #api(): AdminApi {
    return new AdminApi(adminOrigin(this.#place.config), this.#place.token)
  }
}
