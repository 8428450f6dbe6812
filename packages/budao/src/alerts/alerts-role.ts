import type { AlertEngine } from '@budao/observability'
import type { NodeSource } from '@budao/controller'
import type { AlertsDesk, Config, EventDraft } from '@budao/model'
import type { ControlRole } from '../control/control-role.ts'
import { readSecret } from '../control/secret.ts'
import type { LogsRole } from '../logs/logs-role.ts'
import { StoredTold } from './shared-told.ts'

/** What a process gives to its alerts. */
export interface AlertsRoleOptions {
  readonly baseDir: string
  /** Its own metrics and events. */
  readonly source: Pick<NodeSource, 'metrics' | 'events'>
  /** Who leads, of several; null: nobody does, undefined: there is only this process. */
  leader(): { readonly self: boolean } | null | undefined
  readonly control: ControlRole | null
  readonly logs: LogsRole | null
  /** Started with a snapshot that was good once: what has become of its rules keeps nobody from serving. */
  readonly lastGood?: boolean
  report(event: EventDraft): void
  warn(message: string): void
}

/** When nobody has led for so long, every controller tells people: twice is better than not at all. */
const leaderlessMs = 30_000

/** Alerts of a process, as `alerts` describes them. What they need is loaded only where there are any. */
export class AlertsRole {
  readonly #options: AlertsRoleOptions
  #engine: AlertEngine | null = null
  #unfollow: (() => void) | null = null
  #ledAt = performance.now()

  private constructor(options: AlertsRoleOptions) {
    this.#options = options
  }

  /** Rejects with everything that is wrong, a line each. */
  static async start(config: Config, options: AlertsRoleOptions): Promise<AlertsRole> {
    const self = new AlertsRole(options)
    await self.#start(config)
    return self
  }

  /** Null without `alerts`. */
  get desk(): AlertsDesk | null {
    return this.#engine
  }

  async #start(config: Config): Promise<void> {
    if (config.alerts === undefined) return
    const { startAlerts } = await import('@budao/observability')
    const { baseDir, source, report, warn, control, logs, lastGood } = this.#options
    const engine = await startAlerts(config, {
      baseDir,
      metrics: () => source.metrics(),
      notifies: () => this.#leads(),
      shared: control === null ? null : new StoredTold(control.store, warn),
      lenient: lastGood === true,
      report,
      warn,
      secret: (secret, path) => readSecret(secret, baseDir, 1, path),
    })
    this.#engine = engine
    if (engine === null) return
    this.#unfollow = source.events.subscribe((event) => engine.takeEvent(event))
    // Events of this process come by themselves, and stand in a file that is read too.
    logs?.watch(engine.filters, (records) => {
      for (const record of records)
        if (record.attributes['event.dataset'] !== 'budao.events') engine.take(record)
    })
    engine.begin()
  }

  #leads(): boolean {
    const leader = this.#options.leader()
    if (leader === undefined) return true
    if (leader !== null) this.#ledAt = performance.now()
    return leader === null ? performance.now() - this.#ledAt > leaderlessMs : leader.self
  }

  /** Begins anew with another configuration, or other files of rules; what is known goes on. */
  async apply(config: Config): Promise<void> {
    this.close()
    await this.#start(config)
  }

  metrics(): string {
    return this.#engine?.metrics() ?? ''
  }

  close(): void {
    this.#unfollow?.()
    this.#options.logs?.watch([], () => {})
    this.#engine?.close()
    this.#engine = null
  }
}
