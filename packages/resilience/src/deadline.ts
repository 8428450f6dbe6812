/**
 * When an attempt has to end: its own time is over, or the request's is. A deadline is a moment (monotonic
 * milliseconds, Infinity for none) rather than a span, so that attempts, waits and fallbacks share one without adding up.
 */
export function attemptDeadline(requestDeadlineAt: number, perTryMs: number, now: number): number {
  return Math.min(requestDeadlineAt, now + perTryMs)
}

/** Milliseconds left, never negative. */
export function remainingMs(deadlineAt: number, now: number): number {
  return Math.max(0, deadlineAt - now)
}

/**
 * The time one attempt may take when its siblings must still fit in: even shares of what is left, the last one all of
 * it, and never more than `perTryMs`.
 */
export function fairTryMs(
  deadlineAt: number,
  now: number,
  attemptsLeft: number,
  perTryMs: number = Infinity,
): number {
  const left = remainingMs(deadlineAt, now)
  return attemptsLeft <= 1 ? Math.min(left, perTryMs) : Math.min(left / attemptsLeft, perTryMs)
}
