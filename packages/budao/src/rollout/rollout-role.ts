import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { RolloutNode, rolloutMetrics } from '@budao/controller'
import type { Gateway } from '@budao/gateway'
import type { Config, CoordinationStore, EventDraft } from '@budao/model'
import { openStore } from '../control/providers/coordination.ts'

/** What a process gives to its part in rollouts. */
export interface RolloutRoleOptions {
  readonly baseDir: string
  readonly gateway: Gateway
  /** Where all nodes keep what they share; null: this gateway is the only one. */
  readonly store: CoordinationStore | null
  report(event: EventDraft): void
  warn(message: string): void
}

/** The rollouts of a gateway: kept with `control` where all nodes see them, without in a file of its own. */
export class RolloutRole {
  readonly desk: RolloutNode
  readonly #own: { close(): void } | null
  readonly #gateway: Gateway

  /** Rejects when the store cannot be opened. */
  static async start(config: Config, options: RolloutRoleOptions): Promise<RolloutRole> {
    const folder = resolve(options.baseDir, config.dataDir)
    mkdirSync(folder, { recursive: true })
    const own =
      options.store === null
        ? await openStore({ type: 'sqlite', path: resolve(folder, 'rollouts.db') }, options.baseDir)
        : null
    return new RolloutRole(config, options, own)
  }

  private constructor(
    config: Config,
    { gateway, store, report, warn }: RolloutRoleOptions,
    own: (CoordinationStore & { close(): void }) | null,
  ) {
    const { rollouts } = gateway
    this.#own = own
    this.#gateway = gateway
    this.desk = new RolloutNode(config.rollouts, {
      self: `${config.node.name}#${randomUUID().slice(0, 13)}`,
      store: store ?? own!,
      gateway: {
        share: (name, basisPoints, until) => void rollouts.share(name, basisPoints, until),
        counts: (name) => rollouts.counts(name),
        now: () => rollouts.now(),
      },
      wall: () => Date.now(),
      report,
      warn,
    })
  }

  /** Prometheus text. */
  metrics(): string {
    return rolloutMetrics(this.desk.reports(), (name) => this.#gateway.rollouts.shareOf(name))
  }

  apply(config: Config): void {
    this.desk.apply(config.rollouts)
  }

  close(): void {
    this.desk.close()
    this.#own?.close()
  }
}
