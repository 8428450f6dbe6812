import type { ServiceConfig } from '../config.ts'

type OfUnits = Pick<ServiceConfig, 'mode' | 'failover' | 'endpoints'>

/** Sites that a service is at: those of its endpoints that did not register, all where every one does. In the order of `sites`. */
export function serviceSites({ endpoints }: OfUnits, sites: readonly string[]): readonly string[] {
  const standing = endpoints.filter(({ origin }) => origin?.kind !== 'registered')
  if (standing.length === 0) return sites
  return sites.filter((site) => standing.some((endpoint) => endpoint.site === site))
}

/**
 * The units of a service, each with a lease of its own; empty where writes need none. A multi-active one has a unit for each
 * site that it is at, in their order.
 */
export function unitNames(service: string, config: OfUnits, sites: readonly string[]): readonly string[] {
  const { mode, failover } = config
  if (failover === undefined || mode === 'active-active') return []
  if (mode === 'active-standby') return [service]
  return serviceSites(config, sites).map((home) => `${service}/${home}`)
}
