import type { UnitState } from './unit-state.ts'

/** Most units moved at the same time: each takes a publication to every gateway and the attention of people. */
export const runsMax = 8

/**
 * Which of the units that want to move may begin now, best first: when a site dies with fifty services on it, those of
 * the highest priority go first, then by name, `runsMax` at a time. Send `go` to each.
 */
export function nextRuns(units: readonly UnitState[], max: number = runsMax): readonly string[] {
  const running = units.filter(({ run, wants }) => run?.value.outcome === null && wants === null).length
  return units
    .filter(({ wants }) => wants !== null)
    .toSorted((a, b) => b.rules.priority - a.rules.priority || compare(a.rules.unit, b.rules.unit))
    .slice(0, Math.max(0, max - running))
    .map(({ rules }) => rules.unit)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
