const MAX_MS = 300_000

/** Milliseconds that a `Retry-After` header asks to wait, in seconds or as a date; 0 where it says nothing, never more than 5 min. */
export function retryAfterMs(header: string | undefined, wallNow: number): number {
  if (header === undefined) return 0
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - wallNow
  return ms > 0 ? Math.min(ms, MAX_MS) : 0
}
