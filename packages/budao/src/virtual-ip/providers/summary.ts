import type { Config } from '@budao/model'
import { rankNodes } from '@budao/model/vrrp'

/** What a configuration says of a shared address, for a summary. */
export interface VirtualIpSummary {
  readonly addresses: readonly string[]
  /** Who is to have it, the first one first. */
  readonly nodes: readonly string[]
}

/** Undefined where no address is shared. */
export function summarizeVirtualIp({ virtualIp }: Config): VirtualIpSummary | undefined {
  if (virtualIp === undefined) return undefined
  const { keepalived } = virtualIp
  return { addresses: keepalived.addresses, nodes: rankNodes(keepalived).map(({ name }) => name) }
}
