/** What the question whether a service can spare some endpoints looks at. */
export interface SpareEndpoint {
  /** May get requests at all: its weight is not 0 and it is not draining. */
  readonly serving: boolean
  /** Gets requests now: serving, not unhealthy, not ejected, its breaker not open. */
  readonly usable: boolean
  /** Is one of those to be taken away. */
  readonly leaves: boolean
}

/**
 * Whether a service can do without some of its endpoints.
 * - `yes`: a usable endpoint stays, or nothing that is usable goes and something stays
 * - `last-usable`: others stay, but none of them is usable
 * - `last`: nothing would be left that may get requests
 */
export type SpareVerdict = 'yes' | 'last-usable' | 'last'

/** Answers that question for a drain, a lease that ends, a deregistration: never take away the last usable place. */
export function canSpare(endpoints: readonly SpareEndpoint[]): SpareVerdict {
  const leaving = endpoints.filter(({ leaves, serving }) => leaves && serving)
  const staying = endpoints.filter(({ leaves, serving }) => !leaves && serving)
  if (leaving.length === 0 || staying.some(({ usable }) => usable)) return 'yes'
  if (staying.length === 0) return 'last'
  return leaving.some(({ usable }) => usable) ? 'last-usable' : 'yes'
}
