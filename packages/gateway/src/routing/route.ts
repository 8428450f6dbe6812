import type { RouteConfig } from '@budao/model'
import type { Random } from '@budao/resilience'
import { Aggregate } from '../aggregate/aggregate.ts'
import type { RouteKeys } from '../idempotency/route-keys.ts'
import { chooseBackend } from './backend-choice.ts'
import type { RouteCache } from '../cache/route-cache.ts'
import { callPlace, type CallPlaces } from '../metrics/call-rows.ts'
import type { Filter, FilterRequest } from '../filters/filter.ts'
import { Mirror } from '../upstream/mirror.ts'
import { ownAnswer, type OwnAnswer } from '../exchange/own-answer.ts'
import type { OwnWork } from '../exchange/own-work.ts'
import { RequestPriority } from '../exchange/request-priority.ts'
import { shadowConfig, type ReleaseShadow } from './release-shadow.ts'
import { RouteFallback } from './route-fallback.ts'
import type { Service } from '../service/service.ts'
import type { Served } from '../serve/served.ts'
import type { Split } from './split.ts'
import { Sticky } from './sticky.ts'

/** A service to ask, and for how long. */
export interface ServiceChoice {
  readonly service: Service
  readonly requestMs: number
}

/** A route ready to serve: its filters made, its services looked up. */
export class Route {
  readonly name: string
  /** Place in the configuration. */
  readonly index: number
  readonly filters: readonly Filter[]
  /** Row in the metrics. */
  readonly row: number
  /** Whether any filter wants to know how exchanges end. */
  readonly logs: boolean
  /** The path endpoints are asked for, or the client is sent to, is another than the client's. */
  readonly rewrites: boolean
  /** The Host endpoints get; null for the client's. */
  readonly rewriteHost: string | null
  /** Null for a route that asks a service. */
  readonly ownAnswer: OwnAnswer | null
  readonly priority: RequestPriority
  /** Null when nothing is kept for others, not even for bad times. */
  readonly cache: RouteCache | null
  /** The same where that takes time or the request's body. */
  readonly ownWork: OwnWork | null
  /** Null where writes have no keys. */
  readonly keys: RouteKeys | null
  readonly mirror: Mirror | null
  readonly sticky: Sticky | null
  /** Null where all releases of its services are alike. */
  readonly split: Split | null
  readonly fallback: RouteFallback | null
  /** Some of its services have owners of their writes. */
  readonly owned: boolean
  readonly #config: RouteConfig
  readonly #services: readonly Service[]
  /** Those that some endpoint of this gateway has. */
  readonly #releases: ReadonlySet<string>

  constructor(
    config: RouteConfig,
    index: number,
    row: number,
    filters: readonly Filter[],
    services: ReadonlyMap<string, Service>,
    cache: RouteCache | null,
    keys: RouteKeys | null,
    calls: CallPlaces,
    served: Served | null,
    split: Split | null,
    shadow: ReleaseShadow | null,
  ) {
    this.name = config.name
    this.index = index
    this.row = row
    this.filters = filters
    this.logs = filters.some(({ onEnd }) => onEnd !== undefined)
    const change = config.rewrite ?? config.redirect
    this.rewrites = change?.prefix !== undefined || change?.path !== undefined
    this.rewriteHost = config.rewrite?.host ?? null
    this.ownAnswer = served?.answer ?? ownAnswer(config)
    this.priority = new RequestPriority(config.priority)
    this.sticky = config.sticky === undefined ? null : new Sticky(config.sticky, config.name, config.backends)
    this.split = split
    this.#releases = new Set(
      split === null
        ? []
        : [...services.values()].flatMap((service) => service.config.endpoints.map((each) => each.release)),
    )
    const { name: route, aggregate, mirror } = config
    this.ownWork =
      aggregate === undefined
        ? (served?.work ?? null)
        : new Aggregate(aggregate, services, (part) => callPlace(calls, { route, kind: 'part', part }))
    const shown = shadow === null ? mirror : shadowConfig(config.backends[0]!.service)
    this.mirror =
      shown === undefined
        ? null
        : new Mirror(
            shown,
            services.get(shown.service)!,
            callPlace(calls, { route, kind: 'mirror', part: '' }),
            shadow,
          )
    this.#config = config
    this.#services = config.backends.map(({ service }) => services.get(service)!)
    this.owned = this.#services.some(({ ownership }) => ownership !== null)
    this.cache = cache
    this.keys = keys
    this.fallback = config.fallback === undefined ? null : new RouteFallback(config.fallback, services)
  }

  /** The user's backend where users stay at theirs, else one drawn by weight; null when no backend has any. */
  chooseService(request: FilterRequest, random: Random): Service | null {
    const own = this.sticky?.choose(request) ?? null
    if (own !== null) return this.#services[own] ?? null
    return this.#draw(random)
  }

  /** The release it belongs to, empty for stable: also where it names a lane that is nowhere. */
  releaseOf(request: FilterRequest, random: Random): string {
    const release = this.split!.choose(request, random)
    return this.#releases.has(release) ? release : ''
  }

  /** The service that another gateway has chosen, if it is one of those that requests of this route go to. */
  serviceNamed(name: string): Service | null {
    const index = this.#services.findIndex((service) => service.name === name)
    return index !== -1 && this.#config.backends[index]!.weight > 0 ? this.#services[index]! : null
  }

  #draw(random: Random): Service | null {
    const { backends } = this.#config
    const index =
      backends.length === 1 && backends[0]!.weight > 0 ? 0 : chooseBackend(backends, random.next())
    return index === -1 ? null : this.#services[index]!
  }

  /** The same for a call of the gateway's own. */
  chooseFor(request: FilterRequest, random: Random): ServiceChoice | null {
    const service = this.chooseService(request, random)
    return service === null ? null : { service, requestMs: this.requestMsFor(service) }
  }

  /** Whether clients of this route may go on with that protocol. */
  tunnels(protocol: string): boolean {
    return this.#config.upgrade.includes(protocol)
  }

  /** Time for the whole exchange up to the answer's head. */
  requestMsFor(service: Service): number {
    return this.#config.timeout ?? service.config.timeouts.request
  }

  perTryMsFor(service: Service): number {
    if (this.#config.perTry !== undefined) return this.#config.perTry
    return this.#config.timeout === undefined ? service.config.timeouts.perTry : this.#config.timeout / 2
  }

  /** Time up to an answer's head, of this service or another in its place. */
  get longestMs(): number {
    const other = this.fallback?.service ?? null
    const services = this.#services.map((service) => this.requestMsFor(service))
    return Math.max(0, ...services) + (other === null ? 0 : this.requestMsFor(other))
  }

  /** For a filter's own deadline. */
  get requestMs(): number {
    const { timeout } = this.#config
    const forWork = timeout ?? Math.max(3_000, ...this.#services.map(({ config }) => config.timeouts.request))
    return forWork + this.filters.reduce((sum, { waitMs = 0 }) => sum + waitMs, 0)
  }
}
