import type { BalancerKind, SiteMode } from '@budao/resilience'
import { SeededDraws } from '../packages/testkit/src/random.ts'

/**
 * What an endpoint does with a request.
 * - `dead`: refuses the connection; nothing was processed.
 * - `hang`: takes it and never answers. `reset`: does the work and breaks the connection.
 * - `error`: answers 503. `slow`: answers, but late.
 */
export type Behaviour = 'ok' | 'dead' | 'hang' | 'reset' | 'error' | 'slow'

/** Endpoint `endpoint` behaves like that from `from` until `until`, milliseconds from the start. */
export interface Fault {
  readonly endpoint: number
  readonly behaviour: Behaviour
  readonly from: number
  readonly until: number
}

/** One run: everything that a seed decides before it begins. Times in milliseconds. */
export interface Incident {
  readonly seed: number
  readonly endpoints: readonly { readonly id: string; readonly site: string; readonly weight: number }[]
  readonly mode: SiteMode
  readonly balance: BalancerKind
  readonly faults: readonly Fault[]
  /** When the second worker's thread dies and is replaced; what it had under way is lost. */
  readonly crashes: readonly number[]
  /** A site that is lost as a whole is in `faults`, once for each endpoint. */
  readonly lostSite: string | null
  readonly requestsPerSecond: number
  readonly postShare: number
  readonly retries: number
  readonly perTryMs: number
  readonly requestMs: number
  readonly checks: boolean
  readonly failTimeoutMs: number
  readonly sleepWindowMs: number
  /** From here on nothing is broken any more. */
  readonly faultsEndAt: number
  /** From here on everything has to be as before. */
  readonly convergedAt: number
  readonly endAt: number
}

const balancers = [
  'round-robin',
  'least-request',
  'least-connections',
  'peak-ewma',
  'random',
  'ring-hash',
  'maglev',
] as const
const modes = ['multi-active', 'active-active', 'active-standby'] as const
const behaviours = ['dead', 'hang', 'reset', 'error', 'slow'] as const
const faultsEndAt = 20_000

/** The same seed gives the same incident. */
export function drawIncident(seed: number): Incident {
  const draws = new SeededDraws(seed)
  const endpoints = ['east', 'west'].flatMap((site) =>
    Array.from({ length: draws.integer(1, 3) }, (_, i) => ({
      id: `${site}-${i + 1}`,
      site,
      weight: draws.integer(1, 3),
    })),
  )
  const lostSite = draws.chance(0.4) ? draws.pick(['east', 'west']) : null
  const faults: Fault[] = Array.from({ length: draws.integer(0, 6) }, () =>
    drawFault(draws, draws.integer(0, endpoints.length - 1)),
  )
  if (lostSite !== null) {
    const loss = { ...drawFault(draws, 0), behaviour: draws.pick(['dead', 'hang'] as const) }
    for (const [endpoint, { site }] of endpoints.entries())
      if (site === lostSite) faults.push({ ...loss, endpoint })
  }
  const perTryMs = draws.pick([300, 1_000])
  const failTimeoutMs = draws.pick([2_000, 10_000])
  const sleepWindowMs = draws.pick([1_000, 5_000])
  // The last failure may come a whole request after the last fault; a second ejection follows a failed probation.
  const convergedAt = faultsEndAt + 3_000 + failTimeoutMs + 2 * sleepWindowMs + 5_000
  return {
    seed,
    endpoints,
    mode: draws.pick(modes),
    balance: draws.pick(balancers),
    faults,
    crashes: draws.chance(0.3) ? [draws.integer(2_000, faultsEndAt)] : [],
    lostSite,
    requestsPerSecond: draws.integer(20, 120),
    postShare: draws.pick([0, 0.2]),
    retries: draws.integer(0, 3),
    perTryMs,
    requestMs: 3_000,
    checks: draws.chance(0.7),
    failTimeoutMs,
    sleepWindowMs,
    faultsEndAt,
    convergedAt,
    endAt: convergedAt + 5_000,
  }
}

function drawFault(draws: SeededDraws, endpoint: number): Fault {
  const from = draws.integer(1_000, faultsEndAt - 2_000)
  return {
    endpoint,
    behaviour: draws.pick(behaviours),
    from,
    until: Math.min(faultsEndAt, from + draws.integer(500, 15_000)),
  }
}

/** What the endpoint does at that moment: of overlapping faults the last one drawn. */
export function behaviourAt({ faults }: Incident, endpoint: number, now: number): Behaviour {
  const current = faults.findLast(
    (fault) => fault.endpoint === endpoint && fault.from <= now && now < fault.until,
  )
  return current?.behaviour ?? 'ok'
}

/** Everything drawn, for people: printed before a run. */
export function describe(incident: Incident): string {
  const { seed, endpoints, mode, balance, faults, crashes, requestsPerSecond, retries, perTryMs, checks } =
    incident
  return [
    `seed ${seed}: ${endpoints.map(({ id, weight }) => `${id}×${weight}`).join(' ')}, ${mode}, ${balance}, ` +
      `${requestsPerSecond}/s, ${retries} retries, ${perTryMs} ms a try, checks ${checks ? 'on' : 'off'}`,
    ...faults
      .toSorted((a, b) => a.from - b.from)
      .map(
        ({ endpoint, behaviour, from, until }) =>
          `  ${from}–${until} ms  ${endpoints[endpoint]!.id} ${behaviour}`,
      ),
    ...crashes.map((at) => `  ${at} ms  worker 2 dies`),
  ].join('\n')
}
