import type { BudaoEvent, RolloutReport } from '@budao/model'
import { Refusal } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'

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

const everyMs = 900
/** For the number beside the link only. */
const asideMs = 5_000
/** A process without rollouts is not asked every second whether it has some meanwhile. */
const askAgainMs = 30_000
const historyMax = 30
/** Five minutes. */
const pointsMax = 300

/** Asks for rollouts where there are any, and remembers how they stood. */
export class ReleaseQuestion {
  readonly #client: Pick<AdminClient, 'get'>
  readonly #points: Map<string, ReleasePoint[]> = new Map()
  #nextAt = 0
  #known: ReleasesState | null = null
  #looking = false

  constructor(client: Pick<AdminClient, 'get'>) {
    this.#client = client
  }

  /** The next question is asked at once, and whether somebody looks at the page of releases. */
  hurry(looking: boolean = this.#looking): void {
    this.#looking = looking
    this.#nextAt = 0
  }

  /** Null where the process has no rollouts. `now`: monotonic milliseconds. */
  async ask(now: number): Promise<ReleasesState | null> {
    if (now < this.#nextAt) return this.#known
    try {
      const [{ rollouts }, history] = await Promise.all([
        this.#client.get<{ rollouts: readonly RolloutReport[] }>('/api/v1/rollouts'),
        this.#looking
          ? this.#client.get<{ events: BudaoEvent[] }>(`/api/v1/events?kind=rollout.*&limit=${historyMax}`)
          : null,
      ])
      if (this.#looking) for (const rollout of rollouts) this.#remember(rollout)
      this.#known = { rollouts, points: this.#points, history: history?.events ?? null }
      this.#nextAt = now + (this.#looking ? everyMs : asideMs)
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error
      this.#known = null
      this.#nextAt = now + askAgainMs
    }
    return this.#known
  }

  #remember(rollout: RolloutReport): void {
    const points = this.#points.get(rollout.name) ?? []
    points.push(pointOf(rollout))
    if (points.length > pointsMax) points.shift()
    this.#points.set(rollout.name, points)
  }
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
