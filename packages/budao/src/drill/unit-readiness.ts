import type { UnitReport } from '@budao/model'
import { check } from './readiness-check.ts'
import type { ReadinessCheck } from './readiness-check.ts'
import type { Scenario } from './scenario.ts'

/** So late an alarm says that data stands still: a drill then would lose what no loss of a site has to. */
const staleMs = 5_000

/** What is looked at before a drill where writes need a lease. */
export function unitChecks(
  units: readonly UnitReport[],
  { hits }: Scenario,
  site: string,
  rpoMs: number | null,
): readonly ReadinessCheck[] {
  const moving = units
    .filter(({ lease, run }) => lease !== 'held' || run?.outcome === null)
    .map(({ unit }) => unit)
  const limitMs = rpoMs !== null && rpoMs > 0 ? Math.min(rpoMs, staleMs) : staleMs
  const stays = ['controllers', 'leader', 'dns'].includes(hits)
  const behind = stays
    ? []
    : units.filter(({ owner }) => owner === site).flatMap((unit) => behindOf(unit, limitMs))
  return [
    check('no-failover-under-way', moving.length === 0, {
      good: 'every unit is held',
      bad: `${moving.join(', ')} on the way to another site, or without one`,
      todo: 'wait until it has arrived: budao status --why',
    }),
    check(
      'data-fresh',
      behind.length === 0,
      {
        good: stays ? 'nothing is to move' : freshText(units, site),
        bad: behind.join('; '),
        todo: 'let the data catch up first: budao status --why, budao status of the replicators',
      },
      true,
    ),
  ]
}

/** Sites that would take it over with less data than they should have. Where nobody says how far the data is, nothing is known against it. */
function behindOf({ unit, owner, positions }: UnitReport, limitMs: number): readonly string[] {
  return positions
    .filter(({ site }) => site !== owner)
    .flatMap(({ site, lagMs, divergence }) => [
      ...(lagMs !== null && lagMs > limitMs
        ? [`${site} is ${(lagMs / 1000).toFixed(1)} s behind with ${unit}, more than ${limitMs / 1000} s`]
        : []),
      ...(divergence > 0 ? [`${site} differs from the owner of ${unit} in ${divergence} rows`] : []),
    ])
}

function freshText(units: readonly UnitReport[], site: string): string {
  const lags = units
    .filter(({ owner }) => owner === site)
    .flatMap(({ owner, positions }) => positions.filter((position) => position.site !== owner))
    .map(({ lagMs }) => lagMs)
  if (lags.length === 0) return 'nothing that other sites would have to have'
  if (lags.includes(null)) return 'nobody says how far the data of the other sites is'
  return `other sites are at most ${Math.round(Math.max(...(lags as number[])))} ms behind`
}
