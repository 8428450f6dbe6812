import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { FailoverDesk, ServingSide } from '@budao/controller'
import { ControlNode } from '@budao/controller/control'
import { startVariable, type Config, type EventDraft, type SiteVerdict } from '@budao/model'
import { openStore } from './providers/coordination.ts'
import { readSecret } from './secret.ts'

/** Shorter ones can be guessed by who has heard a handshake. */
const tokenLengthMin = 16

/** What a process gives to its part in failover. */
export interface ControlRoleOptions {
  readonly baseDir: string
  /** What `control.controller` is where the file does not say. */
  readonly decides: boolean
  /** The gateway of this process; null: there is none. */
  readonly serving: ServingSide | null
  /** Of the clock that leases are judged by. */
  now(): number
  /** Where its admin API answers, as others reach it. */
  readonly admin: string | null
  report(event: EventDraft): void
  warn(message: string): void
  judged?(verdicts: readonly SiteVerdict[]): void
}

/** A process’s part in failover, as `control` describes it. */
export class ControlRole {
  readonly #node: ControlNode

  /** Null without `control`. Rejects when a secret is missing, the store cannot be opened, or it cannot listen. */
  static async start(config: Config, options: ControlRoleOptions): Promise<ControlRole | null> {
    const { control, dataDir } = config
    if (control === undefined) return null
    const { baseDir, decides, serving, admin } = options
    const token = await readSecret(control.token, baseDir, tokenLengthMin, 'control.token')
    const store = await openStore(control.store, baseDir)
    try {
      return new ControlRole(
        await ControlNode.start({
          config,
          token,
          store,
          folder: resolve(baseDir, dataDir),
          // An agent names each start of a process, so that it can say whose lease ended with it.
          start: process.env[startVariable] ?? randomUUID().slice(0, 13),
          controller: control.controller ?? decides,
          admin,
          serving,
          now: () => options.now(),
          report: (event) => options.report(event),
          warn: (message) => options.warn(message),
          judged: (verdicts) => options.judged?.(verdicts),
        }),
      )
    } catch (error) {
      store.close()
      throw new Error(`control: ${(error as Error).message}`, { cause: error })
    }
  }

  private constructor(node: ControlNode) {
    this.#node = node
  }

  /** Null where nothing is decided here. */
  get desk(): FailoverDesk | null {
    return this.#node.desk
  }

  /** Prometheus text. */
  metrics(): string {
    return this.#node.metrics()
  }

  /** A supervisor’s word that a process has exited; `holder` as leases name it. */
  exited(holder: string): void {
    this.#node.exited(holder)
  }

  /** Another configuration is in force, with the same `node` and `control`. */
  apply(config: Config): Promise<void> {
    return this.#node.apply(config)
  }

  close(): Promise<void> {
    return this.#node.close()
  }
}
