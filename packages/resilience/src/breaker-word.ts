import type { BreakerCounts, BreakerState } from './breaker-transition.ts'

// The one cell that decides, from the lowest bit: kind (3), trials granted (5), finished (5), failed (5), slow (5),
// generation (9). Read and built here only.

export const closed = 0
export const open = 1
export const halfOpen = 2
export const forcedOpen = 3
export const forcedClosed = 4
export const names: readonly BreakerState[] = ['closed', 'open', 'half-open', 'forced-open', 'forced-closed']

export const oneGranted: number = 1 << 3
export const oneFinished: number = 1 << 8
export const oneFailed: number = 1 << 13
export const oneSlow: number = 1 << 18

export function kindOf(word: number): number {
  return word & 7
}

export function generationOf(word: number): number {
  return word >>> 23
}

/** `fields` (all but its generation) under `generation`. */
export function withGeneration(fields: number, generation: number): number {
  return (fields & 0x7f_ffff) | (generation << 23)
}

export function granted(word: number): number {
  return (word >> 3) & 31
}

export function finished(word: number): number {
  return (word >> 8) & 31
}

export function failed(word: number): number {
  return (word >> 13) & 31
}

export function slowTrials(word: number): number {
  return (word >> 18) & 31
}

export function trialCounts(word: number): BreakerCounts {
  return { calls: finished(word), failures: failed(word), slow: slowTrials(word) }
}

export function nextGeneration(word: number): number {
  return (generationOf(word) + 1) & 511
}
