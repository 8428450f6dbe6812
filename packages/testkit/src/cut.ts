import { findOrInstall } from './debian.ts'
import type { TestHost } from './namespaces.ts'

/** in: it hears nobody. out: nobody hears it. both: a black hole. No packet is refused, all are dropped. */
export type Cut = 'both' | 'in' | 'out'

/** Why packets cannot be dropped here; undefined where they can. */
export async function whyNoCuts(): Promise<string | undefined> {
  const tool = await findOrInstall('nftables', 'nft')
  return tool.kind === 'missing' ? `nft is needed: ${tool.reason}` : undefined
}

/** Drops every packet between this host and all others, of connections that stand too. */
export function cut(host: TestHost, which: Cut): void {
  const input =
    'add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in iifname eth0 drop;'
  const output =
    'add chain inet cut out { type filter hook output priority -300; }; add rule inet cut out oifname eth0 drop;'
  const rules = `${which === 'out' ? '' : input} ${which === 'in' ? '' : output}`
  host.run('nft', [`add table inet cut; ${rules}`])
}

/** What was cut is whole again. Harmless where nothing was. */
export function heal(host: TestHost): void {
  host.run('nft', ['add table inet cut; delete table inet cut;'])
}
