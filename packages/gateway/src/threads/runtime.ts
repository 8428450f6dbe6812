import { carryingReleases, splitServices, type EventDraft, type Snapshot } from '@budao/model'
import type { Cells, Random } from '@budao/resilience'
import { cellsOf, floatsOf, type ArenaLayout } from './arena.ts'
import { Doorbells } from '../service/doorbells.ts'
import { isPrioritized } from '../exchange/request-priority.ts'
import type { CacheMemory } from '../cache/caches.ts'
import type { PurgeMatch } from '../cache/purge-match.ts'
import type { ThreadCaches } from '../cache/thread-caches.ts'
import type { KeyStore } from '../idempotency/key-store.ts'
import type { RemoteTexts } from '../keys/remote-texts.ts'
import type { CallPlaces } from '../metrics/call-rows.ts'
import { Route } from '../routing/route.ts'
import type { Router } from '../routing/router.ts'
import { Routing, routingCells } from '../routing/routing.ts'
import type { ServedTexts } from '../serve/served-texts.ts'
import { serviceCells } from '../service/service-memory.ts'
import { Service } from '../service/service.ts'
import type { Stores } from '../stores/stores.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import type { Tracer } from '../tracing/tracer.ts'

/** What the main thread sends to every worker for one snapshot. Plain JSON but for the shared memory. */
export interface RuntimePlan {
  readonly snapshot: Snapshot
  /** The snapshot that brought the configuration as it was read: those after it differ from it only in endpoints. */
  readonly configVersion: number
  readonly layout: ArenaLayout
  /** Row of each route in the metrics. */
  readonly routeRows: Readonly<Record<string, number>>
  /** Row of each listener in its metrics. */
  readonly listenerRows: Readonly<Record<string, number>>
  /** Row of each site in what is known of who writes where. */
  readonly siteRows: Readonly<Record<string, number>>
  readonly tls: TlsMaterial
  /** Places of calls of the gateway's own in the metrics. */
  readonly callRows: CallPlaces
  readonly workers: number
  readonly cacheMemory: CacheMemory
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
}

/** What a runtime needs from the thread it is made in. */
export interface RuntimeContext {
  /** Of this thread; the main thread has none. */
  readonly stores?: Stores
  /** Of this thread; the main thread has none. */
  readonly caches?: ThreadCaches
  /** Where this thread's keys of writes are kept that no store keeps; the main thread has none. */
  readonly keyFile?: KeyStore
  /** Key sets that were fetched for this thread; the main thread has none here. */
  readonly keys?: RemoteTexts
  /** What the main thread has made for this thread; the main thread has none here. */
  readonly served?: ServedTexts
  readonly random: Random
  readonly memory: Int32Array
  /** From 0; the main thread, which only observes, is -1 and makes no filters. */
  readonly worker: number
  now(): number
  wallNow(): number
  report(event: EventDraft): void
  /** Spans were sent to the collector, or dropped. */
  onSpans?(exported: number, dropped: number): void
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
  readonly #routing: Routing
  /** Services at which somebody may wait. */
  readonly #guarded: readonly Service[]

  private constructor(plan: RuntimePlan, services: ReadonlyMap<string, Service>, routing: Routing) {
    this.version = plan.snapshot.version
    this.plan = plan
    this.services = services
    this.router = routing.router
    this.routes = plan.snapshot.config.routes.map(
      (route, index) =>
        new Route(
          route,
          index,
          plan.routeRows[route.name]!,
          routing.filters[index]!,
          services,
          routing.caches[index]!,
          routing.keys[index]!,
          plan.callRows,
          routing.served[index]!,
          routing.splits[index]!,
          routing.shadows[index]!,
        ),
    )
    this.#routing = routing
    this.#guarded = [...services.values()].filter(({ admission }) => admission !== null)
  }

  /**
   * Rejects when a filter cannot be made: a key file that is missing, a module that does not load. `before` is the
   * runtime in force: where only endpoints are different, its filters go on.
   */
  static async create(plan: RuntimePlan, context: RuntimeContext, before?: Runtime): Promise<Runtime> {
    const services = createServices(plan, context)
    const same = before !== undefined && before.plan.configVersion === plan.configVersion
    return new Runtime(plan, services, same ? before.#routing.share() : await Routing.create(plan, context))
  }

  /** Turns away who has waited too long, and lets in who may be. */
  tick(now: number): void {
    for (const { admission } of this.#guarded) admission!.tick(now)
  }

  /** Null where no traces are wanted. */
  get tracer(): Tracer | null {
    return this.#routing.tracer
  }

  /** Takes over what the runtime before has learnt. */
  inherit(before: Runtime, now: number): void {
    for (const [name, { set }] of this.services) {
      const former = before.services.get(name)
      if (former !== undefined) set.follow(former.set, now)
    }
    for (const [name, { admission }] of this.services) {
      const former = before.services.get(name)?.admission
      if (former !== undefined && former !== null) admission?.inherit(former)
    }
  }

  /** Whether it differs from another one only in endpoints. */
  hasConfigOf(other: Runtime): boolean {
    return this.plan.configVersion === other.plan.configVersion
  }

  /** As `Routing.purge`. */
  purge(match: PurgeMatch): Promise<number> {
    return this.#routing.purge(match)
  }

  /** Releases what filters hold. Only when no exchange uses it any more. */
  close(): Promise<void> {
    return this.#routing.release()
  }
}

/** The services of a plan over its shared memory, for threads that forward and for the one that observes. */
export function createServices(
  { snapshot, layout, workers, siteRows }: RuntimePlan,
  context: RuntimeContext,
): Map<string, Service> {
  const { config } = snapshot
  const carrying = carryingReleases(config, new Set())
  const sites = Object.entries(config.sites).map(([name, { weight }]) => ({ name, weight }))
  const shared = {
    random: context.random,
    worker: Math.max(0, context.worker),
    workers,
    localSite: config.node.site,
    sites,
    prioritized: isPrioritized(config.routes),
    cells: (name: string): Cells => cellsOf(context.memory, layout, name),
    ring: (worker: number): void => doorbellsOf(context.memory, layout).ring(worker),
    carrying: (service: string) => carrying.get(service),
    controlled: config.control !== undefined,
    siteRow: (site: string): number => siteRows[site] ?? -1,
    floats: (name: string): Float64Array => floatsOf(context.memory, layout, name),
    report: (event: EventDraft): void => context.report(event),
  }
  return new Map(
    Object.entries(config.services).map(([name, service]) => [name, new Service(name, service, shared)]),
  )
}

/** How much shared memory a snapshot takes, by name. */
export function runtimeCells({ config }: Snapshot, workers: number): Map<string, number> {
  const cells = routingCells(config, workers)
  cells.set(doorbellsName, Doorbells.cellsFor(workers))
  const prioritized = isPrioritized(config.routes)
  const split = splitServices(config.routes)
  const sites = config.control === undefined ? null : Object.keys(config.sites)
  for (const [name, service] of Object.entries(config.services)) {
    for (const [key, length] of serviceCells(name, service, sites, workers, prioritized, split.has(name)))
      cells.set(key, length)
  }
  return cells
}

const doorbellsName = 'doorbells'

/** The doorbells of all threads. They keep their place whatever the snapshot, for their number is fixed. */
export function doorbellsOf(memory: Int32Array, layout: ArenaLayout): Doorbells {
  return new Doorbells(memory, layout[doorbellsName]![0])
}
