import { serviceSites, unitNames, type ServiceConfig, type ServiceMode } from '@budao/model'
import type { Cells } from '@budao/resilience'
import type { ServiceSet } from '../service/service-set.ts'
import { UnitChoice, type KeyedRequest } from './unit-choice.ts'
import { UnitMemory } from './unit-memory.ts'
import { WriteCounts } from './write-counts.ts'

/** What the ownership of a service needs of the thread it runs in. */
export interface OwnershipContext {
  readonly worker: number
  readonly localSite: string
  /** In the order of the configuration. */
  readonly sites: readonly { readonly name: string }[]
  cells(name: string): Cells
  /** A site’s row, for the life of the process; -1 for one that was never configured. */
  siteRow(site: string): number
}

/** Among whom an endpoint is chosen, and in which order. */
export interface Place {
  readonly mode: ServiceMode
  /** Sites in their order; endpoints of others get nothing. */
  readonly sites: readonly string[]
  /** Where a multi-active choice begins. */
  readonly first: string
}

/** One of a service’s units as this thread knows it. */
export class OwnedUnit {
  readonly name: string
  readonly memory: UnitMemory
  /** Made for this owner and these readers. */
  view: ServiceSet | null = null
  viewOwner = -1
  viewReaders = 0
  #stamp = ''
  #stampEpoch = 0

  constructor(name: string, memory: UnitMemory) {
    this.name = name
    this.memory = memory
  }

  /** What endpoints are told with every write of that epoch: header lines. */
  stamp(epoch: number): string {
    if (epoch !== this.#stampEpoch) {
      this.#stampEpoch = epoch
      this.#stamp = `X-Budao-Epoch: ${epoch}\r\nX-Budao-Unit: ${this.name}\r\n`
    }
    return this.#stamp
  }
}

/**
 * Who may write to one service and who reads from it: asked for every request of a service with `failover`. Units, leases
 * and placements lie in shared memory; which endpoints follow from them is each thread’s own, and made when they change.
 */
export class ServiceOwnership {
  /** Writes need a lease; false with active-active. */
  readonly leased: boolean
  readonly units: readonly OwnedUnit[]
  readonly counts: WriteCounts
  readonly worker: number
  /** How long a write waits for somebody to accept it, milliseconds. */
  readonly waitMs: number
  /** Endpoints of this site: where writes go that are done here. */
  readonly here: ServiceSet
  readonly #mode: ServiceMode
  readonly #choice: UnitChoice
  readonly #context: OwnershipContext
  readonly #makeSet: (place: Place) => ServiceSet

  constructor(
    name: string,
    config: ServiceConfig,
    context: OwnershipContext,
    makeSet: (place: Place) => ServiceSet,
  ) {
    const sites = context.sites.map((site) => site.name)
    const leased = unitNames(name, config, sites)
    this.leased = leased.length > 0
    this.units = ownedUnits(name, config, sites).map(
      (unit) => new OwnedUnit(unit, new UnitMemory(context.cells(unitCellName(unit)))),
    )
    this.counts = new WriteCounts(context.cells(countCellName(name)))
    this.worker = context.worker
    this.waitMs = config.ownership?.wait ?? 0
    this.#mode = config.mode
    this.#choice = new UnitChoice(
      config.mode === 'multi-active' ? serviceSites(config, sites) : [],
      config.ownership,
    )
    this.#context = context
    this.#makeSet = makeSet
    const { localSite } = context
    this.here = makeSet({ mode: 'active-active', sites: [localSite], first: localSite })
  }

  unitOf(request: KeyedRequest): OwnedUnit {
    return this.units[this.units.length === 1 ? 0 : this.#choice.of(request)]!
  }

  /** What reads of the unit choose from: the owner’s endpoints first, then those of the other sites that read. */
  readers(unit: OwnedUnit, all: ServiceSet, now: number): ServiceSet {
    const readers = this.#view(unit)
    // Better a site that nobody named than none.
    return readers.usable(now) > 0 ? readers : all
  }

  #view(unit: OwnedUnit): ServiceSet {
    const { owner, readers } = unit.memory
    if (unit.view === null || unit.viewOwner !== owner || unit.viewReaders !== readers) {
      unit.view = this.#makeSet(this.#placeOf(unit.memory, owner))
      unit.viewOwner = owner
      unit.viewReaders = readers
    }
    return unit.view
  }

  /** The name of the site with that row. */
  siteOf(row: number): string | undefined {
    return this.#context.sites.find(({ name }) => this.#context.siteRow(name) === row)?.name
  }

  rowOf(site: string): number {
    return this.#context.siteRow(site)
  }

  /** That thread has died with what it had under way. */
  forget(worker: number): void {
    for (const { memory } of this.units) memory.forget(worker)
  }

  #placeOf(memory: UnitMemory, owner: number): Place {
    const all = this.#context.sites.map(({ name }) => name)
    const first = this.siteOf(owner) ?? (this.#mode === 'active-standby' ? all[0]! : this.#context.localSite)
    const sites = all.filter(
      (site) => site === this.siteOf(owner) || memory.isReader(this.#context.siteRow(site)),
    )
    return { mode: this.#mode, sites: [first, ...sites.filter((site) => site !== first)], first }
  }
}

/** How much shared memory it takes, by name. */
export function ownershipCells(
  service: string,
  config: ServiceConfig,
  sites: readonly string[],
  workers: number,
): Map<string, number> {
  const cells = new Map<string, number>()
  if (config.failover === undefined) return cells
  cells.set(countCellName(service), WriteCounts.cellsFor())
  for (const unit of ownedUnits(service, config, sites))
    cells.set(unitCellName(unit), UnitMemory.cellsFor(workers))
  return cells
}

/** Those with a lease; without any the service as a whole, which is placed all the same. */
function ownedUnits(service: string, config: ServiceConfig, sites: readonly string[]): readonly string[] {
  const leased = unitNames(service, config, sites)
  return leased.length > 0 ? leased : [service]
}

/** The name of a unit’s shared memory. */
export function unitCellName(unit: string): string {
  return `ownership/${unit}`
}

function countCellName(service: string): string {
  return `service/${service}/writes`
}
