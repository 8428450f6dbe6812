import {
  formatAddress,
  isLiteral,
  parseAddress,
  srvName,
  type Config,
  type EndpointConfig,
  type ServiceConfig,
} from '@budao/model'
import type { ResolvedAddress } from './resolve-name.ts'

/** What there is beside the file, to make a service's endpoints of. */
export interface EndpointSources {
  /** What a name of `namesIn` stands for. */
  addresses(name: string): readonly ResolvedAddress[]
  /** The endpoints that have registered. */
  registered(service: string): readonly EndpointConfig[]
}

/** The name that has to be resolved for an endpoint of the file: a host or `srv:NAME`; undefined for a literal address. */
export function nameIn(address: string): string | undefined {
  if (srvName(address) !== undefined) return address
  const host = parseAddress(address)?.host
  return host === undefined || isLiteral(host) ? undefined : host
}

/** All names of a configuration. */
export function namesIn(config: Config): Set<string> {
  const names = Object.values(config.services).flatMap(({ endpoints }) =>
    endpoints.map(({ address }) => nameIn(address)),
  )
  return new Set(names.filter((name) => name !== undefined))
}

/**
 * The configuration with every endpoint that is to serve now, each with its literal address. The order is that of the
 * file, then of registration; of two with one address the first counts.
 */
export function desiredConfig(config: Config, sources: EndpointSources): Config {
  const services = Object.entries(config.services).map(([name, service]) => [
    name,
    desiredService(name, service, sources),
  ])
  return { ...config, services: Object.fromEntries(services) }
}

function desiredService(name: string, service: ServiceConfig, sources: EndpointSources): ServiceConfig {
  const all = [
    ...service.endpoints.flatMap((endpoint) => resolved(endpoint, sources)),
    ...sources.registered(name),
  ]
  const byAddress = new Map<string, EndpointConfig>()
  for (const endpoint of all) if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint)
  return { ...service, endpoints: [...byAddress.values()] }
}

function resolved(endpoint: EndpointConfig, sources: EndpointSources): EndpointConfig[] {
  const name = nameIn(endpoint.address)
  if (name === undefined) return [endpoint]
  const port = parseAddress(endpoint.address)?.port ?? 0
  return sources.addresses(name).map((address) => ({
    ...endpoint,
    address: formatAddress({ host: address.host, port: address.port ?? port }),
    weight: endpoint.weight * address.share,
    rank: endpoint.rank + address.rank,
    origin: { kind: 'resolved', name: endpoint.address },
  }))
}
