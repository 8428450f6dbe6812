import { createHash } from 'node:crypto'
import type { EndpointReport, GatewayReport } from '@budao/model'
import type { EventFeed } from '../admin-source.ts'

/** The endpoints of a service at one moment. */
export interface EndpointList {
  /** The same as long as nobody comes, leaves, or changes between usable and not; also over restarts. */
  readonly version: string
  readonly endpoints: readonly EndpointReport[]
}

/** How often is looked while somebody waits, beside every event, milliseconds. */
const lookMs = 500

/** Answers who asks for a service’s endpoints once they have changed. Nothing runs while nobody waits. */
export class EndpointWatch {
  readonly #report: () => Promise<GatewayReport>
  readonly #events: EventFeed
  readonly #waiting: Set<() => void> = new Set()
  #looks: NodeJS.Timeout | undefined
  #unsubscribe: (() => void) | undefined

  constructor(report: () => Promise<GatewayReport>, events: EventFeed) {
    this.#report = report
    this.#events = events
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Undefined where there is no such service. */
  async list(service: string): Promise<EndpointList | undefined> {
    const { services } = await this.#report()
    const found = services.find(({ name }) => name === service)
    return found === undefined
      ? undefined
      : { version: versionOf(found.endpoints), endpoints: found.endpoints }
  }

  /** The list once it is another one than `after`, or as it is when the time is over or `signal` says so. */
  async changed(
    service: string,
    after: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<EndpointList | undefined> {
    const until = performance.now() + waitMs
    for (;;) {
      const list = await this.list(service)
      const left = until - performance.now()
      if (list === undefined || list.version !== after || left <= 0 || signal.aborted) return list
      await this.#next(left, signal)
    }
  }

  /** Resolves when it is time to look again. */
  async #next(leftMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => resolve()
    this.#waiting.add(look)
    this.#begin()
    const timer = setTimeout(look, leftMs)
    signal.addEventListener('abort', look, { once: true })
    await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', look)
    this.#waiting.delete(look)
    if (this.#waiting.size === 0) this.#end()
  }

  #begin(): void {
    if (this.#looks !== undefined) return
    const wake = (): void => {
      for (const look of this.#waiting) look()
    }
    this.#looks = setInterval(wake, lookMs)
    this.#unsubscribe = this.#events.subscribe(() => setImmediate(wake))
  }

  #end(): void {
    clearInterval(this.#looks)
    this.#looks = undefined
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }
}

function versionOf(endpoints: readonly EndpointReport[]): string {
  const facts = endpoints
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
    .map(({ address, site, release, weight, state, metadata = {} }) => [
      address,
      site,
      release,
      weight,
      state,
      metadata,
    ])
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
}
