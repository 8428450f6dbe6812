import { isLoopback, parseAddress } from './config-address.ts'
import type { Finding } from './config-document.ts'
import type { Config } from './config.ts'

/**
 * Writes that other gateways pass on come from their addresses: where a client’s address counts, the listener they come to has to
 * believe what they say of it. Null where nothing of that is so.
 */
function strangersAt({ node, control, services, listeners, routes }: Config): Finding | null {
  const port = parseAddress(control?.peers[node.name]?.traffic ?? '')?.port
  const index = listeners.findIndex(({ address }) => parseAddress(address)?.port === port)
  const listener = listeners[index]
  if (port === undefined || listener === undefined || listener.trustForwarded) return null
  const owned = (service: string): boolean =>
    services[service]?.failover !== undefined && services[service].mode !== 'active-active'
  const limited = routes.find(
    ({ filters, backends }) =>
      backends.some(({ service }) => owned(service)) &&
      filters.some((filter) => 'rateLimit' in filter && filter.rateLimit.key.includes('ip')),
  )
  if (limited === undefined) return null
  return {
    path: ['listeners', index, 'trustForwarded'],
    message: `route ${limited.name} limits by \`ip\`, and writes that other gateways pass on to ${listener.name} come with theirs: all their clients share one limit`,
    hint: 'point `control.peers.<name>.traffic` at a listener of its own with `trustForwarded: true`, open to gateways only',
  }
}

/** What of `control` works and will not do what one may think. */
export function controlWarnings(config: Config): Finding[] {
  const { node, control, services } = config
  if (control === undefined) return []
  const findings: Finding[] = []
  const others = Object.entries(control.peers).filter(([name]) => name !== node.name)
  const domains = new Set(others.map(([name, { site }]) => site ?? name))
  domains.add(node.site)
  if (domains.size === 2)
    findings.push({
      path: ['control', 'peers'],
      message:
        'two failure domains: a site that is silent is not failed over by itself, only one whose process is gone',
      hint: 'a witness at a third place, also a small one',
    })
  const strangers = strangersAt(config)
  if (strangers !== null) findings.push(strangers)
  const far = others.filter(([, { address }]) => !isLoopback(parseAddress(address)!.host))
  if (control.store.type === 'sqlite' && far.length > 0)
    findings.push({
      path: ['control', 'store'],
      message: `a file of this machine, and ${far[0]![0]} is at another address: nodes of other machines cannot share it`,
    })
  for (const [service, { failover, mode, endpoints }] of Object.entries(services)) {
    if (failover === undefined || mode === 'active-active') continue
    const sites = new Set(endpoints.map(({ site }) => site))
    for (const site of sites)
      if (!domains.has(site))
        findings.push({
          path: ['services', service, 'failover'],
          message: `no node stands at ${site}: nobody there can hold the right to write`,
        })
  }
  return findings
}
