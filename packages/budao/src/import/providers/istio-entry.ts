import type { Notes } from '../notes.ts'
import { items, keysOf, type Part, tellUnknown, textAt } from './manifest-part.ts'

/** Where a host is: one endpoint of a ServiceEntry. */
export interface Workload {
  readonly address: string
  readonly labels: ReadonlyMap<string, string>
  readonly weight: number
}

/** Tells what of a ServiceEntry is not carried over. */
export function tellEntry(entry: Part, notes: Notes): void {
  tellUnknown(entry.at('spec'), knownInSpec, notes, reasons)
  for (const endpoint of items(entry, 'spec', 'endpoints'))
    tellUnknown(endpoint, knownInEndpoint, notes, reasons)
}

/** The endpoints of a host at a port, the first of the entry where none is said. A name that is resolved is its own. */
export function workloadsOf(entry: Part, host: string, port: string | undefined): Workload[] {
  const ports = items(entry, 'spec', 'ports')
  const chosen = ports.find((each) => port === undefined || textAt(each, 'number') === port)
  if (chosen === undefined) return []
  const own = textAt(chosen, 'targetPort') ?? textAt(chosen, 'number') ?? '80'
  const endpoints = items(entry, 'spec', 'endpoints')
  if (endpoints.length === 0)
    return textAt(entry, 'spec', 'resolution')?.startsWith('DNS') === true
      ? [{ address: `${host}:${own}`, labels: new Map(), weight: 1 }]
      : []
  return endpoints.map((endpoint) => {
    const at = textAt(endpoint, 'ports', textAt(chosen, 'name') ?? '') ?? own
    const ip = textAt(endpoint, 'address') ?? ''
    const labels = endpoint.at('labels')
    return {
      address: `${ip.includes(':') ? `[${ip}]` : ip}:${at}`,
      labels: new Map(keysOf(labels).map((key) => [key, textAt(labels, key) ?? ''])),
      weight: Number(textAt(endpoint, 'weight') ?? 1),
    }
  })
}

const knownInSpec: ReadonlySet<string> = new Set([
  ...['hosts', 'ports', 'endpoints', 'resolution', 'location', 'addresses'],
])

const knownInEndpoint: ReadonlySet<string> = new Set(['address', 'ports', 'labels', 'weight'])

const reasons: Readonly<Record<string, string>> = {
  exportTo: 'there are no namespaces here',
  workloadSelector: 'say the endpoints: there are no workloads here',
  locality: 'say site of the endpoints in the configuration',
}
