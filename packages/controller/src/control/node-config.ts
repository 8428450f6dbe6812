import type { Config } from '@budao/model'
import { parseAddress } from '@budao/model'
import { unitsOf } from '../failover/units.ts'
import type { PeerAddress } from '../links/peer-link.ts'

/** Every unit of every service, by its rules. */
export function unitsIn({ services, sites }: Config): ReturnType<typeof unitsOf> {
  return Object.entries(services).flatMap(([name, service]) => unitsOf(name, service, Object.keys(sites)))
}

/** How often beats are sent, milliseconds: as often as the most impatient service wants it. */
export function beatMsOf({ services }: Config): number {
  const beats = Object.values(services).map(({ detection }) => detection?.beat ?? 500)
  return Math.max(50, Math.min(500, ...beats))
}

/** The other nodes. The one of the own name is passed over. */
export function peersOf({ node, control }: Config): readonly PeerAddress[] {
  return Object.entries(control?.peers ?? {})
    .filter(([name]) => name !== node.name)
    .map(([name, { address, site }]) => ({
      node: name,
      ...parseAddress(address)!,
      domain: site ?? name,
      site: site ?? null,
    }))
}
