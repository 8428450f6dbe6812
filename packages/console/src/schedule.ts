const everyMs = 1_000
const backOffMaxMs = 10_000

/** How long to wait before asking again, after so many failures in a row. */
export function nextDelayMs(failures: number): number {
  return Math.min(everyMs * 2 ** Math.min(failures, 10), backOffMaxMs)
}
