import type { DrainTarget } from '@budao/model'

/** Drains that are remembered at once, those of endpoints that are gone included. */
export const DRAINS_MAX = 1_000

/** What a person took out of the traffic, until a person puts it back. */
export interface Drain {
  readonly target: DrainTarget
  /** Wall clock, ISO 8601 in UTC. */
  readonly since: string
  readonly reason: string
}

/**
 * Which endpoints and sites are drained. Kept by name, not by what exists: an endpoint that comes back under the same address
 * while somebody works on its machine stays out.
 */
export class Drains {
  readonly #drains: Map<string, Drain> = new Map()

  get size(): number {
    return this.#drains.size
  }

  has(target: DrainTarget): boolean {
    return this.#drains.has(keyOf(target))
  }

  put(drain: Drain): void {
    this.#drains.set(keyOf(drain.target), drain)
  }

  remove(target: DrainTarget): boolean {
    return this.#drains.delete(keyOf(target))
  }

  all(): Drain[] {
    return [...this.#drains.values()]
  }

  /** Whether this endpoint is drained, by itself or with its site. */
  holdsFor(service: string, address: string, site: string): boolean {
    return this.all().some(({ target }) => holds(target, service, address, site))
  }
}

/** Whether a target means this endpoint. */
export function holds(target: DrainTarget, service: string, address: string, site: string): boolean {
  if ('site' in target) return target.site === site
  return target.endpoint === address && (target.service === undefined || target.service === service)
}

function keyOf(target: DrainTarget): string {
  return 'site' in target ? `site ${target.site}` : `endpoint ${target.service ?? ''} ${target.endpoint}`
}
