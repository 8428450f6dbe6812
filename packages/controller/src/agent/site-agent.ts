import type {
  CoordinationStore,
  FailoverRun,
  OrderAnswer,
  SiteOrder,
  SiteStandby,
  WriteLease,
} from '@budao/model'
import { leaseKey, runKey } from '@budao/model'
import { holderName } from '../keeper/keeper-options.ts'
import { serviceOf } from '../control/control-events.ts'
import { OrderBook } from '../keeper/order-book.ts'
import type { ServiceStandby } from './standby-processes.ts'
import type { Supervisor } from './supervisor.ts'

/** Who says which processes of a site live. */
export interface Witness extends Pick<Supervisor, 'fateOf' | 'onEnd'> {
  readonly standbys: {
    reports(): readonly ServiceStandby[]
    start(service: string, unit: string): string
    stop(unit: string): void
  }
}

/** Who wants to know what an agent sees end. */
export interface SiteAgentListener {
  /** The last process of a service here has ended. */
  exited(service: string): void
  /** Nothing of a holder of leases lives any more; as leases name it. */
  gone(holder: string): void
  /** All units of the configuration: what one was started for may serve others by now. */
  units(): readonly string[]
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
  readonly #units: () => readonly string[]
  readonly #orders = new OrderBook()
  /** Orders to start, by unit: one that came while the end of the same was being thought about stands. */
  readonly #starts: Map<string, number> = new Map()
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
    this.#units = () => listener.units()
    this.#store = store
    this.#witness = witness
    this.close = witness.onEnd({
      serviceExited: (service) => listener.exited(service),
      nodeGone: (node, start) => listener.gone(holderName(node, start)),
    })
  }

  /** Processes that are started only when the work comes here. */
  standbys(): readonly SiteStandby[] {
    return this.#witness.standbys.reports().map((report) => ({ ...report, site: this.#site }))
  }

  /** Carries an order out; the same one again is answered as before. */
  order(order: SiteOrder): Promise<OrderAnswer> {
    const { stepId, site } = order
    if (site !== this.#site)
      return Promise.resolve({ stepId, ok: false, why: `this is site ${this.#site}, not ${site}` })
    const carryOut = async (): Promise<OrderAnswer> => {
      const why = await this.#refusal(order)
      return { stepId, ok: why === '', why }
    }
    // What was started may have ended since, and the other way round: the same again is done again.
    if (order.order === 'start' || order.order === 'stop') return carryOut()
    return this.#orders.answer(order, carryOut)
  }

  async #refusal({ order, unit, epoch }: SiteOrder): Promise<string> {
    switch (order) {
      case 'start':
        this.#starts.set(unit, (this.#starts.get(unit) ?? 0) + 1)
        return this.#witness.standbys.start(serviceOf(unit), unit)
      case 'stop':
        return this.#stop(unit, epoch)
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

  /** An order may come late: who writes here, or is about to, is not stopped. */
  async #stop(unit: string, epoch: number): Promise<string> {
    const starts = this.#starts.get(unit)
    const lease = await this.#stored<WriteLease>(leaseKey(unit))
    const run = await this.#stored<FailoverRun>(runKey(unit))
    const others = await this.#heldHere(unit)
    if (lease === undefined || run === undefined || others === undefined)
      return 'the coordination store cannot be asked'
    if (others.length > 0) return `${others.join(', ')} is here, or on its way`
    if (lease === null || lease.epoch !== epoch) return `the store has epoch ${lease?.epoch ?? 0} by now`
    if (lease.site === this.#site || lease.state !== 'held')
      return `${unit} is ${lease.state} at ${lease.site}`
    if (run !== null && run.outcome === null) return `${unit} is being moved: ${run.id}`
    if (this.#starts.get(unit) !== starts) return `${unit} is to come here by now`
    this.#witness.standbys.stop(unit)
    return ''
  }

  /** Other units that are at this site: they may be served by what was started for that one. Undefined: the store cannot be asked. */
  async #heldHere(unit: string): Promise<readonly string[] | undefined> {
    const others = this.#units().filter((each) => each !== unit)
    const leases = await Promise.all(others.map((each) => this.#stored<WriteLease>(leaseKey(each))))
    if (leases.includes(undefined)) return undefined
    return others.filter((_, index) => leases[index]?.site === this.#site)
  }

  /**
   * Why somebody may still accept writes of that epoch; empty when surely nobody does. The lease is the only witness of who
   * could: fenced, nobody can become its holder any more; and whoever held the epoch before that holder had surely stopped
   * when it took over, or the holder was another start of the same node, which this agent had seen end first.
   */
  async #mayLive(unit: string, epoch: number): Promise<string> {
    const lease = await this.#stored<WriteLease>(leaseKey(unit))
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
  async #stored<T>(key: string): Promise<T | null | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => resolve(undefined), storeMs)
    try {
      const asked = this.#store.get(key)
      return await Promise.race([asked.then((record) => (record?.value ?? null) as T | null), late])
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}
