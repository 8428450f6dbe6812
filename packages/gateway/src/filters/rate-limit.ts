import type { RateLimitConfig } from '@budao/model'
import { type RateLimitOptions, RateLimiter } from '@budao/resilience'
import { errorReply } from '../reply.ts'
import { cookieValue } from '../request-values.ts'
import { clientNetwork } from './client-network.ts'
import type { Filter, FilterEnv, FilterRequest, Reply } from './filter.ts'

/** How many of the environment's cells the filter needs. */
export function rateLimitCells(config: RateLimitConfig): number {
  return RateLimiter.cellsFor(limiterOptions(config))
}

/** Answers 429 with Retry-After to the client that asks more often than its limit; all workers share the counts. */
export class RateLimitFilter implements Filter {
  readonly name = 'rateLimit'
  readonly #limiter: RateLimiter
  readonly #key: (request: FilterRequest) => string
  readonly #limit: string

  constructor(config: RateLimitConfig, env: FilterEnv) {
    this.#limiter = new RateLimiter(env.cells, limiterOptions(config))
    this.#key = keyReader(config.key)
    this.#limit = `${config.requests} requests in ${config.per} ms`
  }

  onRequest(request: FilterRequest): Reply | undefined {
    const waitMs = this.#limiter.take(this.#key(request), request.now)
    if (waitMs <= 0) return undefined
    // Whole seconds, as the header wants; rounded up, or who obeys it would come too early.
    const retryAfter = Math.max(1, Math.ceil(waitMs / 1000))
    return errorReply(
      429,
      'rate_limited',
      `More than ${this.#limit}; try again in ${retryAfter} s.`,
      [['Retry-After', String(retryAfter)]],
      { retryAfter },
    )
  }
}

function limiterOptions(config: RateLimitConfig): RateLimitOptions {
  return { requests: config.requests, perMs: config.per, burst: config.burst, keysMax: config.keysMax }
}

/**
 * Who lacks the header or cookie is counted by address: leaving it out must not be a way around the limit. The letter
 * in front keeps such an address apart from a header that says the same.
 */
function keyReader(key: string): (request: FilterRequest) => string {
  if (key === 'route') return () => 'r'
  if (key.startsWith('header:')) {
    const name = key.slice('header:'.length).toLowerCase()
    return (request) => {
      const value = request.header(name)
      return value === undefined ? byAddress(request) : `v${value}`
    }
  }
  if (key.startsWith('cookie:')) {
    const name = key.slice('cookie:'.length)
    return (request) => {
      const value = cookieValue(request.header('cookie'), name)
      return value === undefined ? byAddress(request) : `v${value}`
    }
  }
  return byAddress
}

function byAddress(request: FilterRequest): string {
  return `a${clientNetwork(request.clientIp)}`
}
