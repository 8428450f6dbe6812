import type { EventDraft, Snapshot } from '@budao/model'
import type { Cells, Random } from '@budao/resilience'
import { cellsOf, type ArenaLayout } from './arena.ts'
import { createFilter, filterCells } from './filters/create.ts'
import type { Filter } from './filters/filter.ts'
import { openStore } from './providers/open-store.ts'
import { Route } from './route.ts'
import { Router } from './router.ts'
import { Service, serviceCells } from './service.ts'
import { storeCells } from './store-status.ts'
import type { StoreLease, Stores } from './stores.ts'
import type { TlsMaterial } from './tls/tls-material.ts'

/** What the main thread sends to every worker for one snapshot. Plain JSON but for the shared memory. */
export interface RuntimePlan {
  readonly snapshot: Snapshot
  readonly layout: ArenaLayout
  /** Row of each route in the metrics. */
  readonly routeRows: Readonly<Record<string, number>>
  /** Row of each listener in its metrics. */
  readonly listenerRows: Readonly<Record<string, number>>
  readonly tls: TlsMaterial
  readonly workers: number
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
}

/** What a runtime needs from the thread it is made in. */
export interface RuntimeContext {
  /** Of this thread; the main thread has none. */
  readonly stores?: Stores
  readonly random: Random
  readonly memory: Int32Array
  /** From 0; the main thread, which only observes, is -1 and makes no filters. */
  readonly worker: number
  now(): number
  wallNow(): number
  report(event: EventDraft): void
  warn(message: string): void
}

/** One snapshot ready to serve in one thread. Replaced as a whole; requests finish with the one they began with. */
export class Runtime {
  readonly version: number
  readonly plan: RuntimePlan
  readonly router: Router
  readonly routes: readonly Route[]
  readonly services: ReadonlyMap<string, Service>
  /** Exchanges under way with this runtime. */
  exchanges = 0
  readonly #filters: readonly Filter[]
  readonly #stores: StoreLease

  private constructor(
    plan: RuntimePlan,
    services: ReadonlyMap<string, Service>,
    routes: readonly Route[],
    filters: readonly Filter[],
    stores: StoreLease,
  ) {
    this.version = plan.snapshot.version
    this.plan = plan
    this.services = services
    this.routes = routes
    this.router = new Router(plan.snapshot.config.routes)
    this.#filters = filters
    this.#stores = stores
  }

  /** Rejects when a filter cannot be made: a key file that is missing, a module that does not load. */
  static async create(plan: RuntimePlan, context: RuntimeContext): Promise<Runtime> {
    const { config } = plan.snapshot
    const services = createServices(plan, context)
    const filters: Filter[] = []
    const stores = leaseStores(plan, context)
    try {
      const routes: Route[] = []
      for (const route of config.routes) {
        const own: Filter[] = []
        for (const [index, filter] of route.filters.entries()) {
          const made = await createFilter(filter, {
            cells: filterMemory(plan, context, route.name, index),
            now: context.now,
            wallNow: context.wallNow,
            baseDir: plan.baseDir,
            route: route.name,
            step: index,
            node: config.node.name,
            site: config.node.site,
            warn: context.warn,
            store: (name) => stores.take(name),
          })
          own.push(made)
          filters.push(made)
        }
        routes.push(new Route(route, plan.routeRows[route.name]!, own, services))
      }
      return new Runtime(plan, services, routes, filters, stores)
    } catch (error) {
      await Promise.all(filters.map(async (filter) => filter.close?.()))
      stores.close()
      throw error
    }
  }

  /** Takes over what the runtime before has learnt. */
  inherit(before: Runtime): void {
    for (const route of this.routes) {
      const same = before.routes.find(({ name }) => name === route.name)
      if (same !== undefined) route.inherit(same)
    }
  }

  /** Releases what filters hold. Only when no exchange uses it any more. */
  async close(): Promise<void> {
    await Promise.all(this.#filters.map(async (filter) => filter.close?.()))
    this.#stores.close()
  }
}

function leaseStores({ snapshot, layout, baseDir }: RuntimePlan, context: RuntimeContext): StoreLease {
  return context.stores!.lease(snapshot.config.stores, (name, config) =>
    openStore(config, {
      name,
      cells: cellsOf(context.memory, layout, storeName(name)),
      worker: context.worker,
      baseDir,
      report: context.report,
    }),
  )
}

/** The services of a plan over its shared memory, for threads that forward and for the one that observes. */
export function createServices(
  { snapshot, layout, workers }: RuntimePlan,
  context: RuntimeContext,
): Map<string, Service> {
  const { config } = snapshot
  const sites = Object.entries(config.sites).map(([name, { weight }]) => ({ name, weight }))
  const shared = {
    random: context.random,
    worker: Math.max(0, context.worker),
    workers,
    localSite: config.node.site,
    sites,
    cells: (name: string): Cells => cellsOf(context.memory, layout, name),
    report: (event: EventDraft): void => context.report(event),
  }
  return new Map(
    Object.entries(config.services).map(([name, service]) => [name, new Service(name, service, shared)]),
  )
}

/** How much shared memory a snapshot takes, by name. */
export function runtimeCells({ config }: Snapshot, workers: number): Map<string, number> {
  const cells = new Map<string, number>()
  for (const [name, service] of Object.entries(config.services)) {
    for (const [key, length] of serviceCells(name, service, workers)) cells.set(key, length)
  }
  for (const name of Object.keys(config.stores)) cells.set(storeName(name), storeCells(workers))
  for (const route of config.routes) {
    for (const [index, filter] of route.filters.entries()) {
      const length = filterCells(filter)
      if (length > 0) cells.set(filterName(route.name, index), length)
    }
  }
  return cells
}

/** The shared memory of a store. */
export function storeName(store: string): string {
  return `store/${store}`
}

function filterName(route: string, index: number): string {
  return `route/${route}/filter/${index}`
}

function filterMemory({ layout }: RuntimePlan, context: RuntimeContext, route: string, index: number): Cells {
  const name = filterName(route, index)
  return cellsOf(context.memory, layout[name] === undefined ? { [name]: [0, 0] } : layout, name)
}
