/** What a time to live follows. Monotonic milliseconds. */
export interface AnswerTtlInput {
  readonly minMs: number
  readonly maxMs: number
  /** Something speaks against the state of a site: it may change at any moment. */
  readonly suspect: boolean
  /** When the answer was last another one; -Infinity where it never was. */
  readonly changedAt: number
  /** When it will be another one if nothing happens, such as when a returning site is back; Infinity for never. */
  readonly changesAt: number
  readonly now: number
}

/**
 * How long an answer may be kept: until the next change that is already under way (the rule of gdnsd), and not longer than
 * it has stood already, since what changed a moment ago is likely to change again. Whole seconds, within the bounds.
 */
export function answerTtlSeconds({
  minMs,
  maxMs,
  suspect,
  changedAt,
  changesAt,
  now,
}: AnswerTtlInput): number {
  const least = Math.ceil(minMs / 1_000)
  if (suspect) return least
  const wanted = Math.min(now - changedAt, changesAt - now, maxMs)
  return Math.max(least, Math.floor(wanted / 1_000))
}
