import { isDeepStrictEqual } from 'node:util'
import type { EndpointRegistration } from '@budao/model'

/** A registration and how long it still counts. */
export interface Lease {
  readonly registration: EndpointRegistration
  /** Monotonic milliseconds. */
  readonly expiresAt: number
}

/** Endpoints that registered themselves, with their leases. Time is handed in; nothing happens by itself. */
export class Registrations {
  readonly #leases: Map<string, Lease> = new Map()

  /** A new registration, or the same endpoint again: its lease begins anew. */
  put(registration: EndpointRegistration, now: number): 'created' | 'changed' | 'unchanged' {
    const key = keyOf(registration.service, registration.address)
    const before = this.#leases.get(key)
    this.#leases.set(key, { registration, expiresAt: now + registration.leaseMs })
    if (before === undefined) return 'created'
    const { leaseMs: _, ...facts } = registration
    const { leaseMs: __, ...factsBefore } = before.registration
    return isDeepStrictEqual(facts, factsBefore) ? 'unchanged' : 'changed'
  }

  /** Takes over a lease of an earlier process. */
  restore(lease: Lease): void {
    this.#leases.set(keyOf(lease.registration.service, lease.registration.address), lease)
  }

  /** The lease begins anew; undefined when there is none. */
  renew(service: string, address: string, now: number): Lease | undefined {
    const lease = this.get(service, address)
    if (lease === undefined) return undefined
    const renewed = { ...lease, expiresAt: now + lease.registration.leaseMs }
    this.#leases.set(keyOf(service, address), renewed)
    return renewed
  }

  remove(service: string, address: string): boolean {
    return this.#leases.delete(keyOf(service, address))
  }

  get(service: string, address: string): Lease | undefined {
    return this.#leases.get(keyOf(service, address))
  }

  of(service: string): Lease[] {
    return [...this.#leases.values()].filter(({ registration }) => registration.service === service)
  }

  all(): Lease[] {
    return [...this.#leases.values()]
  }

  /** Those whose time is over, the longest ago first. */
  expired(now: number): Lease[] {
    return this.all()
      .filter(({ expiresAt }) => expiresAt <= now)
      .toSorted((a, b) => a.expiresAt - b.expiresAt)
  }
}

function keyOf(service: string, address: string): string {
  return `${service} ${address}`
}
