import { dirname } from 'node:path'
import type { Config } from '@budao/model'
import { formatProblem, parseConfig } from '@budao/model/parser'
import { CliError } from '../cli-error.ts'
import { readConfigFile } from '../locate-config.ts'
import { FailoverApi } from '../failover/failover-api.ts'
import { AdminApi } from './admin-api.ts'
import { startDemo } from './demo.ts'
import type { Demo } from './demo.ts'
import { adminOrigin, drillOptions } from './drill-plan.ts'
import type { DrillPlan } from './drill-plan.ts'
import type { DrillReport } from './drill-report.ts'
import { drillsFolder } from './drills-folder.ts'
import { startGuard } from './guard.ts'
import { Journal } from './journal.ts'
import type { JournalEntry } from './journal.ts'
import { keepReport } from './keep-report.ts'
import type { ReadinessCheck } from './readiness-check.ts'
import { ReleaseDrill, type ReleasePlan } from './release/release-drill.ts'
import { restoreFrom } from './restore.ts'
import { checkReadiness, runDrill } from './run-drill.ts'
import { stoppedBySignals } from './stopping.ts'

/** Which installation is drilled. */
export interface PlaceOptions {
  readonly config?: string
  readonly token?: string
  readonly out?: string
  readonly demo?: true
}

/** Reports of the demo outlive it. */
const demoFolder = 'data/drills'

/** An installation that is drilled: its configuration, its gateway's admin API, its reports. */
export class DrillPlace {
  readonly #config: Config
  readonly #file: string
  readonly #token: string | undefined
  readonly #out: string | undefined
  readonly #demo: Demo | null
  readonly #say: (line: string) => void

  constructor(
    { config, path }: ParsedConfigFile,
    options: PlaceOptions,
    demo: Demo | null,
    say: (line: string) => void,
  ) {
    const { tokens } = config.admin
    this.#config = config
    this.#file = path
    this.#token = options.token ?? process.env['BUDAO_TOKEN'] ?? tokens?.operator ?? tokens?.viewer
    this.#out = options.out ?? (demo === null ? undefined : demoFolder)
    this.#demo = demo
    this.#say = say
  }

  get folder(): string {
    return drillsFolder(this.#config, dirname(this.#file), this.#out)
  }

  async check(plan: DrillPlan): Promise<readonly ReadinessCheck[]> {
    const { checks } = await checkReadiness({ witness: this.#witness() }, this.#options(plan))
    return checks
  }

  /** Runs it and keeps its report. */
  async run(plan: DrillPlan): Promise<DrillReport> {
    using stopping = stoppedBySignals(this.#say)
    const failover = new FailoverApi(this.#witness())
    const tools = {
      witness: this.#witness(),
      say: this.#say,
      stopping: stopping.signal,
      startGuard,
      failback: async (unit: string, reason: string): Promise<void> =>
        void (await failover.move(unit, { kind: 'failback', by: 'drill', reason })),
    }
    const report = await runDrill(tools, this.#options(plan))
    this.#say(`report: ${keepReport(this.folder, report)}`)
    return report
  }

  /** A drill of a bad release. Throws CliError where there is no such rollout. */
  release(plan: ReleasePlan): ReleaseDrill {
    return new ReleaseDrill(plan, {
      config: this.#config,
      folder: this.folder,
      token: this.#token,
      say: this.#say,
    })
  }

  /** Takes back what a drill left; undefined when there is nothing. Rejects with CliError while one runs. */
  async restore(): Promise<JournalEntry | undefined> {
    const journal = new Journal(this.folder)
    const entry = journal.read()
    if (entry !== undefined && journal.isRunning(entry))
      throw new CliError(
        `${entry.id} still runs (process ${entry.by.pid}): end that, and it takes it back itself`,
      )
    const restored = await restoreFrom(journal, this.#token)
    if (restored === undefined) return undefined
    const { id, scenario, site } = restored
    const note = {
      phase: 'restored' as const,
      site,
      message: `What the drill (${scenario}) of site ${site} broke is taken back by hand: it had been broken off.`,
      evidence: { id, scenario },
    }
    await this.#witness()
      .record(note)
      .catch((error: unknown) =>
        this.#say(`warning: the gateway did not note it: ${(error as Error).message}`),
      )
    return restored
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#demo?.[Symbol.asyncDispose]()
  }

  #witness(): AdminApi {
    return new AdminApi(adminOrigin(this.#config), this.#token)
  }

  #options(plan: DrillPlan) {
    const more = {
      ...(this.#out === undefined ? {} : { out: this.#out }),
      ...(this.#token === undefined ? {} : { token: this.#token }),
    }
    return drillOptions({ ...plan, ...more }, this.#config, this.#file)
  }
}

/** The configuration's installation, or the demo shop, which ends with it. */
export async function openPlace(options: PlaceOptions, say: (line: string) => void): Promise<DrillPlace> {
  if (!options.demo) return new DrillPlace(await readParsedConfig(options.config), options, null, say)
  say('starting the demo shop on free ports')
  const demo = await startDemo()
  return new DrillPlace(await readParsedConfig(demo.configs[0]), options, demo, say)
}

export interface ParsedConfigFile {
  readonly config: Config
  /** Absolute. */
  readonly path: string
}

/** Rejects with CliError, exit code 2, for a file that is not there or refused. */
export async function readParsedConfig(name: string | undefined): Promise<ParsedConfigFile> {
  const file = await readConfigFile(name)
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) throw new CliError(parsed.problems.map(formatProblem).join('\n'), 2)
  return { config: parsed.config, path: file.path }
}
