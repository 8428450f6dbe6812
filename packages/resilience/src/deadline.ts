/**
 * When an attempt has to end: its own time is over, or the request's is. A deadline is a moment (monotonic
 * milliseconds, Infinity for none) rather than a span, so that attempts, waits and fallbacks share one without adding up.
 */
export function attemptDeadline(requestDeadlineAt: number, perTryMs: number, now: number): number {
  return Math.min(requestDeadlineAt, now + perTryMs)
}
