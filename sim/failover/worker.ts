import { parentPort, workerData } from 'node:worker_threads'
import { drawSchedule } from './schedule.ts'
import type { Outcome } from './world.ts'
import { live } from './world.ts'

/** What a thread is given: every `stride`-th seed from `first` on, below `end`. */
export interface Share {
  readonly first: number
  readonly end: number
  readonly stride: number
}

/** What it tells of each hundred, and of each seed that broke something. */
export interface Told {
  readonly runs: number
  readonly writes: number
  readonly lost: number
  readonly moves: number
  readonly convergedMs: readonly number[]
  readonly broken: readonly { readonly seed: number; readonly violations: readonly string[] }[]
}

const batch = 50
if (parentPort !== null) {
  const { first, end, stride } = workerData as Share
  let outcomes: (Outcome & { readonly seed: number })[] = []
  const tell = (): void => {
    const told: Told = {
      runs: outcomes.length,
      writes: sum(({ writes }) => writes),
      lost: sum(({ lost }) => lost),
      moves: sum(({ moves }) => moves),
      convergedMs: outcomes.map(({ convergedMs }) => convergedMs),
      broken: outcomes
        .filter(({ violations }) => violations.length > 0)
        .map(({ seed, violations }) => ({ seed, violations })),
    }
    parentPort!.postMessage(told)
    outcomes = []
  }
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  for (let seed = first; seed < end; seed += stride) {
    outcomes.push({ ...live(drawSchedule(seed)), seed })
    if (outcomes.length === batch) tell()
  }
  tell()
}
