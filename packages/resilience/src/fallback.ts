/** What may answer in a failed service's place. */
export interface FallbackPolicy {
  readonly service?: string | undefined
  readonly json?: unknown
}

/** What could answer just now. */
export interface FallbackAvailable {
  /** An answer to the same request is kept that may still be given. */
  readonly kept: boolean
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
  if (available.kept) return 'stale'
  if (policy.service !== undefined && available.service) return 'service'
  return policy.json === undefined ? 'none' : 'json'
}
