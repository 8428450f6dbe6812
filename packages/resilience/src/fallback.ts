/** What may answer in a failed service's place, milliseconds. */
export interface FallbackPolicy {
  /** The last good answer to the same request, up to this age. */
  readonly stale?: number | undefined
  readonly service?: string | undefined
  readonly json?: unknown
}

/** What could answer just now. */
export interface FallbackAvailable {
  /** Age of the last good answer; null when none is kept. */
  readonly staleAgeMs: number | null
  /** Whether the other service may be asked: it has not been, and its breaker and the deadline allow it. */
  readonly service: boolean
}

/** Who answers; `none`: the error does. */
export type FallbackChoice = 'stale' | 'service' | 'json' | 'none'

/**
 * Chooses the answer closest to the real one: what the service itself said lately, then another service's, then the
 * fixed text. For failures, timeouts, rejections and open breakers; an answer below 500 is nobody's failure.
 */
export function chooseFallback(policy: FallbackPolicy, available: FallbackAvailable): FallbackChoice {
  const { staleAgeMs } = available
  if (policy.stale !== undefined && staleAgeMs !== null && staleAgeMs <= policy.stale) return 'stale'
  if (policy.service !== undefined && available.service) return 'service'
  return policy.json === undefined ? 'none' : 'json'
}
