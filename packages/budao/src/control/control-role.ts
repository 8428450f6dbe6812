import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { SharedDrains, SharedRegistry, unitsOf } from '@budao/controller'
import type {
  AuditFile,
  DrainDirectory,
  FailoverDesk,
  LinkCut,
  RegistryDirectory,
  ServingSide,
  SiteShare,
  Supervisor,
} from '@budao/controller'
import { ControlNode } from '@budao/controller/control'
import {
  startVariable,
  type Config,
  type CoordinationStore,
  type EventDraft,
  type SiteVerdict,
} from '@budao/model'
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
  /** Its endpoints, which it shares with the other gateways. */
  readonly directory: (RegistryDirectory & DrainDirectory) | null
  /** What looks after the processes of this site, where this process does. */
  readonly supervisor?: Supervisor | null
  /** Of the clock that leases are judged by. */
  now(): number
  /** Where its admin API answers, as others reach it. */
  readonly admin: string | null
  report(event: EventDraft): void
  warn(message: string): void
  judged?(verdicts: readonly SiteVerdict[], shares: readonly SiteShare[]): void
}

/** A process’s part in failover, as `control` describes it. */
export class ControlRole {
  /** Where leases are kept, and what else nodes share. */
  readonly store: CoordinationStore
  readonly #node: ControlNode
  #units: readonly string[]
  #drains: SharedDrains | null = null
  /** Null where no gateway serves. */
  registry: SharedRegistry | null = null

  /** Null without `control`. Rejects when a secret is missing, the store cannot be opened, or it cannot listen. */
  static async start(config: Config, options: ControlRoleOptions): Promise<ControlRole | null> {
    const { control, dataDir } = config
    if (control === undefined) return null
    const { baseDir, decides, serving, admin, directory, warn } = options
    const token = await readSecret(control.token, baseDir, tokenLengthMin, 'control.token')
    const store = await openStore(control.store, baseDir)
    try {
      const node = await ControlNode.start({
        config,
        token,
        store,
        baseDir,
        folder: resolve(baseDir, dataDir),
        // An agent names each start of a process, so that it can say whose lease ended with it.
        start: process.env[startVariable] ?? randomUUID().slice(0, 13),
        controller: control.controller ?? decides,
        admin,
        serving,
        supervisor: options.supervisor ?? null,
        now: () => options.now(),
        report: (event) => options.report(event),
        warn: (message) => options.warn(message),
        judged: (verdicts, shares) => options.judged?.(verdicts, shares),
      })
      const self = new ControlRole(node, config, store)
      if (directory !== null) {
        const shared = { store, directory, warn: (message: string): void => warn(message) }
        self.registry = new SharedRegistry({
          ...shared,
          node: config.node.name,
          now: () => options.now(),
        })
        self.#drains = new SharedDrains({ ...shared, units: () => self.#units })
      }
      return self
    } catch (error) {
      store.close()
      throw new Error(`control: ${(error as Error).message}`, { cause: error })
    }
  }

  private constructor(node: ControlNode, config: Config, store: CoordinationStore) {
    this.store = store
    this.#node = node
    this.#units = unitNames(config)
  }

  /** Null where no controller is. */
  get audit(): AuditFile | null {
    return this.#node.audit
  }

  /** The store as this node reaches it: a drill may take it away. */
  get reached(): CoordinationStore {
    return this.#node.cuts.store
  }

  /** Null where nothing is decided here. */
  get desk(): FailoverDesk | null {
    return this.#node.desk
  }

  /** For a drill; `forMs` 0 ends it. False where the configuration does not let drills do that. */
  cut(cut: LinkCut, { drills }: Config): boolean {
    if (drills?.controlLinks !== true) return false
    if (cut.forMs === 0) this.#node.cuts.mend()
    else this.#node.cuts.cut(cut)
    return true
  }

  /** Prometheus text. */
  metrics(): string {
    return this.#node.metrics()
  }

  /** Another configuration is in force, with the same `node` and `control`. */
  apply(config: Config): Promise<void> {
    this.#units = unitNames(config)
    return this.#node.apply(config)
  }

  /** The process is to end: others get what its gateway holds. */
  handOver(): Promise<void> {
    return this.#node.handOver()
  }

  close(): Promise<void> {
    this.registry?.close()
    this.#drains?.close()
    return this.#node.close()
  }
}

function unitNames({ services, sites }: Config): string[] {
  const order = Object.keys(sites)
  return Object.entries(services).flatMap(([name, service]) =>
    unitsOf(name, service, order).map(({ unit }) => unit),
  )
}
