import type { Point } from './series-store.ts'

/**
 * By how much a counter rose between two times, from the points it has there, as Prometheus 2 works it out: a fall is a restart
 * from zero, and what the first and last points leave open at the ends is filled in, half a distance at most where they are far.
 * Undefined with fewer than two points.
 */
export function increaseOf(points: readonly Point[], from: number, to: number): number | undefined {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < 2) return undefined
  let rise = last.value - first.value
  let before = first.value
  for (const { value } of points) {
    if (value < before) rise += before
    before = value
  }
  const sampled = last.at - first.at
  const distance = sampled / (points.length - 1)
  let toStart = first.at - from
  const toEnd = to - last.at
  if (rise > 0 && first.value >= 0) {
    // It cannot have begun below zero.
    const toZero = sampled * (first.value / rise)
    if (toZero < toStart) toStart = toZero
  }
  const near = distance * 1.1
  let covered = sampled
  covered += toStart < near ? toStart : distance / 2
  covered += toEnd < near ? toEnd : distance / 2
  return rise * (covered / sampled)
}

/** A class of a histogram: how many were at most `le`. */
export interface Bucket {
  readonly le: number
  readonly count: number
}

/** The quantile of a histogram, as Prometheus interpolates it. NaN where nothing was counted, or there is no class for the rest. */
export function histogramQuantile(quantile: number, given: readonly Bucket[]): number {
  const buckets = given.toSorted((a, b) => a.le - b.le)
  const last = buckets.at(-1)
  if (last === undefined || last.le !== Infinity || buckets.length < 2) return NaN
  // What was read of several series at slightly different times may fall: a class holds at least what those below it hold.
  let most = -Infinity
  const counts = buckets.map(({ count }) => (most = Math.max(most, count)))
  const all = counts.at(-1)!
  if (all === 0) return NaN
  const wanted = quantile * all
  const index = counts.slice(0, -1).findIndex((count) => count >= wanted)
  if (index < 0) return buckets.at(-2)!.le
  const upper = buckets[index]!.le
  if (index === 0 && upper <= 0) return upper
  const lower = index === 0 ? 0 : buckets[index - 1]!.le
  const below = index === 0 ? 0 : counts[index - 1]!
  return lower + (upper - lower) * ((wanted - below) / (counts[index]! - below))
}
