import { parseHttpDate } from './http-date.ts'

const fiveMinutesMs = 300_000

/**
 * Milliseconds that a `Retry-After` header asks to wait: seconds, or one of the three date forms of RFC 9110. A date
 * gone by is 0, more than `maxMs` is `maxMs`. Null when there is no header or it says nothing.
 */
export function parseRetryAfter(
  header: string | undefined | null,
  wallNowMs: number,
  maxMs: number = fiveMinutesMs,
): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(maxMs, Number(text) * 1_000)
  const at = parseHttpDate(text, wallNowMs)
  return at === null ? null : Math.min(maxMs, Math.max(0, at - wallNowMs))
}
