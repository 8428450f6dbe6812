import type { RateLimitConfig } from '@budao/model'
import { type RateLimitOptions, RateLimiter } from '@budao/resilience'
import { errorReply } from '../exchange/reply.ts'
import { type SharedLimiter, type Store, StoreAway } from '../stores/store.ts'
import { clientKeyReader } from './client-key.ts'
import type { Filter, FilterEnv, FilterRequest, FilterResponse, Reply } from './filter.ts'
import { RefusedKeys } from './refused-keys.ts'

/** Refusals of the store that are remembered in each thread. */
const refusedMax = 4_096

/** How many of the environment's cells the filter needs. */
export function rateLimitCells(config: RateLimitConfig): number {
  return RateLimiter.cellsFor(limiterOptions(config))
}

/** Rejects when the store it counts in cannot work. */
export async function createRateLimitFilter(config: RateLimitConfig, env: FilterEnv): Promise<Filter> {
  if (config.store === undefined) return new RateLimitFilter(config, env)
  return new SharedRateLimitFilter(config, env, await env.store(config.store))
}

/** Answers 429 with Retry-After to the client that asks more often than its limit; all workers share the counts. */
export class RateLimitFilter implements Filter {
  readonly name = 'rateLimit'
  readonly onResponse?: (request: FilterRequest, response: FilterResponse) => void
  protected readonly limiter: RateLimiter
  protected readonly keyOf: (request: FilterRequest) => string
  readonly #config: RateLimitConfig
  /** What is told in headers of the answer; null where nothing is. */
  readonly #told: WeakMap<FilterRequest, number> | null

  constructor(config: RateLimitConfig, env: FilterEnv) {
    this.limiter = new RateLimiter(env.cells, limiterOptions(config))
    this.keyOf = clientKeyReader(config.key)
    this.#config = config
    this.#told = config.headers ? new WeakMap() : null
    if (this.#told !== null) this.onResponse = (request, response) => this.#tell(request, response)
  }

  onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    return this.local(request, this.keyOf(request), request.now)
  }

  /** What this gateway alone has to say. */
  protected local(request: FilterRequest, key: string, now: number): Reply | undefined {
    const waitMs = this.limiter.take(key, now)
    const left = this.#told === null ? 0 : this.limiter.left(key, now)
    return this.verdict(request, waitMs, left)
  }

  protected verdict(request: FilterRequest, waitMs: number, left: number): Reply | undefined {
    this.#told?.set(request, waitMs > 0 ? -waitMs : left)
    if (waitMs <= 0) return undefined
    const { requests, per } = this.#config
    // Whole seconds, as the header wants; rounded up, or who obeys it would come too early.
    const retryAfter = Math.max(1, Math.ceil(waitMs / 1000))
    return errorReply(
      429,
      'rate_limited',
      `More than ${requests} requests in ${per} ms; try again in ${retryAfter} s.`,
      [['Retry-After', String(retryAfter)]],
      { retryAfter },
    )
  }

  /** As draft-ietf-httpapi-ratelimit-headers-10: `t` says when the whole burst, or after a refusal one request, is there. */
  #tell(request: FilterRequest, response: FilterResponse): void {
    const told = this.#told!.get(request)
    if (told === undefined) return
    const { requests, per, burst } = this.#config
    const resetMs = told < 0 ? -told : ((burst - told) * per) / requests
    response.setHeader('RateLimit-Policy', `"default";q=${requests};w=${Math.ceil(per / 1000)}`)
    response.setHeader('RateLimit', `"default";r=${Math.max(0, told)};t=${Math.ceil(resetMs / 1000)}`)
  }
}

/** As `RateLimitFilter`, counted in a store that other gateways count in too; while that is away, as configured. */
class SharedRateLimitFilter extends RateLimitFilter {
  readonly #env: FilterEnv
  readonly #store: Store
  readonly #shared: SharedLimiter
  readonly #onFailure: RateLimitConfig['onStoreFailure']
  readonly #refused: RefusedKeys = new RefusedKeys(refusedMax)

  constructor(config: RateLimitConfig, env: FilterEnv, store: Store) {
    super(config, env)
    this.#env = env
    this.#store = store
    this.#onFailure = config.onStoreFailure
    this.#shared = store.limiter({
      name: config.name ?? `${env.route}.${env.step}`,
      requests: config.requests,
      perMs: config.per,
      burst: config.burst,
    })
  }

  override onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    const key = this.keyOf(request)
    const waitMs = this.#refused.waitMs(key, request.now)
    if (waitMs > 0) return this.verdict(request, waitMs, 0)
    if (this.#store.here) return this.#ask(request, key)
    this.#store.passedBy()
    return this.#without(request, key, request.now)
  }

  async #ask(request: FilterRequest, key: string): Promise<Reply | undefined> {
    const { now, requestId } = request
    try {
      const { waitMs, left } = await this.#shared.take(key)
      // The gateway's own counts go along: when they have to take over, nobody gets a second burst.
      if (waitMs === 0) this.limiter.take(key, now)
      else this.#refused.refuse(key, this.#env.now() + waitMs)
      // The client may have gone meanwhile, and its object may stand for somebody else's request by now.
      return request.requestId === requestId && request.now === now
        ? this.verdict(request, waitMs, left)
        : undefined
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error
      return this.#without(request, key, this.#env.now())
    }
  }

  #without(request: FilterRequest, key: string, now: number): Reply | undefined {
    switch (this.#onFailure) {
      case 'local':
        return this.local(request, key, now)
      case 'allow':
        return undefined
      case 'deny':
        return closed
    }
  }
}

/** Until it is known again who may, nobody may. */
const closed: Reply = errorReply(
  503,
  'limit_unavailable',
  'Requests cannot be counted at the moment; try again.',
  [['Retry-After', '1']],
)

function limiterOptions(config: RateLimitConfig): RateLimitOptions {
  return { requests: config.requests, perMs: config.per, burst: config.burst, keysMax: config.keysMax }
}
