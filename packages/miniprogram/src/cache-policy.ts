/** For how long an answer is good for what. Milliseconds. */
export interface CacheTimes {
  /** Given without asking. Default 5 min. */
  readonly freshMs: number
  /** Behind that: given at once, and asked for anew beside it. Default 0: not. */
  readonly revalidateMs: number
  /** Behind that: given where no answer can be had. Default 24 h. */
  readonly ifErrorMs: number
}

export const cacheTimes: CacheTimes = { freshMs: 300_000, revalidateMs: 0, ifErrorMs: 86_400_000 }

/**
 * fresh       give it
 * revalidate  give it, and ask for another beside it
 * if-error    ask, and give it where that fails
 * none        as if there were none
 */
export type CacheUse = 'fresh' | 'revalidate' | 'if-error' | 'none'

/** What an answer of that age is good for. An age below 0 is a clock that was set back: then nothing is known of it. */
export function cacheUse(ageMs: number, { freshMs, revalidateMs, ifErrorMs }: CacheTimes): CacheUse {
  if (ageMs < 0) return ifErrorMs > 0 ? 'if-error' : 'none'
  if (ageMs < freshMs) return 'fresh'
  if (ageMs < freshMs + revalidateMs) return 'revalidate'
  return ageMs < Math.max(freshMs + revalidateMs, ifErrorMs) ? 'if-error' : 'none'
}

/** Whether an answer may be kept: `no-store` is obeyed, and nothing but 200 is an answer for later. */
export function mayKeep(status: number, headers: Readonly<Record<string, string>>): boolean {
  return status === 200 && !/\bno-store\b/i.test(headers['cache-control'] ?? '')
}
