import type { OrderAnswer, Placement, SiteOrder, SitePosition, Versioned, WriteLease } from '@budao/model'
import { leaseKey } from '@budao/model'
import { later, type KeeperOptions } from './keeper-options.ts'
import { OrderBook } from './order-book.ts'
import { UnitKeeper } from './unit-keeper.ts'

/**
 * Keeps the leases of one node: the loop around `UnitKeeper`. It renews by time, takes up what the store’s watch tells, and
 * answers orders. Nothing here decides who may write: the lease does, and the data plane asks it for every write.
 */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #units: Map<string, UnitKeeper> = new Map()
  readonly #orders = new OrderBook()
  readonly #watch: { close(): void }
  readonly #timers: Map<string, () => void> = new Map()
  #closed = false

  constructor(options: KeeperOptions) {
    this.#options = { schedule: later, ...options }
    for (const unit of options.units) {
      const keeper = new UnitKeeper(unit, this.#options)
      this.#units.set(unit.unit, keeper)
      this.#turn(unit.unit, keeper)
    }
    this.#watch = options.store.watch(leaseKey(''), (key, record) => this.#seen(key, record))
  }

  /** Carries an order out; the same one again is answered as before. */
  order(order: SiteOrder): Promise<OrderAnswer> {
    const { stepId, unit, site } = order
    const keeper = this.#units.get(unit)
    const refuse = (why: string): Promise<OrderAnswer> => Promise.resolve({ stepId, ok: false, why })
    if (site !== this.#options.site) return refuse(`this is site ${this.#options.site}, not ${site}`)
    if (keeper === undefined) return refuse(`there is no unit ${unit} here`)
    return this.#orders.answer(order, () => keeper.order(order))
  }

  /** From a controller: where writes and reads of a unit go. */
  place(placement: Placement): void {
    const keeper = this.#units.get(placement.unit)
    // Of what has no lease only the gateway needs to know.
    if (keeper === undefined) this.#options.placed(placement, null)
    else keeper.place(placement)
  }

  /** A supervisor’s word that a process has exited; `holder` as leases name it, `node#start`. */
  gone(holder: string): void {
    for (const keeper of this.#units.values()) keeper.gone(holder)
  }

  /** How far this site’s data is; undefined for a unit that is not kept here. */
  position(unit: string): SitePosition | undefined {
    return this.#units.get(unit)?.position()
  }

  /** Units whose writes are accepted here at this moment. */
  get holding(): readonly string[] {
    return [...this.#units].filter(([, keeper]) => keeper.holds).map(([unit]) => unit)
  }

  /** Gives it up for good: see `UnitKeeper.release`. */
  release(unit: string): Promise<boolean> {
    return this.#units.get(unit)?.release() ?? Promise.resolve(false)
  }

  /** Another process holds it, here or elsewhere. */
  isHeldElsewhere(unit: string): boolean {
    return this.#units.get(unit)?.isHeldElsewhere ?? false
  }

  /** The site that holds it, as far as is known here; null: nobody. */
  ownerOf(unit: string): string | null {
    return this.#units.get(unit)?.owner ?? null
  }

  /** Renews nothing more: what is held ends with its lease. */
  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
    for (const cancel of this.#timers.values()) cancel()
  }

  #turn(unit: string, keeper: UnitKeeper): void {
    if (this.#closed) return
    this.#timers.set(
      unit,
      this.#options.schedule!(() => this.#turn(unit, keeper), keeper.everyMs),
    )
    void keeper.turn()
  }

  #seen(key: string, record: Versioned): void {
    const keeper = this.#units.get(key.slice(leaseKey('').length))
    if (keeper === undefined || this.#closed) return
    keeper.see(record as Versioned<WriteLease>)
    void keeper.takeUp()
  }
}
