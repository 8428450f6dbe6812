/**
 * A monotonic time in whole milliseconds as a cell holds it; never 0, which is no time. The difference of two as a
 * 32-bit integer is right while they lie less than 24 days apart: `(later - earlier) | 0`.
 */
export function clockCell(now: number): number {
  return Math.floor(now) | 0 || 1
}
