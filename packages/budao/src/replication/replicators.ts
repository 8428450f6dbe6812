import type { Config, DataConfig } from '@budao/model'

/** The replicator of this site, as a configuration names it. */
export interface NamedReplicator {
  readonly url: string
  readonly token?: string
}

type OfData = Pick<Config, 'node' | 'services' | 'replication'>

/**
 * Who says how far the data of a service is. Where the file has `replication`, and one of its tables names the service, that is
 * this site’s replicator without being said.
 */
export function dataOf({ node, services, replication }: OfData, service: string): DataConfig | undefined {
  const said = services[service]?.data
  if (said !== undefined || replication === undefined) return said
  const travels = Object.values(replication.tables).some((table) => table.service === service)
  if (!travels) return undefined
  const { sites, token } = replication
  return { replicator: sites[node.site]!.url, ...(token !== undefined && { token }) }
}

/** Where this site’s replicator answers; null: nothing says that there is one. */
export function replicatorOf({ node, services, replication }: OfData): NamedReplicator | null {
  if (replication !== undefined) {
    const { sites, token } = replication
    return { url: sites[node.site]!.url, ...(token !== undefined && { token }) }
  }
  for (const { data } of Object.values(services)) {
    if (data === undefined || !('replicator' in data)) continue
    const { replicator: url, token } = data
    return { url, ...(token !== undefined && { token }) }
  }
  return null
}
