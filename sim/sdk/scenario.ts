import type { Script } from 'node:vm'

/** What many runs of a scenario come to. */
export interface Verdict {
  /** Measured, for people. */
  readonly figures: readonly string[]
  /** What does not hold; empty when all does. */
  readonly broken: readonly string[]
}

/** Phones in one situation. `live` is one seed's run and gives plain data, as it may come from another thread. */
export interface Scenario<Part> {
  readonly about: string
  /** Seeds of a whole run. */
  readonly runs: number
  live(seed: number, program: Script): Promise<Part>
  judge(parts: readonly Part[]): Verdict
}

/** The value that `share` of all do not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

export function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : ((part / whole) * 100).toFixed(2)} %`
}

/** Builds a verdict line by line. */
export class Judgement implements Verdict {
  readonly figures: string[] = []
  readonly broken: string[] = []

  /** A figure with its bound. */
  holds(well: boolean, figure: string): void {
    this.figures.push(figure)
    if (!well) this.broken.push(figure)
  }
}
