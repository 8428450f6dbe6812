import type { Config } from '@budao/model'
import type { Cells } from '@budao/resilience'
import { cellsOf, type ArenaLayout } from './arena.ts'
import { createFilter, filterCells } from './filters/create.ts'
import type { Filter } from './filters/filter.ts'
import { openStore } from './providers/open-store.ts'
import { Router } from './router.ts'
import type { RuntimeContext, RuntimePlan } from './runtime.ts'
import { storeCells } from './store-status.ts'
import type { StoreLease } from './stores.ts'

/**
 * What of a configuration has nothing to do with endpoints, ready to serve in one thread: the router, the filters of each route,
 * the stores they use. Shared by all snapshots that differ only in endpoints, so that an endpoint that comes or goes makes no
 * filter anew; released by the last of them.
 */
export class Routing {
  readonly router: Router
  /** By index of the route. */
  readonly filters: readonly (readonly Filter[])[]
  readonly #stores: StoreLease
  #users = 1

  private constructor(config: Config, filters: readonly (readonly Filter[])[], stores: StoreLease) {
    this.router = new Router(config.routes)
    this.filters = filters
    this.#stores = stores
  }

  /** Rejects when a filter cannot be made: a key file that is missing, a module that does not load. */
  static async create(plan: RuntimePlan, context: RuntimeContext): Promise<Routing> {
    const { config } = plan.snapshot
    const filters: Filter[][] = []
    const stores = leaseStores(plan, context)
    try {
      for (const route of config.routes) {
        const own: Filter[] = []
        filters.push(own)
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
        }
      }
      return new Routing(config, filters, stores)
    } catch (error) {
      await closeAll(filters)
      stores.close()
      throw error
    }
  }

  /** For one more runtime. */
  share(): this {
    this.#users++
    return this
  }

  /** The last one to release it ends what filters hold. */
  async release(): Promise<void> {
    if (--this.#users > 0) return
    await closeAll(this.filters)
    this.#stores.close()
  }
}

/** The shared memory that filters and stores take, by name. */
export function routingCells({ stores, routes }: Config, workers: number): Map<string, number> {
  const cells = new Map<string, number>()
  for (const name of Object.keys(stores)) cells.set(storeName(name), storeCells(workers))
  for (const route of routes) {
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

async function closeAll(filters: readonly (readonly Filter[])[]): Promise<void> {
  await Promise.all(filters.flat().map(async (filter) => filter.close?.()))
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

function filterName(route: string, index: number): string {
  return `route/${route}/filter/${index}`
}

function filterMemory({ layout }: RuntimePlan, context: RuntimeContext, route: string, index: number): Cells {
  const name = filterName(route, index)
  const own: ArenaLayout = layout[name] === undefined ? { [name]: [0, 0] } : layout
  return cellsOf(context.memory, own, name)
}
