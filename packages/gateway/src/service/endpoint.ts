import { srvName, type EndpointConfig } from '@budao/model'
import type { CircuitBreaker, LatencyHistogram, SharedEndpointLoad } from '@budao/resilience'
import { splitAddress } from '../client/socket-address.ts'
import type { UpstreamPool } from '../upstream/upstream-pool.ts'
import type { ReleaseCounters } from './release-counters.ts'
import type { SiteEvidence } from './site-evidence.ts'
import type { TrafficCounters } from './traffic-counters.ts'

/** One backend address as this thread knows it. */
export class Endpoint {
  readonly address: string
  readonly site: string
  readonly config: EndpointConfig
  readonly breaker: CircuitBreaker | null
  readonly load: SharedEndpointLoad
  readonly counters: TrafficCounters
  /** What its requests say of its site, and where times to its heads are counted; null where nobody watches, and nothing misses it. */
  readonly evidence: SiteEvidence | null
  readonly pace: LatencyHistogram | null
  /** What of its release is counted at its site; null where releases are not told apart. */
  readonly tally: ReleaseCounters | null
  /** The host that its certificate is for: the name that was resolved, or that of the address. */
  get serverHost(): string {
    const { origin } = this.config
    const named = origin?.kind === 'resolved' && srvName(origin.name) === undefined
    return splitAddress(named ? origin.name : this.address)[0]
  }

  /** Set in threads that forward. */
  pool: UpstreamPool | null = null

  constructor(
    config: EndpointConfig,
    breaker: CircuitBreaker | null,
    load: SharedEndpointLoad,
    counters: TrafficCounters,
    evidence: SiteEvidence | null,
    tally: ReleaseCounters | null,
  ) {
    this.address = config.address
    this.site = config.site
    this.config = config
    this.breaker = breaker
    this.load = load
    this.counters = counters
    this.evidence = evidence
    this.pace = evidence?.pace(config.site) ?? null
    this.tally = tally
  }
}
