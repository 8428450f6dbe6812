import type { OwnershipReport, Placement } from '@budao/model'
import { HeldLease, LocalCells, type Clock } from '@budao/resilience'
import type { GatewayOptions } from '../gateway-options.ts'
import type { Service } from '../service/service.ts'
import type { OwnedUnit, ServiceOwnership } from './service-ownership.ts'
import type { PeerAddresses } from './peers.ts'
import { PlacementFile } from './placement-file.ts'

/** What the outside gives the ownership of a gateway. */
export interface OwnershipOptions {
  readonly outside: Pick<GatewayOptions, 'placementFile' | 'warn'>
  /** That all threads go by. */
  readonly clock: Clock
  /** Who is told where other gateways are; resolves once all know. */
  readonly threads: { tellPeers(addresses: PeerAddresses): Promise<void> }
}

/** How often it is looked whether the writes under way are over. */
const settleEveryMs = 5

/**
 * Who may write where, as a gateway obeys it. Whoever keeps leases gives it placements and renews `lease(unit)`; the threads
 * ask their shared memory for every write. On its own it grants nothing: a lease that nobody renews ends.
 */
export class Ownership {
  readonly #options: OwnershipOptions
  readonly #file: PlacementFile | null
  readonly #placements: Map<string, Placement> = new Map()
  #services: ReadonlyMap<string, Service> = new Map()
  #addresses: PeerAddresses = { units: {}, sites: {} }

  constructor(options: OwnershipOptions) {
    this.#options = options
    const { placementFile } = options.outside
    this.#file = placementFile === undefined ? null : new PlacementFile(placementFile)
  }

  /** Monotonic milliseconds, of the clock that leases are judged by. */
  now(): number {
    return this.#options.clock.now()
  }

  /** Reads what was known when the process ended. */
  async open(): Promise<void> {
    if (this.#file === null) return
    const { placements, problem } = await this.#file.load()
    if (problem !== null) this.#options.outside.warn(`placements of before are not known: ${problem}`)
    for (const placement of placements) this.#placements.set(placement.unit, placement)
  }

  /** These services are in force; their memory may lie elsewhere than that of those before. */
  use(services: ReadonlyMap<string, Service>): void {
    this.#services = services
    for (const placement of this.#placements.values()) this.#obey(placement)
  }

  /**
   * The right to write of one unit. Ask anew for every use. One that is not configured here has a lease that nobody asks.
   */
  lease(unit: string): HeldLease {
    return this.#unit(unit)?.memory.lease ?? new HeldLease(new LocalCells(HeldLease.cellsFor()))
  }

  /** Other gateways’ plain listeners by site: where writes go while only the site of the owner is known. */
  peers(sites: Readonly<Record<string, string>>): Promise<void> {
    this.#addresses = { ...this.#addresses, sites }
    return this.#options.threads.tellPeers(this.#addresses)
  }

  /**
   * Where writes and reads of a unit go from now on; one of an older epoch than is known changes nothing.
   * `holderTraffic`: the plain listener of the gateway that holds the lease; null for one of that site’s. Resolves once all
   * threads obey.
   */
  async place(placement: Placement, holderTraffic: string | null): Promise<void> {
    const { unit, owner, epoch } = placement
    const before = this.#placements.get(unit)
    if (before !== undefined && epoch < before.epoch) return
    // First the way to it, then that it is to be gone.
    await this.#locate(unit, owner, holderTraffic)
    const newest = this.#placements.get(unit)
    if (newest !== undefined && epoch < newest.epoch) return
    this.#placements.set(unit, placement)
    this.#obey(placement)
    if (JSON.stringify(newest) === JSON.stringify(placement)) return
    this.#file
      ?.save(() => [...this.#placements.values()])
      .catch((error: unknown) => {
        this.#options.outside.warn(`placements could not be kept for a restart: ${String(error)}`)
      })
  }

  /** The placement obeyed now; undefined before the first. */
  placement(unit: string): Placement | undefined {
    return this.#placements.get(unit)
  }

  /**
   * Lets no new write of that epoch or below begin, and resolves when those under way are over, or may not be acknowledged
   * any more because the lease has ended.
   */
  async settle(unit: string, epoch: number): Promise<void> {
    const memory = this.#unit(unit)?.memory
    if (memory === undefined) return
    memory.close(epoch)
    while (memory.writing > 0 && memory.lease.epoch <= epoch && memory.lease.remainingMs(this.now()) > 0)
      await new Promise((resolve) => setTimeout(resolve, settleEveryMs))
  }

  /** Whether this site has an endpoint that could take writes of the unit. */
  usable(unit: string): boolean {
    const service = this.#serviceOf(unit)
    return service !== undefined && service.ownership!.here.usable(this.now()) > 0
  }

  /** What is known of the units of a service; null for one whose writes have no owners. */
  report({ ownership }: Service): OwnershipReport | null {
    if (ownership === null) return null
    const now = this.now()
    return {
      units: ownership.units.map(({ name, memory }) => {
        const { epoch } = memory.lease
        const held = ownership.leased && memory.mayBegin(epoch, now)
        return {
          unit: name,
          epoch: memory.epoch,
          owner: ownership.siteOf(memory.owner) ?? null,
          readers: this.#placements.get(name)?.readers ?? [],
          leased: ownership.leased,
          held,
          remainingMs: held ? memory.lease.remainingMs(now) : 0,
          writing: memory.writing,
        }
      }),
    }
  }

  async #locate(unit: string, owner: string | null, address: string | null): Promise<void> {
    const { units } = this.#addresses
    const known = units[unit]
    if (owner === null || address === null) {
      if (known === undefined || known.site !== owner) return
      const { [unit]: _, ...others } = units
      this.#addresses = { ...this.#addresses, units: others }
    } else if (known?.site === owner && known.address === address) return
    else this.#addresses = { ...this.#addresses, units: { ...units, [unit]: { site: owner, address } } }
    await this.#options.threads.tellPeers(this.#addresses)
  }

  #obey({ unit, epoch, owner, readers }: Placement): void {
    const ownership = this.#ownershipOf(unit)
    const memory = ownership?.units.find(({ name }) => name === unit)?.memory
    if (ownership === undefined || memory === undefined) return
    memory.setReaders(readers.map((site) => ownership.rowOf(site)).filter((row) => row !== -1))
    memory.learn(epoch, owner === null ? -1 : ownership.rowOf(owner))
  }

  #unit(unit: string): OwnedUnit | undefined {
    return this.#ownershipOf(unit)?.units.find(({ name }) => name === unit)
  }

  #ownershipOf(unit: string): ServiceOwnership | undefined {
    return this.#serviceOf(unit)?.ownership ?? undefined
  }

  #serviceOf(unit: string): Service | undefined {
    for (const service of this.#services.values())
      if (service.ownership?.units.some(({ name }) => name === unit) === true) return service
    return undefined
  }
}
