import type { DrillReport } from './drill-report.ts'
import type { Scenario } from './scenario.ts'

/** What must hold whatever is failed. */
export const invariantNames = [
  'no-read-failed',
  'within-rto',
  'no-write-lost',
  'one-epoch',
  'always-served',
  'restored',
] as const

/** One of `invariantNames`. */
export type InvariantName = (typeof invariantNames)[number]

/** One thing that must hold, and whether it did. */
export interface Invariant {
  readonly name: InvariantName
  /** Null: it could not be looked at, or is not asked of this scenario. */
  readonly holds: boolean | null
  /** What was measured, and what it was held against; milliseconds or counts. */
  readonly measured: number | null
  readonly limit: number | null
}

/**
 * passed       everything that must hold did
 * failed       something did not
 * aborted      too much failed: the fault was taken back early
 * interrupted  a person ended it
 */
export type Verdict = 'passed' | 'failed' | 'aborted' | 'interrupted'

/** The figures that verdicts are made of. */
export type Figures = Pick<
  DrillReport,
  | 'requests'
  | 'outage'
  | 'longestGapMs'
  | 'dnsSilenceMs'
  | 'writes'
  | 'objectives'
  | 'restored'
  | 'home'
  | 'ended'
>

/** Every invariant, in the order of `invariantNames`. */
export function invariantsOf(figures: Figures, mayFail: Scenario['mayFail']): readonly Invariant[] {
  const { requests, outage, writes, objectives, restored, home } = figures
  const unservedMs = Math.max(figures.longestGapMs, figures.dnsSilenceMs ?? 0)
  const rtoMs = Math.max(outage?.rtoMs ?? 0, writes?.outage?.rtoMs ?? 0)
  const checked = writes?.checked ?? 0
  const invariant = (
    name: InvariantName,
    holds: boolean | null,
    measured: number | null,
    limit: number | null,
  ): Invariant => ({ name, holds, measured, limit })
  return [
    invariant(
      'no-read-failed',
      mayFail === 'no read' ? requests.failed === 0 && requests.sent > 0 : null,
      requests.failed,
      mayFail === 'no read' ? 0 : null,
    ),
    invariant('within-rto', rtoMs <= objectives.rtoMs, rtoMs, objectives.rtoMs),
    invariant('no-write-lost', checked === 0 ? null : writes!.lost === 0, writes?.lost ?? null, 0),
    invariant(
      'one-epoch',
      writes?.olderEpochAccepted == null ? null : !writes.olderEpochAccepted,
      // Acknowledged writes that it was looked at for.
      writes === null || writes.named === 0 ? null : writes.named,
      null,
    ),
    invariant('always-served', unservedMs <= objectives.rtoMs, unservedMs, objectives.rtoMs),
    invariant('restored', restored === true && home === false ? false : restored, null, null),
  ]
}

export function verdictOf(ended: DrillReport['ended'], invariants: readonly Invariant[]): Verdict {
  if (ended !== 'completed') return ended
  return invariants.some(({ holds }) => holds === false) ? 'failed' : 'passed'
}
