import { SeededDraws } from '../../packages/testkit/src/random.ts'
import type { Fault, Schedule } from './schedule.ts'
import { live } from './world.ts'

/** A fault of the site that writes, by what is known of it in the table. */
interface Scenario {
  readonly name: string
  readonly faults: readonly Pick<Fault, 'kind' | 'process'>[]
  readonly fence: Schedule['fence']
}

const scenarios: readonly Scenario[] = [
  {
    name: 'backend killed, its gateway lives',
    faults: [{ kind: 'backend', process: 'backend' }],
    fence: 'lease',
  },
  { name: 'all of the site killed', faults: [{ kind: 'site', process: 'backend' }], fence: 'lease' },
  {
    name: 'all of the site killed, fence: process',
    faults: [{ kind: 'site', process: 'backend' }],
    fence: 'process',
  },
  { name: 'black hole', faults: [{ kind: 'cut', process: 'backend' }], fence: 'lease' },
  { name: 'power loss', faults: [{ kind: 'power', process: 'backend' }], fence: 'lease' },
  {
    name: 'SIGSTOP of all of the site',
    faults: [
      { kind: 'freeze', process: 'backend' },
      { kind: 'freeze', process: 'keeper' },
      { kind: 'freeze', process: 'controller' },
    ],
    fence: 'lease',
  },
  {
    name: 'SIGSTOP of the gateway that holds the lease',
    faults: [{ kind: 'freeze', process: 'keeper' }],
    fence: 'lease',
  },
]

/** How long a fault takes until the first write is acknowledged in the next epoch, milliseconds. */
export interface Recovery {
  readonly times: readonly number[]
  /** Runs in which that never happened. */
  readonly never: number
  readonly violations: readonly string[]
  /** Most moves of one run. */
  readonly movesMax: number
}

/** Measures one fault of the site that writes, at a phase of its own in each run. */
export function measure(name: string, mode: Schedule['mode'], runs: number): Recovery {
  const scenario = scenarios.find((each) => each.name === name)!
  const times: number[] = []
  const violations: string[] = []
  let never = 0
  let movesMax = 0
  for (let seed = 1; seed <= runs; seed++) {
    const draws = new SeededDraws(seed)
    const from = 6_000 + draws.integer(0, 2_999)
    const until = from + 25_000
    const faults = scenario.faults.map((fault): Fault => ({
      ...fault,
      domain: 'east',
      to: 'west',
      from,
      until,
      much: 0,
    }))
    const {
      firstWrites,
      violations: broken,
      moves,
    } = live(calm(seed, mode, scenario.fence, faults), { until: from + 20_000 })
    violations.push(...broken)
    movesMax = Math.max(movesMax, moves)
    const [, second] = firstWrites
    if (second === undefined) never++
    else times.push(second - from)
  }
  return { times: times.toSorted((a, b) => a - b), never, violations, movesMax }
}

/** One second up, one second down for two minutes, by a kill or a stop each time: how often the work moves. */
export function flap(
  kind: 'backend' | 'freeze',
  seed: number,
): { readonly moves: number; readonly violations: readonly string[] } {
  const faults = Array.from({ length: 60 }, (_, index): Fault => {
    const from = 6_000 + index * 2_000
    return { kind, process: 'backend', domain: 'east', to: 'west', from, until: from + 1_000, much: 0 }
  })
  const { epochs, violations } = live(calm(seed, 'accelerated', 'lease', faults, 30_000), { until: 130_000 })
  return { moves: epochs - 1, violations }
}

/** A table for people; false where a run broke a rule or a bound. */
export function printFigures(runs: number): boolean {
  let well = true
  console.log(
    `from the fault to the first write in the next epoch, ms, ${runs} runs each, 100 writes/s, 1 ms between sites`,
  )
  console.log(
    `${'fault'.padEnd(46)}${['mode', 'p50', 'p99', 'max', 'never'].map((title) => title.padStart(12)).join('')}`,
  )
  for (const mode of ['accelerated', 'literal'] as const) {
    for (const { name } of scenarios) {
      const { times, never, violations } = measure(name, mode, runs)
      const at = (share: number): string =>
        times.length === 0
          ? '–'
          : String(Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]!))
      console.log(
        `${name.padEnd(46)}${[mode, at(0.5), at(0.99), at(1), String(never)].map((text) => text.padStart(12)).join('')}`,
      )
      for (const violation of violations.slice(0, 3)) console.log(`  BROKEN ${violation}`)
      well &&= violations.length === 0
    }
  }
  for (const kind of ['backend', 'freeze'] as const) {
    const moves = Array.from({ length: 10 }, (_, index) => flap(kind, index + 1).moves)
    const most = Math.max(...moves)
    console.log(
      `flapping 1 s/1 s for 2 min by ${kind === 'backend' ? 'kill' : 'SIGSTOP'}: at most ${most} moves in 10 runs`,
    )
    well &&= most <= 1
  }
  return well
}

function calm(
  seed: number,
  mode: Schedule['mode'],
  fence: Schedule['fence'],
  faults: readonly Fault[],
  stableMs = 30_000,
): Schedule {
  const draws = new SeededDraws(seed ^ 0xca1)
  return {
    seed,
    mode,
    synchronous: false,
    fence,
    everyMs: 3_600_000,
    networkMs: 1,
    lossPercent: 0,
    writesPerSecond: 100,
    stableMs,
    acknowledgeMs: 1e9,
    faults,
    acts: [],
    faultsEndAt: Math.max(...faults.map(({ until }) => until)),
    rates: Array.from({ length: 12 }, () => 1 + (draws.next() * 2 - 1) * 4.9e-4),
    restores: false,
    cold: null,
    lateMs: 0,
    startTimeoutMs: 20_000,
    stopAfterMs: 'never',
  }
}
