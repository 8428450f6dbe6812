import { networkInterfaces } from 'node:os'

/** A member that did not answer is asked after all others for so long, milliseconds: to ask one that is dead costs a question beside it each time. */
const avoidMs = 5_000

/**
 * In which order the members of an etcd are asked: one on this machine first, which is there as long as this machine is, then as they are
 * configured; those that failed lately last.
 */
export class EtcdMembers {
  readonly #endpoints: readonly string[]
  readonly #failedAt: Map<string, number> = new Map()

  /** `own`: addresses of this machine. */
  constructor(endpoints: readonly string[], own: ReadonlySet<string> = ownAddresses()) {
    const isFar = (endpoint: string): number => (own.has(hostOf(endpoint)) ? 0 : 1)
    this.#endpoints = endpoints.toSorted((a, b) => isFar(a) - isFar(b))
  }

  inOrder(now: number): readonly string[] {
    const since = now - avoidMs
    const failed = (endpoint: string): number => Math.max(since, this.#failedAt.get(endpoint) ?? -Infinity)
    return this.#endpoints.toSorted((a, b) => failed(a) - failed(b))
  }

  failed(endpoint: string, now: number): void {
    this.#failedAt.set(endpoint, now)
  }
}

function hostOf(endpoint: string): string {
  return new URL(endpoint).hostname.replace(/^\[|\]$/g, '')
}

function ownAddresses(): Set<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return new Set(['localhost', ...addresses.map(({ address }) => address)])
}
