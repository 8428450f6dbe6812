import type { RouteConfig } from '@budao/model'
import type { Random } from '@budao/resilience'
import { chooseBackend } from './backend-choice.ts'
import type { RouteCache } from './cache/route-cache.ts'
import type { Filter } from './filters/filter.ts'
import { ownAnswer, type OwnAnswer } from './own-answer.ts'
import { RequestPriority } from './request-priority.ts'
import { RouteFallback } from './route-fallback.ts'
import type { Service } from './service.ts'

/** A service to ask, and for how long. */
export interface ServiceChoice {
  readonly service: Service
  readonly requestMs: number
}

/** A route ready to serve: its filters made, its services looked up. */
export class Route {
  readonly name: string
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
  readonly fallback: RouteFallback | null
  readonly #config: RouteConfig
  readonly #services: readonly Service[]

  constructor(
    config: RouteConfig,
    row: number,
    filters: readonly Filter[],
    services: ReadonlyMap<string, Service>,
    cache: RouteCache | null,
  ) {
    this.name = config.name
    this.row = row
    this.filters = filters
    this.logs = filters.some(({ onEnd }) => onEnd !== undefined)
    const change = config.rewrite ?? config.redirect
    this.rewrites = change?.prefix !== undefined || change?.path !== undefined
    this.rewriteHost = config.rewrite?.host ?? null
    this.ownAnswer = ownAnswer(config)
    this.priority = new RequestPriority(config.priority)
    this.#config = config
    this.#services = config.backends.map(({ service }) => services.get(service)!)
    this.cache = cache
    this.fallback = config.fallback === undefined ? null : new RouteFallback(config.fallback, services)
  }

  /** Draws a backend by weight; null when no backend has any. */
  chooseService(random: Random): Service | null {
    const { backends } = this.#config
    const index =
      backends.length === 1 && backends[0]!.weight > 0 ? 0 : chooseBackend(backends, random.next())
    return index === -1 ? null : this.#services[index]!
  }

  /** The same for a call of the gateway's own. */
  chooseFor(random: Random): ServiceChoice | null {
    const service = this.chooseService(random)
    return service === null ? null : { service, requestMs: this.requestMsFor(service) }
  }

  /** Time for the whole exchange up to the answer's head. */
  requestMsFor(service: Service): number {
    return this.#config.timeout ?? service.config.timeouts.request
  }

  perTryMsFor(service: Service): number {
    if (this.#config.perTry !== undefined) return this.#config.perTry
    return this.#config.timeout === undefined ? service.config.timeouts.perTry : this.#config.timeout / 2
  }

  /** For a filter's own deadline. */
  get requestMs(): number {
    return (
      this.#config.timeout ??
      Math.max(3_000, ...this.#services.map((service) => service.config.timeouts.request))
    )
  }
}
