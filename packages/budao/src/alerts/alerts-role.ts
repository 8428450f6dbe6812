import { createHmac } from 'node:crypto'
import type { AlertEngine, StoredAlerts } from '@budao/observability'
import type { NodeSource } from '@budao/controller'
import type { AlertsDesk, Config, EventDraft, LogRecord } from '@budao/model'
import type { ControlRole } from '../control/control-role.ts'
import { readSecret } from '../control/secret.ts'
import type { LogsRole } from '../logs/logs-role.ts'

/** What a process gives to its alerts. */
export interface AlertsRoleOptions {
  readonly baseDir: string
  /** Its own metrics and events. */
  readonly source: Pick<NodeSource, 'metrics' | 'events'>
  /** Where it knows things together with other controllers; null: it is alone. */
  readonly control: ControlRole | null
  readonly logs: LogsRole | null
  /** Started with a snapshot that was good once: what has become of its rules keeps nobody from serving. */
  readonly lastGood?: boolean
  report(event: EventDraft): void
  warn(message: string): void
}

const heldMax = 10_000

/** Alerts of a process, as `alerts` describes them. What they need is loaded only where there are any. */
export class AlertsRole {
  readonly #options: AlertsRoleOptions
  #engine: AlertEngine | null = null
  /** Lives on over reloads: nobody else is to tell people meanwhile. */
  #shared: StoredAlerts | null = null
  #unfollow: (() => void) | null = null
  readonly #held: ((engine: AlertEngine) => void)[] = []

  private constructor(options: AlertsRoleOptions) {
    this.#options = options
  }

  /** Rejects with everything that is wrong, a line each. */
  static async start(config: Config, options: AlertsRoleOptions): Promise<AlertsRole> {
    const self = new AlertsRole(options)
    try {
      await self.#start(config)
      return self
    } catch (error) {
      await self.close()
      throw error
    }
  }

  /** Null without `alerts`. */
  get desk(): AlertsDesk | null {
    return this.#engine
  }

  async #start(config: Config): Promise<void> {
    if (config.alerts === undefined) {
      await this.#shared?.close()
      this.#shared = null
      return
    }
    const { startAlerts, StoredAlerts } = await import('@budao/observability')
    const { baseDir, source, report, warn, control, logs, lastGood } = this.#options
    if (control !== null && this.#shared === null)
      this.#shared = new StoredAlerts({
        store: control.store,
        node: config.node.name,
        now: () => performance.now(),
        wallNow: () => Date.now(),
        warn,
      })
    const engine = await startAlerts(config, {
      baseDir,
      metrics: () => source.metrics(),
      shared: this.#shared,
      linkSecret: await this.#linkSecret(config),
      lenient: lastGood === true,
      report,
      warn,
      secret: (secret, path) => readSecret(secret, baseDir, 1, path),
    })
    this.#engine = engine
    if (engine === null) return
    this.#unfollow ??= source.events.subscribe((event) => this.#give((to) => to.takeEvent(event)))
    logs?.watch('alerts', engine.filters, (records) => this.#give((to) => takeRecords(to, records)))
    for (const give of this.#held.splice(0)) give(engine)
    engine.begin()
  }

  /** What comes while another configuration comes into force waits for it. */
  #give(give: (engine: AlertEngine) => void): void {
    if (this.#engine !== null) give(this.#engine)
    else if (this.#held.length < heldMax) this.#held.push(give)
  }

  /** A link in a message of one controller holds at every other: all of them have the secret of `control`. */
  async #linkSecret({ control }: Config): Promise<string | null> {
    if (control === undefined || this.#shared === null) return null
    const token = await readSecret(control.token, this.#options.baseDir, 1, 'control.token')
    return createHmac('sha256', token).update('links in messages about alerts').digest('base64url')
  }

  /** Begins anew with another configuration, or other files of rules; what is known goes on. */
  async apply(config: Config): Promise<void> {
    this.#engine?.close()
    this.#engine = null
    await this.#start(config)
    if (config.alerts === undefined) this.#end()
  }

  metrics(): string {
    return this.#engine?.metrics() ?? ''
  }

  /** Before the store of leases: another controller tells people from now on. */
  async close(): Promise<void> {
    this.#end()
    await this.#shared?.close()
    this.#shared = null
  }

  #end(): void {
    this.#unfollow?.()
    this.#unfollow = null
    this.#held.length = 0
    this.#options.logs?.watch('alerts', [], () => {})
    this.#engine?.close()
    this.#engine = null
  }
}

/** Events of this process come by themselves, and stand in a file that is read too. */
function takeRecords(engine: AlertEngine, records: readonly LogRecord[]): void {
  for (const record of records) if (record.attributes['event.dataset'] !== 'budao.events') engine.take(record)
}
