import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { AuditFile, ReleaseFaults, RolloutNode, rolloutMetrics } from '@budao/controller'
import type { Gateway } from '@budao/gateway'
import type { Config, CoordinationStore, EventDraft, ProcessReport } from '@budao/model'
import { openStore } from '../control/providers/coordination.ts'
import { readSecret } from '../control/secret.ts'
import type { LogsRole } from '../logs/logs-role.ts'
import { LogNumbersRole } from './log-numbers-role.ts'

/** What a process gives to its part in rollouts. */
export interface RolloutRoleOptions {
  readonly baseDir: string
  readonly gateway: Gateway
  /** Where all nodes keep what they share; null: this gateway is the only one. */
  readonly store: CoordinationStore | null
  /** The audit log of this process; null: rollouts write one of their own, in `dataDir`. */
  readonly audit?: AuditFile | null
  /** What collects logs in this process, once it does. */
  logs?(): LogsRole | null
  /** What this node’s agent looks after. */
  processes?(): readonly ProcessReport[]
  report(event: EventDraft): void
  warn(message: string): void
}

/** The rollouts of a gateway: kept with `control` where all nodes see them, without in a file of its own. */
export class RolloutRole {
  readonly desk: RolloutNode
  /** For drills. */
  readonly faults: ReleaseFaults
  readonly #own: { close(): void } | null
  readonly #ownAudit: AuditFile | null
  readonly #numbers: LogNumbersRole
  readonly #gateway: Gateway

  /** Rejects when the store cannot be opened. */
  static async start(config: Config, options: RolloutRoleOptions): Promise<RolloutRole> {
    const folder = resolve(options.baseDir, config.dataDir)
    mkdirSync(folder, { recursive: true })
    const own =
      options.store === null
        ? await openStore({ type: 'sqlite', path: resolve(folder, 'rollouts.db') }, options.baseDir)
        : null
    const { audit, warn } = options
    const ownAudit = audit != null ? null : await AuditFile.open({ folder, onWritable: audited(warn) })
    const numbers = new LogNumbersRole(() => options.logs?.() ?? null)
    await numbers.apply(config)
    return new RolloutRole(config, options, own, ownAudit, numbers)
  }

  private constructor(
    config: Config,
    { gateway, store, baseDir, audit, processes, report, warn }: RolloutRoleOptions,
    own: (CoordinationStore & { close(): void }) | null,
    ownAudit: AuditFile | null,
    numbers: LogNumbersRole,
  ) {
    const { rollouts } = gateway
    this.#own = own
    this.#ownAudit = ownAudit
    this.#numbers = numbers
    const crashes = (address: string): number | null =>
      processes?.().find((process) => process.address === address)?.crashes ?? null
    this.#gateway = gateway
    const shared = store ?? own!
    this.desk = new RolloutNode(config.rollouts, {
      self: `${config.node.name}#${randomUUID().slice(0, 13)}`,
      store: shared,
      gateway: {
        share: (name, basisPoints, until) => void rollouts.share(name, basisPoints, until),
        mirror: (name, basisPoints, until) => void rollouts.mirror(name, basisPoints, until),
        counts: (name) => rollouts.counts(name, crashes),
        now: () => rollouts.now(),
      },
      wall: () => Date.now(),
      analysis: {
        secret: (secret, path) => readSecret(secret, baseDir, 1, path),
        log: (rollout, analysis, release) => numbers.ask(rollout, analysis, release),
      },
      report,
      record: (draft) => void (audit ?? ownAudit)?.append(draft),
      warn,
    })
    this.faults = new ReleaseFaults({
      store: shared,
      drill: (name, kind, forMs) => void rollouts.drill(name, kind, forMs),
      wall: () => Date.now(),
      now: () => rollouts.now(),
    })
  }

  /** Prometheus text. */
  metrics(): string {
    return rolloutMetrics(this.desk.reports(), (name) => this.#gateway.rollouts.shareOf(name))
  }

  async apply(config: Config): Promise<void> {
    await this.#numbers.apply(config)
    this.desk.apply(config.rollouts)
  }

  async close(): Promise<void> {
    this.desk.close()
    this.#numbers.close()
    this.faults.close()
    this.#own?.close()
    await this.#ownAudit?.close()
  }
}

function audited(warn: (message: string) => void): (problem: string | null) => void {
  return (problem) => {
    if (problem !== null) warn(`the audit log of rollouts cannot be written: ${problem}`)
  }
}
