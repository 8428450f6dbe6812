import type { UnitState } from './unit-state.ts'

/** Most units moved at the same time: each takes a publication to every gateway and the attention of people. */
export const runsMax = 8

/**
 * Which of the units that want to move may begin now, best first: when a site dies with fifty services on it, those of
 * the highest priority go first, then by name, `runsMax` at a time and one of a service. Send `go` to each.
 */
export function nextRuns(units: readonly UnitState[], max: number = runsMax): readonly string[] {
  const running = units.filter(({ run, wants }) => run?.value.outcome === null && wants === null)
  const busy = new Set(running.map(({ rules }) => rules.service))
  const next: string[] = []
  const wanting = units
    .filter(({ wants }) => wants !== null)
    .toSorted((a, b) => b.rules.priority - a.rules.priority || compare(a.rules.unit, b.rules.unit))
  for (const { rules } of wanting) {
    if (running.length + next.length >= max) break
    if (busy.has(rules.service)) continue
    busy.add(rules.service)
    next.push(rules.unit)
  }
  return next
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
