import { isLoopback, parseAddress } from './config-address.ts'
import type { Finding } from './config-document.ts'
import type { Config } from './config.ts'

/** What of `control` works and will not do what one may think. */
export function controlWarnings({ node, control, services }: Config): Finding[] {
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
