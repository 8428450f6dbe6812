import type { SiteFault } from '@budao/testkit'
import { table } from '../table.ts'
import { distributionOf, distributionText } from './distribution.ts'
import type { Told } from './told.ts'
import { countsAsMeasured } from './trial.ts'

/** One fault of one contender. */
export interface Row {
  readonly fault: SiteFault
  readonly arm: string
  readonly trials: number
  readonly never: number
  /** From the fault until it was found down; null where nobody keeps account. */
  readonly verdict: ReturnType<typeof distributionOf>
  /** From the fault until the move was on record. */
  readonly decided: ReturnType<typeof distributionOf>
  readonly writes: ReturnType<typeof distributionOf>
  readonly reads: ReturnType<typeof distributionOf>
  readonly failedWrites: number
  readonly violations: number
  readonly strays: number
  /** Trials in which writes were applied at one site, at the other, and at the first again: side by side. */
  readonly split: number
}

/** Of trials that count. */
export function summarize(results: readonly Told[]): Row[] {
  const groups = Map.groupBy(results.filter(countsAsMeasured), ({ fault, arm }) => `${fault} ${arm}`)
  return [...groups.values()].map((group) => {
    const { fault, arm } = group[0]!
    const sum = (count: (each: Told) => number): number =>
      group.reduce((total, each) => total + count(each), 0)
    const moves = group.flatMap(({ move }) => move ?? [])
    return {
      ...{ fault, arm, trials: group.length },
      never: group.filter(({ writesMs }) => writesMs === null).length,
      verdict: distributionOf(moves.flatMap(({ verdictMs }) => verdictMs ?? [])),
      decided: distributionOf(moves.map(({ decidedMs }) => decidedMs)),
      writes: distributionOf(group.flatMap(({ writesMs }) => writesMs ?? [])),
      reads: distributionOf(group.map(({ readsMs }) => readsMs)),
      failedWrites: sum(({ failedWrites }) => failedWrites),
      violations: sum(({ findings }) => findings.violations.length),
      strays: sum(({ findings }) => findings.strays),
      split: group.filter(({ findings }) => findings.turns > 1).length,
    }
  })
}

export function tableOf(rows: readonly Row[]): string {
  return table(
    [
      'fault, contender',
      'n',
      'never',
      'verdict p50 / p90 / p99 / max ms',
      'write again p50 / p90 / p99 / max ms',
      'reads away p50 / max ms',
      'broken',
      'strays',
      'side by side',
    ],
    rows.map(({ fault, arm, trials, never, verdict, writes, reads, violations, strays, split }) => [
      `${fault}, ${arm}`,
      String(trials),
      String(never),
      distributionText(verdict),
      distributionText(writes),
      reads === null ? '–' : `${Math.round(reads.p50)} / ${Math.round(reads.max)}`,
      String(violations),
      String(strays),
      String(split),
    ]),
  )
}
