import { detectionDefaults, type Config, type SiteVerdict } from '@budao/model'
import type { SiteShare } from './serving-side.ts'

/** What the sites that are found slow keep of their weight. */
export function keptShares(
  { services }: Pick<Config, 'services'>,
  verdicts: readonly SiteVerdict[],
): readonly SiteShare[] {
  return verdicts.flatMap(({ service, site, slow }) => {
    const { slow: rule } = services[service]?.detection ?? detectionDefaults
    if (slow === undefined || rule === false) return []
    return [{ service, site, keptPercent: rule.weightPercent }]
  })
}
