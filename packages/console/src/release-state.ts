import type { BudaoEvent, RolloutReport } from '@budao/model'
import type { AdminClient } from './admin-client.ts'
import { AskedNowAndThen, pace } from './asked-now-and-then.ts'

/** How a rollout stood at one moment, for its charts; null: nothing was known then. */
export interface ReleasePoint {
  readonly sharePercent: number
  /** Logarithm of the evidence, percent of the logarithm that sends it back. */
  readonly errorEvidencePercent: number | null
  readonly latencyEvidencePercent: number | null
  readonly canaryErrorsPercent: number | null
  readonly stableErrorsPercent: number | null
}

/** What the page knows of rollouts. */
export interface ReleasesState {
  readonly rollouts: readonly RolloutReport[]
  /** Each second, of each rollout, oldest first. */
  readonly points: ReadonlyMap<string, readonly ReleasePoint[]>
  /** Of rollouts, ascending; null while the page of releases is not shown. */
  readonly history: readonly BudaoEvent[] | null
}

const historyMax = 30
/** Five minutes. */
const pointsMax = 300

/** Asks for rollouts where there are any, and remembers how they stood while somebody looks. */
export function releaseQuestion(client: Pick<AdminClient, 'get'>): AskedNowAndThen<ReleasesState> {
  const points = new Map<string, ReleasePoint[]>()
  const remember = (rollout: RolloutReport): void => {
    const known = points.get(rollout.name) ?? []
    known.push(pointOf(rollout))
    if (known.length > pointsMax) known.shift()
    points.set(rollout.name, known)
  }
  const ask = async (looking: boolean): Promise<ReleasesState> => {
    const [{ rollouts }, history] = await Promise.all([
      client.get<{ rollouts: readonly RolloutReport[] }>('/api/v1/rollouts'),
      looking
        ? client.get<{ events: BudaoEvent[] }>(`/api/v1/events?kind=rollout.*&limit=${historyMax}`)
        : null,
    ])
    if (looking) for (const rollout of rollouts) remember(rollout)
    return { rollouts, points, history: history?.events ?? null }
  }
  return new AskedNowAndThen(ask, pace(900, 5_000))
}

/** How many are on the way. */
export function releasesUnderWay(state: ReleasesState | null): number {
  return state?.rollouts.filter(({ phase }) => phase === 'running' || phase === 'paused').length ?? 0
}

export function pointOf({ basisPoints, verdict }: RolloutReport): ReleasePoint {
  const numbers = verdict?.numbers ?? {}
  const number = (name: string): number => numbers[name] ?? 0
  const percent = (part: string, whole: string): number | null =>
    number(whole) === 0 ? null : (100 * number(part)) / number(whole)
  const evidence = (name: string): number | null =>
    verdict === null ? null : evidencePercent(number(name), number(`${name}Max`))
  return {
    sharePercent: basisPoints / 100,
    errorEvidencePercent: evidence('errorEvidence'),
    latencyEvidencePercent: evidence('latencyEvidence'),
    canaryErrorsPercent: percent('canaryErrors', 'canaryRequests'),
    stableErrorsPercent: percent('stableErrors', 'stableRequests'),
  }
}

/** From 0, nothing speaks against it, to 100, it goes back. What speaks for it is nothing against it. */
export function evidencePercent(value: number, max: number): number {
  if (value <= 1 || max <= 1) return 0
  return Math.min(100, (100 * Math.log(value)) / Math.log(max))
}
