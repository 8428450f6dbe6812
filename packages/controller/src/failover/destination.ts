import type { RunKind, SiteVerdict, UnitReport } from '@budao/model'

/**
 * Where a unit goes when a person does not say: failback, to the site it prefers; otherwise to the first other one, in order of
 * preference, that is up, then one that is degraded, then one that can be started. Null where there is none, or it is there already.
 */
export function destinationOf(report: UnitReport, kind: RunKind): string | null {
  const { sites, owner, drained } = report
  if (kind === 'failback') {
    const [home = null] = sites
    return home === owner ? null : home
  }
  const others = sites.filter((site) => site !== owner && !drained.includes(site))
  const those = (state: SiteVerdict['state']): string | undefined =>
    others.find((site) => report.verdicts.find((verdict) => verdict.site === site)?.state === state)
  const cold = others.find((site) => report.standbys.some((standby) => standby.site === site))
  return those('up') ?? those('degraded') ?? cold ?? null
}
