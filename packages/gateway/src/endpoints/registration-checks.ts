import type { Config, DirectoryRefusal, DirectoryResult, EndpointRegistration } from '@budao/model'

/** Names that a hint lists at most. */
const KNOWN_MAX = 10

/** Why an endpoint may not register; undefined when it may. `registered` are those that the service has already. */
export function registrationRefusal(
  { service, address, site, leaseMs }: EndpointRegistration,
  { services, sites }: Config,
  isNew: boolean,
  registered: number,
): DirectoryResult | undefined {
  const config = services[service]
  if (config === undefined) {
    return refuse('unknown-service', `there is no service ${JSON.stringify(service)}`, known(services))
  }
  if (sites[site] === undefined) {
    return refuse('unknown-site', `there is no site ${JSON.stringify(site)}`, known(sites))
  }
  if (config.registration === false) {
    return refuse('registration-off', `services.${service}.registration is false: nobody may register`)
  }
  const { leaseMax, endpointsMax } = config.registration
  if (leaseMs > leaseMax) {
    return refuse('lease-too-long', `the lease must be at most ${leaseMax} ms, got ${leaseMs} ms`)
  }
  if (config.endpoints.some((endpoint) => endpoint.address === address)) {
    return refuse('endpoint-configured', `${address} stands in the configuration of ${service} already`)
  }
  if (isNew && registered >= endpointsMax) {
    return refuse('too-many-endpoints', `${service} has ${endpointsMax} registered endpoints already`)
  }
  return undefined
}

/** For a renewal or deregistration of what is not registered. */
export function unregisteredRefusal(service: string, address: string, { services }: Config): DirectoryResult {
  if (services[service] === undefined) {
    return refuse('unknown-service', `there is no service ${JSON.stringify(service)}`, known(services))
  }
  return refuse(
    'unknown-endpoint',
    `${JSON.stringify(address)} is not registered at ${service}`,
    'Its lease may have ended: register again.',
  )
}

function refuse(code: DirectoryRefusal, message: string, hint?: string): DirectoryResult {
  return { ok: false, code, message, ...(hint === undefined ? {} : { hint }) }
}

function known(named: Readonly<Record<string, unknown>>): string {
  return `Known: ${Object.keys(named).slice(0, KNOWN_MAX).join(', ')}.`
}
