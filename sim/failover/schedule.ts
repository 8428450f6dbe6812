import { SeededDraws } from '../../packages/testkit/src/random.ts'
import type { ColdStart } from './sim-agent.ts'

/** Sites with data and endpoints, in order of preference, and the domain that only watches. */
export const sites = ['east', 'west'] as const
export const witness = 'witness'
export const domains: readonly string[] = [...sites, witness]

export type Site = (typeof sites)[number]

/**
 * What breaks, from `from` until `until`, milliseconds from the start. backend, keeper, controller: that process is killed
 * and started again at the end. site: all of its processes, the machine stays. power: the machine too, so that nothing
 * refuses. cut: nothing gets in or out of a domain. one-way: nothing from `domain` to `to`. reject: a firewall refuses
 * in its place. slow-site: its backend answers everything that much later, and answers. freeze: the process is stopped, and goes on as if nothing had been. slow, lossy: the network. store:
 * it answers nobody.
 */
export interface Fault {
  readonly kind:
    | 'backend'
    | 'keeper'
    | 'controller'
    | 'site'
    | 'power'
    | 'cut'
    | 'one-way'
    | 'reject'
    | 'freeze'
    | 'slow'
    | 'slow-site'
    | 'lossy'
    | 'store'
  readonly domain: string
  readonly to: string
  /** Which process is frozen. */
  readonly process: 'backend' | 'keeper' | 'controller'
  readonly from: number
  readonly until: number
  /** Added delay, milliseconds, or loss, percent. */
  readonly much: number
}

/** What a person does. */
export interface Act {
  readonly at: number
  readonly kind: 'switchover' | 'failback' | 'failover'
  readonly to: Site
}

/** One run: everything a seed decides before it begins. Times in milliseconds. */
export interface Schedule {
  readonly seed: number
  readonly mode: 'accelerated' | 'literal'
  readonly synchronous: boolean
  readonly fence: 'lease' | 'process'
  readonly everyMs: number
  readonly networkMs: number
  readonly lossPercent: number
  readonly writesPerSecond: number
  readonly stableMs: number
  /** How soon a person acknowledges a failover that blocks the next one. */
  readonly acknowledgeMs: number
  readonly faults: readonly Fault[]
  readonly acts: readonly Act[]
  /** From here on nothing is broken any more. */
  readonly faultsEndAt: number
  /** Relative to real time, one for each process in turn: within what two clocks may run apart. */
  readonly rates: readonly number[]
  /** The new site’s data is brought back to a consistent position first. */
  readonly restores: boolean
  /** West’s processes are started only when the work goes there; null: they run. */
  readonly cold: ColdStart | null
  /** East’s processes begin so much later than all others, milliseconds; 0: with them. */
  readonly lateMs: number
  readonly startTimeoutMs: number
  readonly stopAfterMs: number | 'never'
}

const kinds: readonly Fault['kind'][] = [
  'backend',
  'backend',
  'keeper',
  'controller',
  'controller',
  'site',
  'site',
  'power',
  'power',
  'cut',
  'cut',
  'one-way',
  'one-way',
  'reject',
  'freeze',
  'freeze',
  'freeze',
  'slow',
  'lossy',
  'store',
]

/** Draws a schedule; `focus` is what all of its faults have in common. The first site to write is `east`, so it is hit more often than the others. */
export function drawSchedule(seed: number, focus: Partial<Fault> = {}): Schedule {
  const draws = new SeededDraws(seed)
  const faultsEndAt = draws.integer(12_000, 24_000)
  const count = draws.integer(1, 4)
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = focus.kind ?? draws.pick(kinds)
    const from = draws.integer(5_000, faultsEndAt - 2_000)
    const lengthMs = draws.chance(0.4) ? draws.integer(100, 2_000) : draws.integer(2_000, 15_000)
    const domain =
      kind === 'backend' || kind === 'keeper' || kind === 'site'
        ? draws.pick(['east', 'east', 'west'])
        : draws.pick(['east', 'east', 'west', witness])
    return {
      kind,
      domain,
      to: draws.pick(domains.filter((each) => each !== domain)),
      process: domain === witness ? 'controller' : draws.pick(['backend', 'keeper', 'controller']),
      from,
      until: Math.min(faultsEndAt, from + lengthMs),
      much: kind === 'slow' ? draws.integer(20, 400) : draws.integer(1, 20),
      ...focus,
    }
  }).toSorted((a, b) => a.from - b.from)
  const acts = draws.chance(0.3)
    ? Array.from({ length: draws.integer(1, 2) }, (): Act => ({
        at: draws.integer(5_000, faultsEndAt),
        kind: draws.pick(['switchover', 'switchover', 'failback', 'failover']),
        to: draws.pick(sites),
      })).toSorted((a, b) => a.at - b.at)
    : []
  const schedule: Schedule = {
    seed,
    mode: draws.chance(0.9) ? 'accelerated' : 'literal',
    synchronous: draws.chance(0.4),
    fence: 'lease',
    everyMs: draws.chance(0.7) ? 0 : 3_600_000,
    networkMs: draws.pick([1, 5, 20, 60]),
    lossPercent: draws.pick([0, 0, 0.1, 1]),
    writesPerSecond: draws.integer(5, 30),
    stableMs: draws.pick([3_000, 3_000, 8_000]),
    acknowledgeMs: draws.integer(3_000, 10_000),
    faults,
    acts,
    faultsEndAt,
    rates: Array.from({ length: 12 }, () => 1 + (draws.next() * 2 - 1) * 4.9e-4),
    restores: draws.chance(0.25),
    ...drawColdStart(new SeededDraws(seed ^ 0x100)),
    lateMs: drawLateStart(new SeededDraws(seed ^ 0x1a7e)),
  }
  const { kind } = focus
  return kind === undefined || kind === 'slow-site'
    ? withSlowSite(schedule, new SeededDraws(seed ^ 0x510), kind === 'slow-site')
    : schedule
}

/** In a quarter of the runs a site is slow beside what else happens, and in a third of these nothing else does. Draws of their own. */
function withSlowSite(schedule: Schedule, draws: SeededDraws, always: boolean): Schedule {
  const wanted = draws.chance(0.25)
  const { faultsEndAt } = schedule
  const fault: Fault = {
    kind: 'slow-site',
    domain: draws.pick(['east', 'east', 'west']),
    to: witness,
    process: 'backend',
    from: draws.integer(8_000, faultsEndAt - 3_000),
    until: draws.chance(0.7) ? faultsEndAt : faultsEndAt - draws.integer(0, 2_500),
    much: draws.integer(60, 700),
  }
  const alone = draws.chance(1 / 3)
  if (!wanted && !always) return schedule
  if (alone || always) return { ...schedule, faults: [fault], acts: [], cold: null }
  return { ...schedule, faults: [...schedule.faults, fault].toSorted((a, b) => a.from - b.from) }
}

/** Draws of their own: what seeds meant before stays as it was, where nothing is cold. */
function drawColdStart(draws: SeededDraws): Pick<Schedule, 'cold' | 'startTimeoutMs' | 'stopAfterMs'> {
  return {
    cold: draws.chance(0.25) ? { startMs: draws.integer(300, 6_000), fails: draws.chance(0.15) } : null,
    startTimeoutMs: draws.pick([5_000, 20_000]),
    stopAfterMs: draws.pick([2_000, 2_000, 'never']),
  }
}

/** In a quarter of the runs; well before anything breaks. */
function drawLateStart(draws: SeededDraws): number {
  return draws.chance(0.25) ? draws.integer(200, 3_000) : 0
}

/** The schedule in one line a fault, for people. */
export function describeSchedule({ seed, faults, acts, ...rest }: Schedule): string {
  const { mode, synchronous, everyMs, networkMs, lossPercent, writesPerSecond, stableMs, cold } = rest
  return [
    `seed ${seed}: ${mode}, ${synchronous ? 'synchronous' : 'asynchronous'}, ${networkMs} ms, ${lossPercent} % loss, ` +
      `${writesPerSecond} writes/s, stable ${stableMs} ms, every ${everyMs} ms`,
    ...(cold === null
      ? []
      : [
          `  west is cold, starts in ${cold.startMs} ms${cold.fails ? ' and fails' : ''}, ` +
            `has ${rest.startTimeoutMs} ms for it, is stopped after ${rest.stopAfterMs} ms`,
        ]),
    ...(rest.lateMs === 0 ? [] : [`  east begins after ${rest.lateMs} ms`]),
    ...faults.map(({ kind, domain, to, process, from, until, much }) => {
      const what =
        kind === 'one-way'
          ? `${domain} → ${to}`
          : kind === 'freeze'
            ? `${process} of ${domain}`
            : kind === 'store'
              ? ''
              : domain
      const howMuch =
        kind === 'slow' || kind === 'slow-site' ? ` by ${much} ms` : kind === 'lossy' ? ` by ${much} %` : ''
      return `  ${from}–${until} ms ${kind} ${what}${howMuch}`
    }),
    ...acts.map(({ at, kind, to }) => `  ${at} ms a person: ${kind} to ${to}`),
  ].join('\n')
}
