import type { Placement, ServiceConfig, SiteVerdict } from '@budao/model'
import { serviceSites } from '@budao/model'
import { unitRules } from './unit-rules.ts'
import type { UnitRules } from './unit-rules.ts'

/**
 * The units of a service, each with a lease of its own. active-standby: one, the service. multi-active: one for each
 * site, whose home it is and which it prefers. active-active: none, everybody writes; `spreadPlacement` says who serves.
 * Without a `failover` section there are none.
 */
export function unitsOf(
  service: string,
  config: ServiceConfig,
  siteOrder: readonly string[],
): readonly UnitRules[] {
  const { mode, failover, objectives, detection, data } = config
  if (failover === undefined || mode === 'active-active') return []
  const own = serviceSites(config, siteOrder)
  const ofData = {
    restores: data !== undefined && !('shared' in data),
    // With one database for all nobody waits for a site, so none has to be taken out.
    reducesInSync: data === undefined || !('shared' in data),
  }
  if (mode === 'active-standby')
    return [{ ...unitRules(service, service, own, failover, objectives, detection), ...ofData }]
  return own.map((home) => {
    const rules = unitRules(`${service}/${home}`, service, own, failover, objectives, detection)
    return { ...rules, ...ofData, sites: [home, ...rules.sites.filter((site) => site !== home)] }
  })
}

/**
 * Who serves an active-active service: all sites that are not down and not drained. With none left it stays as it was:
 * the last that served is better than nobody. The epoch rises with every change, so that gateways obey the newest.
 */
export function spreadPlacement(
  service: string,
  before: Placement | null,
  sites: readonly string[],
  verdicts: readonly SiteVerdict[],
  drained: readonly string[],
): Placement {
  const down = (site: string): boolean => verdicts.some((each) => each.site === site && each.state === 'down')
  const serving = sites.filter((site) => !down(site) && !drained.includes(site))
  const readers = serving.length > 0 ? serving : (before?.readers ?? sites)
  const same = before !== null && before.readers.join('\n') === readers.join('\n')
  if (same) return before
  return { unit: service, service, epoch: (before?.epoch ?? 0) + 1, owner: null, readers }
}
