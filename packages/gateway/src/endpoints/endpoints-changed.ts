import type { Config, EndpointConfig, EventDraft } from '@budao/model'

/** Addresses that an event names at most, of each kind. */
const NAMED_MAX = 10

/**
 * What is different between two configurations that differ only in endpoints: one event for each service, given the number of
 * the snapshot. Empty when nothing is.
 */
export function endpointsChanged(before: Config, after: Config): ((snapshot: number) => EventDraft)[] {
  return Object.entries(after.services).flatMap(([service, { endpoints }]) => {
    const old = before.services[service]?.endpoints ?? []
    if (JSON.stringify(old) === JSON.stringify(endpoints)) return []
    const came = without(endpoints, old)
    const left = without(old, endpoints)
    return [
      (snapshot: number): EventDraft => ({
        kind: 'endpoints.changed',
        severity: endpoints.length === 0 ? 'critical' : 'info',
        subject: service,
        service,
        message: `Service ${service} has ${count(endpoints.length)} now: ${came.length} came, ${left.length} left.`,
        evidence: {
          snapshot,
          endpoints: endpoints.length,
          came: named(came),
          left: named(left),
        },
      }),
    ]
  })
}

function without(endpoints: readonly EndpointConfig[], others: readonly EndpointConfig[]): string[] {
  const known = new Set(others.map(({ address }) => address))
  return endpoints.map(({ address }) => address).filter((address) => !known.has(address))
}

function named(addresses: readonly string[]): string {
  const shown = addresses.slice(0, NAMED_MAX).join(', ')
  return addresses.length > NAMED_MAX ? `${shown}, and ${addresses.length - NAMED_MAX} more` : shown
}

function count(endpoints: number): string {
  return `${endpoints} endpoint${endpoints === 1 ? '' : 's'}`
}
