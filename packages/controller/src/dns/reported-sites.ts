import type { EndpointReport, GatewayReport, ServiceAtSite, SiteStates } from '@budao/model'

const nothing: ServiceAtSite = { state: 'unknown', usable: 0, total: 0, suspect: false }
/** What ends by time alone, such as an ejection, nobody reports at once. */
const LOOK_MS = 1_000
/** A thousand endpoints that fail at once are a thousand events: a look at all of them is not made for each. */
const GAP_MS = 20

/** The states of the sites as one gateway's checks, ejections, breakers and drains show them. */
export class ReportedSites implements SiteStates {
  readonly #read: () => GatewayReport
  readonly #listeners: Set<() => void> = new Set()
  readonly #timer: NodeJS.Timeout
  #states: ReadonlyMap<string, ServiceAtSite> = new Map()
  #last: GatewayReport | null = null
  #lookedAt = 0
  #pending: NodeJS.Timeout | null = null

  constructor(read: () => GatewayReport) {
    this.#read = read
    this.#look()
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  of(service: string, site: string): ServiceAtSite {
    return this.#states.get(`${service} ${site}`) ?? nothing
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Requests a second at the gateway, and the site it is at. */
  get traffic(): { readonly site: string; readonly requestsPerSecond: number } {
    return { site: this.#last!.node.site, requestsPerSecond: this.#last!.requestsPerSecond }
  }

  /** Something happened: it is looked at once this turn is over, however often it is said, and at most every 20 ms. */
  changed(): void {
    this.#pending ??= setTimeout(
      () => {
        this.#pending = null
        this.#look()
      },
      Math.max(0, this.#lookedAt + GAP_MS - performance.now()),
    )
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#pending !== null) clearTimeout(this.#pending)
    this.#listeners.clear()
  }

  #look(): void {
    this.#lookedAt = performance.now()
    this.#last = this.#read()
    this.#states = siteStatesOf(this.#last)
    for (const listener of this.#listeners) listener()
  }
}

/** By service and site, what a report says of them. Endpoints without weight, and those that nobody would miss, count for nothing. */
export function siteStatesOf({ services }: Pick<GatewayReport, 'services'>): Map<string, ServiceAtSite> {
  const states = new Map<string, ServiceAtSite>()
  for (const { name, endpoints } of services) {
    const weighted = endpoints.filter(({ weight, carries }) => weight > 0 && carries)
    for (const [site, own] of Map.groupBy(weighted, (endpoint) => endpoint.site))
      states.set(`${name} ${site}`, stateOf(own))
  }
  return states
}

function stateOf(endpoints: readonly EndpointReport[]): ServiceAtSite {
  const serving = endpoints.filter(({ state }) => state !== 'draining')
  const usable = serving.filter(({ state }) => state === 'usable')
  const counts = { usable: usable.length, total: serving.length }
  if (serving.length === 0) return { state: 'draining', usable: 0, total: endpoints.length, suspect: false }
  if (usable.length === 0) return { state: 'down', ...counts, suspect: false }
  const suspect = usable.some(
    ({ lastCheckError, breaker }) => lastCheckError !== '' || breaker.state === 'half-open',
  )
  if (usable.length < serving.length) return { state: 'degraded', ...counts, suspect: true }
  return { state: 'serving', ...counts, suspect }
}
