import type { Config, IdempotencyConfig } from '@budao/model'
import type { Cells } from '@budao/resilience'
import { cellsOf, type ArenaLayout } from '../threads/arena.ts'
import type { AnswerStore } from '../cache/answer-store.ts'
import { cachesOf } from '../cache/caches.ts'
import type { PurgeMatch } from '../cache/purge-match.ts'
import type { RouteCache } from '../cache/route-cache.ts'
import { createFilter, filterCells } from '../filters/create.ts'
import type { KeyStore } from '../idempotency/key-store.ts'
import { RouteKeys } from '../idempotency/route-keys.ts'
import type { Filter } from '../filters/filter.ts'
import { openStore } from '../providers/open-store.ts'
import { Router } from './router.ts'
import type { RuntimeContext, RuntimePlan } from '../threads/runtime.ts'
import { readStoreCounts, storeCells, type StoreCounts } from '../stores/store-status.ts'
import type { StoreLease } from '../stores/stores.ts'
import { serveCells } from '../serve/serve-memory.ts'
import type { Served } from '../serve/served.ts'
import { closeServed, servedRoutes } from '../serve/served-routes.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { LiveShare } from './live-share.ts'
import { releaseShadow, shadowCells, shadowedBy, type ReleaseShadow } from './release-shadow.ts'
import { rolloutCellName, rolloutCells } from './rollouts.ts'
import { Split } from './split.ts'

/**
 * What of a configuration has nothing to do with endpoints, ready to serve in one thread: the router, the filters and the
 * cache of each route, the stores they use. Shared by all snapshots that differ only in endpoints, so that an endpoint that comes or goes makes no
 * filter anew; released by the last of them.
 */
export class Routing {
  readonly router: Router
  /** By index of the route. */
  readonly filters: readonly (readonly Filter[])[]
  /** By index of the route; null where nothing is kept. */
  readonly caches: readonly (RouteCache | null)[]
  /** By index of the route; null for those that answer nothing by themselves. */
  readonly served: readonly (Served | null)[]
  /** By index of the route; null where writes have no keys. */
  readonly keys: readonly (RouteKeys | null)[]
  /** By index of the route; null where releases are not told apart. */
  readonly splits: readonly (Split | null)[]
  /** By index of the route; null where no release is shown copies. */
  readonly shadows: readonly (ReleaseShadow | null)[]
  /** Null where no traces are wanted. */
  readonly tracer: Tracer | null
  readonly #stores: StoreLease
  readonly #answers: readonly AnswerStore[]
  #users = 1

  private constructor(
    config: Config,
    filters: readonly (readonly Filter[])[],
    stores: StoreLease,
    caches: readonly (RouteCache | null)[],
    keys: readonly (RouteKeys | null)[],
    answers: readonly AnswerStore[],
    served: readonly (Served | null)[],
    tracer: Tracer | null,
    splits: readonly (Split | null)[],
    shadows: readonly (ReleaseShadow | null)[],
  ) {
    this.router = new Router(config.routes)
    this.filters = filters
    this.caches = caches
    this.keys = keys
    this.tracer = tracer
    this.splits = splits
    this.shadows = shadows
    this.#stores = stores
    this.#answers = answers
    this.served = served
  }

  /** Rejects when a filter cannot be made: a key file that is missing, a module that does not load. */
  static async create(plan: RuntimePlan, context: RuntimeContext): Promise<Routing> {
    const { config } = plan.snapshot
    const filters: Filter[][] = []
    const keys: (RouteKeys | null)[] = []
    const stores = leaseStores(plan, context)
    try {
      for (const route of config.routes) {
        const own: Filter[] = []
        filters.push(own)
        keys.push(null)
        for (const [index, filter] of route.filters.entries()) {
          if ('idempotency' in filter) {
            const cells = filterMemory(plan, context, route.name, index)
            const store = await keyStore(filter.idempotency, context, stores)
            keys[keys.length - 1] = new RouteKeys(filter.idempotency, route.name, store, cells)
            continue
          }
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
            remoteTexts: context.keys!,
          })
          own.push(made)
        }
      }
      const answers = await answerStores(plan, context, stores)
      const caches = config.routes.map((route) =>
        context.caches!.forRoute(route, plan.routeRows[route.name]!, answers, plan.cacheMemory.flights),
      )
      return new Routing(
        config,
        filters,
        stores,
        caches,
        keys,
        [...answers.values()],
        await servedRoutes(plan, context),
        await createTracer(config, context),
        splitsOf(plan, context),
        shadowsOf(plan, context),
      )
    } catch (error) {
      await closeAll(filters)
      stores.close()
      throw error
    }
  }

  /** Purges the caches that are not in memory: one thread does it for all. Rejects when one of them is away. */
  async purge(match: PurgeMatch): Promise<number> {
    let removed = 0
    for (const store of this.#answers) if (!store.isHere) removed += await store.purge(match)
    return removed
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
    await closeServed(this.served)
    this.#stores.close()
    await this.tracer?.close()
  }
}

/** The shared memory that filters and stores take, by name. */
export function routingCells(config: Config, workers: number): Map<string, number> {
  const cells = serveCells(config, workers)
  for (const [name, length] of rolloutCells(config)) cells.set(name, length)
  for (const [name, length] of shadowCells(config, workers)) cells.set(name, length)
  const { stores, routes } = config
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
function storeName(store: string): string {
  return `store/${store}`
}

/** What the stores of a snapshot count. */
export function storeCounts(
  { snapshot, layout }: RuntimePlan,
  memory: Int32Array,
): Record<string, StoreCounts> {
  const names = Object.keys(snapshot.config.stores)
  return Object.fromEntries(
    names.map((name) => [name, readStoreCounts(cellsOf(memory, layout, storeName(name)))]),
  )
}

/** Which release requests belong to, by index of the route. */
function splitsOf(
  { snapshot: { config }, layout }: RuntimePlan,
  { memory }: RuntimeContext,
): (Split | null)[] {
  const rollouts = Object.entries(config.rollouts)
  return config.routes.map(({ name, split }) => {
    if (split === undefined) return null
    const [own, rollout] = rollouts.find(([, { route }]) => route === name) ?? []
    const rolling =
      own === undefined || rollout === undefined
        ? null
        : {
            name: own,
            release: rollout.release,
            share: new LiveShare(cellsOf(memory, layout, rolloutCellName(own))),
          }
    return new Split(split, name, config.node.site, rolling)
  })
}

/** Which releases are shown copies, by index of the route. */
function shadowsOf(plan: RuntimePlan, { memory, worker }: RuntimeContext): (ReleaseShadow | null)[] {
  const { config } = plan.snapshot
  return config.routes.map(({ name }) => {
    const rollout = shadowedBy(config, name)
    if (rollout === undefined) return null
    return releaseShadow(plan, memory, rollout, config.rollouts[rollout]!.release, worker)
  })
}

/** Where the keys of a route's writes are kept. */
async function keyStore(
  { store }: IdempotencyConfig,
  context: RuntimeContext,
  stores: StoreLease,
): Promise<KeyStore> {
  return store === undefined ? context.keyFile! : (await stores.take(store)).writeKeys()
}

/** Loaded where traces are wanted. */
async function createTracer({ tracing, node }: Config, context: RuntimeContext): Promise<Tracer | null> {
  if (tracing === undefined) return null
  const { Tracer } = await import('../tracing/tracer.ts')
  return Tracer.create(tracing, {
    node: node.name,
    site: node.site,
    random: context.random,
    now: context.now,
    wallNow: context.wallNow,
    onSpans: (exported, dropped) => context.onSpans?.(exported, dropped),
    warn: context.warn,
  })
}

async function closeAll(filters: readonly (readonly Filter[])[]): Promise<void> {
  await Promise.all(filters.flat().map(async (filter) => filter.close?.()))
}

/** Where the answers are kept, by the names of the caches. */
async function answerStores(
  { snapshot, cacheMemory }: RuntimePlan,
  context: RuntimeContext,
  stores: StoreLease,
): Promise<Map<string, AnswerStore>> {
  const answers = new Map<string, AnswerStore>()
  const purges = new Int32Array(cacheMemory.purges)
  for (const [name, config] of cachesOf(snapshot.config)) {
    const { store, entryBytes } = config
    const kept =
      store === undefined
        ? context.caches!.inMemory(cacheMemory.stores[name]!, config)
        : (await stores.take(store)).answers({ name, entryBytes, purges })
    answers.set(name, kept)
  }
  return answers
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

/** The shared memory of a route's filter. */
export function filterName(route: string, index: number): string {
  return `route/${route}/filter/${index}`
}

function filterMemory({ layout }: RuntimePlan, context: RuntimeContext, route: string, index: number): Cells {
  const name = filterName(route, index)
  const own: ArenaLayout = layout[name] === undefined ? { [name]: [0, 0] } : layout
  return cellsOf(context.memory, own, name)
}
