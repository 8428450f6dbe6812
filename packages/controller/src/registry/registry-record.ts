import type { EndpointRegistration } from '@budao/model'

/** One endpoint of a service as all gateways know it. */
export interface RegistryEntry extends Omit<EndpointRegistration, 'service'> {
  /** Raised with every renewal, so that others see that there was one. */
  readonly renewal: number
  /** The node where it registered or renewed last. */
  readonly by: string
}

/**
 * What the coordination store keeps of a service’s registered endpoints, under `registryKey(service)`. What is missing without
 * standing in `left` was lost, not taken away: nobody drops an endpoint because of it.
 */
export interface RegistryRecord {
  readonly endpoints: readonly RegistryEntry[]
  /** Addresses that left on purpose or whose lease ended, the newest last. */
  readonly left: readonly string[]
}

/** What one node has to tell the others about an address. */
export type RegistryChange =
  | { readonly kind: 'put'; readonly registration: EndpointRegistration }
  | { readonly kind: 'leave' }
  /** Nobody has renewed since this renewal, for longer than its lease. */
  | { readonly kind: 'ended'; readonly renewal: number }

/** Leavers that a record remembers: more than leave while a node is cut off for a moment. */
const leftMax = 64

/** Where they are kept. */
export const registryPrefix = 'registry/'

/** Where the endpoints of a service are kept. */
export function registryKey(service: string): string {
  return registryPrefix + service
}

/** The record with the changes of one node; the same one where they change nothing. */
export function changedRecord(
  before: RegistryRecord,
  changes: ReadonlyMap<string, RegistryChange>,
  by: string,
): RegistryRecord {
  const endpoints = new Map(before.endpoints.map((entry) => [entry.address, entry]))
  const left = new Set(before.left)
  let changed = false
  for (const [address, change] of changes) {
    const entry = endpoints.get(address)
    if (change.kind === 'put') {
      const { service: _, ...facts } = change.registration
      endpoints.set(address, { ...facts, renewal: (entry?.renewal ?? 0) + 1, by })
      left.delete(address)
    } else {
      if (entry === undefined || (change.kind === 'ended' && entry.renewal !== change.renewal)) continue
      endpoints.delete(address)
      left.delete(address)
      left.add(address)
    }
    changed = true
  }
  return changed ? { endpoints: [...endpoints.values()], left: [...left].slice(-leftMax) } : before
}

/** How a record differs from what a node saw before. */
export interface RegistryNews {
  /** New, changed or renewed. */
  readonly put: readonly RegistryEntry[]
  /** Left, and says so. */
  readonly left: readonly string[]
}

/** What a node has to do about a record; `seen` are the entries that it saw last, by address. */
export function newsOf(record: RegistryRecord, seen: ReadonlyMap<string, RegistryEntry>): RegistryNews {
  const put = record.endpoints.filter((entry) => {
    const known = seen.get(entry.address)
    return known === undefined || known.renewal !== entry.renewal || known.by !== entry.by
  })
  const there = new Set(record.endpoints.map(({ address }) => address))
  return { put, left: record.left.filter((address) => seen.has(address) && !there.has(address)) }
}

/** A record of the store, or an empty one where it is none of ours. */
export function asRecord(value: unknown): RegistryRecord {
  const given = value as Partial<RegistryRecord> | null
  if (typeof given !== 'object' || given === null || !Array.isArray(given.endpoints)) {
    return { endpoints: [], left: [] }
  }
  return { endpoints: given.endpoints, left: Array.isArray(given.left) ? given.left : [] }
}
