import type { Cells } from './cells.ts'

/** Results in a row that change a verdict. */
export interface HealthThresholds {
  /** Failed checks in a row until a healthy endpoint is unhealthy. Default 3. */
  readonly unhealthyAfter: number
  /** Passed checks in a row until an unhealthy endpoint is healthy. Default 2. */
  readonly healthyAfter: number
}

/** The defaults. */
export const healthThresholds: HealthThresholds = { unhealthyAfter: 3, healthyAfter: 2 }

/** `unknown` until the first check has ended; an unknown endpoint gets traffic. */
export type HealthVerdict = 'unknown' | 'healthy' | 'unhealthy'

/** What the active checks of one endpoint have shown. */
export interface HealthState {
  readonly verdict: HealthVerdict
  /** Monotonic milliseconds of the last change of verdict, or of the start. */
  readonly since: number
  /** Results in a row that speak against the verdict. */
  readonly against: number
}

/** What one result has made of a state. */
export interface HealthStep {
  readonly state: HealthState
  /** The new verdict if this result changed it. The first result changes it always. */
  readonly transition: 'healthy' | 'unhealthy' | 'none'
}

/** The state before the first check. */
export function unknownHealth(now: number): HealthState {
  return { verdict: 'unknown', since: now, against: 0 }
}

/**
 * What one check's result makes of the state. The first result decides alone, either way: a gateway that
 * starts during an outage must not send its first requests into it. After that only a full run in a row does.
 */
export function checkHealth(
  state: HealthState,
  passed: boolean,
  now: number,
  { unhealthyAfter, healthyAfter }: HealthThresholds = healthThresholds,
): HealthStep {
  const seen = passed ? 'healthy' : 'unhealthy'
  if (state.verdict === seen) return { state: { ...state, against: 0 }, transition: 'none' }

  const against = state.against + 1
  const needed = state.verdict === 'unknown' ? 1 : passed ? healthyAfter : unhealthyAfter
  if (against < needed) return { state: { ...state, against }, transition: 'none' }
  return { state: { verdict: seen, since: now, against: 0 }, transition: seen }
}

const verdicts = ['unknown', 'healthy', 'unhealthy'] as const

/** Where the one thread that checks leaves the verdict for all threads that send. One cell, `unknown` when zeroed. */
export class HealthCell {
  static cellsFor(): number {
    return 1
  }

  readonly #cells: Cells
  readonly #offset: number

  constructor(cells: Cells, offset = 0) {
    this.#cells = cells
    this.#offset = offset
  }

  get verdict(): HealthVerdict {
    return verdicts[this.#cells.load(this.#offset)] ?? 'unknown'
  }

  /** The same as `verdict !== 'unhealthy'`, cheaper. */
  get usable(): boolean {
    return this.#cells.load(this.#offset) !== 2
  }

  store(verdict: HealthVerdict): void {
    this.#cells.store(this.#offset, verdicts.indexOf(verdict))
  }
}
