import type { Config } from '../config.ts'
import { stableRelease } from '../config-split.ts'

/** Of 10 000. */
const WHOLE = 10_000

/**
 * By service whose traffic is split: the releases that its users depend on, which are stable and what has all users of a route. Any other
 * one can be away without anybody missing it: stable has its users then. A service that is not there has endpoints that are all alike.
 * `whole`: rollouts whose release has everything at this moment.
 */
export function carryingReleases(
  { routes, rollouts }: Pick<Config, 'routes' | 'rollouts'>,
  whole: ReadonlySet<string>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const carrying = new Map<string, Set<string>>()
  for (const { name, split, backends } of routes) {
    if (split === undefined) continue
    const configured = Object.keys(split.releases).filter((release) => split.releases[release] === WHOLE)
    const rolled = Object.entries(rollouts).filter(([each, { route }]) => route === name && whole.has(each))
    for (const { service } of backends) {
      const releases = carrying.get(service) ?? new Set([stableRelease])
      for (const release of [...configured, ...rolled.map(([, each]) => each.release)]) releases.add(release)
      carrying.set(service, releases)
    }
  }
  return carrying
}

/**
 * Of a service’s endpoints those by which its sites are judged: of releases that carry it; all of a site where none of those stands.
 * `releases` as `carryingReleases` has them; undefined: all are alike.
 */
export function carryingEndpoints<E extends { readonly site: string; readonly release: string }>(
  endpoints: readonly E[],
  releases: ReadonlySet<string> | undefined,
): readonly E[] {
  if (releases === undefined) return endpoints
  const carrying = endpoints.filter(({ release }) => releases.has(release))
  const sites = new Set(carrying.map(({ site }) => site))
  return endpoints.filter((endpoint) => releases.has(endpoint.release) || !sites.has(endpoint.site))
}
