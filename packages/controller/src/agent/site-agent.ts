import type { CoordinationStore, OrderAnswer, SiteOrder, WriteLease } from '@budao/model'
import { leaseKey } from '@budao/model'
import { holderName } from '../keeper/keeper-options.ts'
import { OrderBook } from '../keeper/order-book.ts'
import type { Supervisor } from './supervisor.ts'

/** Who says which processes of a site live. */
export type Witness = Pick<Supervisor, 'fateOf' | 'onEnd'>

/** Who wants to know what an agent sees end. */
export interface SiteAgentListener {
  /** The last process of a service here has ended. */
  exited(service: string): void
  /** Nothing of a holder of leases lives any more; as leases name it. */
  gone(holder: string): void
}

/** How long the store may take to answer: an order is answered within a second, or another way is gone. */
const storeMs = 600

/**
 * The agent’s part in failover. What it sees end is evidence; to a controller’s orders it answers for the gateways that it has seen
 * end: they accept no writes any more, and cannot say so themselves. It holds no leases of its own.
 */
export class SiteAgent {
  readonly #site: string
  readonly #store: Pick<CoordinationStore, 'get'>
  readonly #witness: Witness
  readonly #orders = new OrderBook()
  /** Hears of no ends any more. */
  readonly close: () => void

  /** Null where nobody looks after processes, or at no site. */
  static of(
    witness: Witness | null | undefined,
    site: string | null,
    store: Pick<CoordinationStore, 'get'>,
    listener: SiteAgentListener,
  ): SiteAgent | null {
    if (witness === null || witness === undefined || site === null) return null
    return new SiteAgent(witness, site, store, listener)
  }

  private constructor(
    witness: Witness,
    site: string,
    store: Pick<CoordinationStore, 'get'>,
    listener: SiteAgentListener,
  ) {
    this.#site = site
    this.#store = store
    this.#witness = witness
    this.close = witness.onEnd({
      serviceExited: (service) => listener.exited(service),
      nodeGone: (node, start) => listener.gone(holderName(node, start)),
    })
  }

  /** Carries an order out; the same one again is answered as before. */
  order(order: SiteOrder): Promise<OrderAnswer> {
    const { stepId, site } = order
    if (site !== this.#site)
      return Promise.resolve({ stepId, ok: false, why: `this is site ${this.#site}, not ${site}` })
    return this.#orders.answer(order, async () => {
      const why = await this.#refusal(order)
      return { stepId, ok: why === '', why }
    })
  }

  async #refusal({ order, unit, epoch }: SiteOrder): Promise<string> {
    switch (order) {
      case 'fence':
      case 'drain':
        return this.#mayLive(unit, epoch)
      case 'claim':
      case 'restore':
      case 'catch-up':
      case 'shadow':
        return 'an agent holds no leases and no data'
    }
  }

  /**
   * Why somebody may still accept writes of that epoch; empty when surely nobody does. The lease is the only witness of who
   * could: fenced, nobody can become its holder any more; and whoever held the epoch before that holder had surely stopped
   * when it took over, or the holder was another start of the same node, which this agent had seen end first.
   */
  async #mayLive(unit: string, epoch: number): Promise<string> {
    const lease = await this.#lease(unit)
    if (lease === undefined) return 'the coordination store cannot be asked'
    if (lease === null || lease.epoch !== epoch) return `the store has epoch ${lease?.epoch ?? 0} by now`
    if (lease.state !== 'fenced') return 'the epoch is not fenced in the store: it could be renewed'
    const { holder } = lease
    if (holder === '') return ''
    const mark = holder.lastIndexOf('#')
    const node = holder.slice(0, mark)
    switch (this.#witness.fateOf(node, holder.slice(mark + 1))) {
      case 'gone':
        return ''
      case 'alive':
        return `${node} lives here, and can speak for itself`
      case 'unknown':
        return `${holder} was not started by this agent: it may live`
    }
  }

  /** Undefined when the store could not be asked. */
  async #lease(unit: string): Promise<WriteLease | null | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => resolve(undefined), storeMs)
    try {
      const asked = this.#store.get(leaseKey(unit))
      return await Promise.race([asked.then((record) => (record?.value ?? null) as WriteLease | null), late])
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}
