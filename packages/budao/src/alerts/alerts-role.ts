import type { AlertEngine } from '@budao/observability'
import type { AlertsDesk, BudaoEvent, Config, EventDraft } from '@budao/model'
import { readSecret } from '../control/secret.ts'

/** What a process gives to its alerts. */
export interface AlertsRoleOptions {
  readonly baseDir: string
  /** Its own metrics. */
  metrics(): string
  /** Whether it is the one of its kind that tells people now. */
  leads(): boolean
  /** Calls back for every event from now on; gives back how to end that. */
  follow(listener: (event: BudaoEvent) => void): () => void
  report(event: EventDraft): void
  warn(message: string): void
}

/** Alerts of a process, as `alerts` describes them. What they need is loaded only where there are any. */
export class AlertsRole {
  readonly #options: AlertsRoleOptions
  #engine: AlertEngine | null = null
  #unfollow: (() => void) | null = null

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
    const { baseDir, metrics, leads, report, warn, follow } = this.#options
    const engine = await startAlerts(config, {
      baseDir,
      metrics,
      notifies: leads,
      shared: null,
      report,
      warn,
      secret: (secret, path) => readSecret(secret, baseDir, 1, path),
    })
    this.#engine = engine
    if (engine === null) return
    this.#unfollow = follow((event) => engine.takeEvent(event))
    engine.begin()
  }

  /** What is wrong with the files that another configuration names; empty: it may be applied. */
  async problems({ alerts }: Config): Promise<readonly string[]> {
    if (alerts === undefined) return []
    const { readRules } = await import('@budao/observability')
    const read = await readRules(alerts, this.#options.baseDir)
    return read.ok ? [] : read.problems
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
    this.#engine?.close()
    this.#engine = null
  }
}
