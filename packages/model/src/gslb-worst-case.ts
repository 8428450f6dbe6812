import type { GslbNameConfig } from './config-gslb.ts'
import type { Config } from './config.ts'

/** How long clients may still be sent to a dead site, at worst. Milliseconds. */
export interface GslbWorstCase {
  /** From the site's death to the verdict; null where nothing but requests notices it. */
  readonly detectionMs: number | null
  /** From the verdict to the first other answer. */
  readonly pushMs: number
  /** How long an answer given before that may be kept. */
  readonly ttlMs: number
  /** All of it; null where the first is. */
  readonly totalMs: number | null
}

/** A verdict is in the answers within so many milliseconds. */
const PUSH_MS = 100

/**
 * The worst case of one name: its slowest service's checks, all endpoints of the site silent, then the longest time to live. Resolvers that
 * keep answers longer than they may are not in it.
 */
export function gslbWorstCase(name: GslbNameConfig, services: Config['services']): GslbWorstCase {
  const detections = name.services.map((service) => {
    const check = services[service]?.healthCheck
    // The death comes just after a check began to pass: the next ones begin an interval apart, and the last has to time out.
    return check === undefined ? null : check.interval * check.unhealthyAfter + check.timeout
  })
  const detectionMs = detections.includes(null) ? null : Math.max(...(detections as number[]))
  return {
    detectionMs,
    pushMs: PUSH_MS,
    ttlMs: name.ttl.max,
    totalMs: detectionMs === null ? null : detectionMs + PUSH_MS + name.ttl.max,
  }
}
