import { parentPort, workerData } from 'node:worker_threads'
import { live } from './world.ts'

/** What a thread is given: every `stride`-th seed from `first` on, below `end`. */
export interface Share {
  readonly first: number
  readonly end: number
  readonly stride: number
}

/** What came of some of them. */
export interface Told {
  runs: number
  writes: number
  crashes: number
  moves: number
  lost: number
  truncations: number
  conflicts: number
  broken: { readonly seed: number; readonly violations: readonly string[] }[]
}

const tellEvery = 50

if (parentPort !== null) await work(workerData as Share)

async function work({ first, end, stride }: Share): Promise<void> {
  let told = nothing()
  for (let seed = first; seed < end; seed += stride) {
    const outcome = await live(seed)
    told.runs++
    for (const key of ['writes', 'crashes', 'moves', 'lost', 'truncations', 'conflicts'] as const)
      told[key] += outcome[key]
    if (outcome.violations.length > 0) told.broken.push({ seed, violations: outcome.violations })
    if (told.runs < tellEvery && told.broken.length === 0) continue
    parentPort!.postMessage(told)
    told = nothing()
  }
  parentPort!.postMessage(told)
}

function nothing(): Told {
  return { runs: 0, writes: 0, crashes: 0, moves: 0, lost: 0, truncations: 0, conflicts: 0, broken: [] }
}
