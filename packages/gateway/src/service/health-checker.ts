import { isDeepStrictEqual } from 'node:util'
import type { EventDraft, HealthCheckConfig } from '@budao/model'
import { checkHealth, unknownHealth, type Clock, type HealthState, type Random } from '@budao/resilience'
import { checkEndpoint } from './health-check.ts'
import type { Endpoint, Service } from './service.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import { UpstreamTlsSet } from '../tls/upstream-tls-set.ts'
import type { UpstreamTls } from '../tls/upstream-tls.ts'

interface Watch {
  service: Service
  index: number
  readonly config: HealthCheckConfig
  /** Null: the endpoint is asked over a plain connection. */
  tls: UpstreamTls | null
  state: HealthState
  lastError: string
  timer: NodeJS.Timeout | undefined
}

/** The active checks of one process. Verdicts go into shared memory, where every thread's endpoint sets find them. */
export class HealthChecker {
  readonly #clock: Clock
  readonly #random: Random
  readonly #report: (event: EventDraft) => void
  #watches: Map<string, Watch> = new Map()
  readonly #tls: UpstreamTlsSet = new UpstreamTlsSet()
  #closed = false

  constructor(clock: Clock, random: Random, report: (event: EventDraft) => void) {
    this.#clock = clock
    this.#random = random
    this.#report = report
  }

  /** Watches these services instead of those before. An endpoint that stays keeps its verdict and its rhythm. */
  watch(services: Iterable<Service>, material: TlsMaterial): void {
    const next = new Map<string, Watch>()
    for (const service of services) {
      const { healthCheck } = service.config
      for (const [index, { address }] of service.endpoints.entries()) {
        if (healthCheck === undefined) {
          if (service.set.health(index) !== 'unknown') service.set.setHealth(index, 'unknown')
          continue
        }
        const key = `${service.name} ${address}`
        const watch = this.#watchOf(this.#watches.get(key), service, index, healthCheck)
        watch.tls = this.#tls.get(service.name, service.endpoints[index]!, service.config, material)
        const { verdict } = watch.state
        if (service.set.health(index) !== verdict) service.set.setHealth(index, verdict)
        next.set(key, watch)
      }
    }
    for (const [key, watch] of this.#watches) if (next.get(key) !== watch) clearTimeout(watch.timer)
    this.#watches = next
    this.#tls.sweep()
  }

  /** What the last check of an endpoint had to say: empty when it passed or there is none. */
  lastError(service: string, address: string): string {
    return this.#watches.get(`${service} ${address}`)?.lastError ?? ''
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#watches.values()) clearTimeout(timer)
  }

  /** Endpoints may come and go several times a second: whoever stays is not asked later for it. */
  #watchOf(before: Watch | undefined, service: Service, index: number, config: HealthCheckConfig): Watch {
    if (before !== undefined && isDeepStrictEqual(before.config, config)) {
      before.service = service
      before.index = index
      return before
    }
    const watch: Watch = {
      service,
      index,
      config,
      tls: null,
      state: before?.state ?? unknownHealth(this.#clock.now()),
      lastError: before?.lastError ?? '',
      timer: undefined,
    }
    // A newcomer is asked at once; the others are spread so that checks do not come in bursts.
    this.#schedule(watch, before === undefined ? 0 : this.#random.next() * config.interval)
    return watch
  }

  #schedule(watch: Watch, waitMs: number): void {
    watch.timer = setTimeout(() => void this.#check(watch), waitMs)
  }

  async #check(watch: Watch): Promise<void> {
    const { config, tls } = watch
    const startedAt = this.#clock.now()
    const endpoint = watch.service.endpoints[watch.index]!
    const { proxyProtocol } = watch.service.config
    const problem = await checkEndpoint(endpoint.address, hostOfCheck(config, endpoint), tls, proxyProtocol)
    if (this.#closed || this.#watches.get(`${watch.service.name} ${endpoint.address}`) !== watch) return
    // Its place may be another one by now.
    const { service, index } = watch
    const now = this.#clock.now()
    watch.lastError = problem
    const { state, transition } = checkHealth(watch.state, problem === '', now, config)
    const first = watch.state.verdict === 'unknown'
    watch.state = state
    if (transition !== 'none') {
      service.set.setHealth(index, transition)
      if (!first || transition === 'unhealthy') this.#tell(watch, transition, problem)
    }
    this.#schedule(watch, Math.max(0, startedAt + config.interval - now))
  }

  #tell({ service, index, config }: Watch, verdict: 'healthy' | 'unhealthy', problem: string): void {
    const { address, site } = service.endpoints[index]!
    const healthy = verdict === 'healthy'
    this.#report({
      kind: healthy ? 'endpoint.healthy' : 'endpoint.unhealthy',
      severity: healthy ? 'info' : 'warning',
      subject: address,
      service: service.name,
      site,
      message: healthy
        ? `Endpoint ${address} passes its health checks again.`
        : `Endpoint ${address} fails its health checks: ${problem}.`,
      evidence: {
        problem,
        intervalMs: config.interval,
        unhealthyAfter: config.unhealthyAfter,
        healthyAfter: config.healthyAfter,
        usableLeft: service.set.usable(this.#clock.now()),
      },
    })
  }
}

/** What was resolved is asked by the name that people wrote: virtual hosts answer to nothing else. */
function hostOfCheck(config: HealthCheckConfig, { config: { origin } }: Endpoint): HealthCheckConfig {
  if (config.host !== undefined || origin?.kind !== 'resolved' || origin.name.startsWith('srv:'))
    return config
  return { ...config, host: origin.name }
}
