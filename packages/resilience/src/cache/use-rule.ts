import type { CacheDirectives } from './cache-control.ts'
import type { Freshness } from './store-rule.ts'

/** A kept answer as the rule sees it. */
export interface KeptAnswer extends Freshness {
  /** Wall-clock milliseconds. */
  readonly receivedAt: number
}

/**
 * fresh       give it
 * stale       give it, and ask the origin again meanwhile
 * revalidate  ask the origin first
 */
export type UseVerdict = 'fresh' | 'stale' | 'revalidate'

/** How old a kept answer is, milliseconds. A clock that was set back makes nothing younger than it arrived. */
export function ageMs(kept: KeptAnswer, now: number): number {
  return kept.initialAgeMs + Math.max(0, now - kept.receivedAt)
}

/** Milliseconds for which it is still fresh; negative when it is stale for so long. */
export function freshForMs(kept: KeptAnswer, now: number): number {
  return kept.freshMs - Math.max(0, now - kept.receivedAt)
}

/** Whether a kept answer may be given to a request with these directives (RFC 9111, 4.2 and 5.2.1; RFC 5861, 3). */
export function judgeUse(kept: KeptAnswer, asked: CacheDirectives, now: number): UseVerdict {
  if (asked.noCache) return 'revalidate'
  if (asked.maxAge !== null && ageMs(kept, now) > asked.maxAge * 1_000) return 'revalidate'
  const freshFor = freshForMs(kept, now)
  if (freshFor > (asked.minFresh ?? 0) * 1_000) return 'fresh'
  if (freshFor > 0 || kept.noStale) return 'revalidate'
  if (asked.maxStale !== null && -freshFor <= asked.maxStale * 1_000) return 'stale'
  return -freshFor < kept.whileRevalidateMs ? 'stale' : 'revalidate'
}

/** Whether it may stand in for an answer that the origin could not give (RFC 5861, 4). */
export function mayServeOnError(kept: KeptAnswer, asked: CacheDirectives, now: number): boolean {
  const since = Math.max(0, now - kept.receivedAt)
  if (kept.fallbackMs > 0 && since <= kept.fallbackMs) return true
  if (kept.noStale) return false
  const ifErrorMs = Math.max(kept.ifErrorMs, (asked.staleIfError ?? 0) * 1_000)
  return ifErrorMs > 0 && since <= Math.max(0, kept.freshMs) + ifErrorMs
}
