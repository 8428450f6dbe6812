import type { ServiceConfig, SiteOpinion, SlowEvidence, TrafficPace } from '@budao/model'
import { detectionDefaults, detectorSettings, tailLog10 } from '@budao/model'
import type { DetectorState, HardCause, TrafficOutcome } from '@budao/resilience'
import { EndpointPlace } from './endpoint-place.ts'
import type { ProbeTls } from './endpoint-probe.ts'
import type { NodePlace } from './node-place.ts'
import { WatchedPlace } from './watched-place.ts'

/** Of what was counted since the last look at most so many are told one by one. */
const countsMax = 32

/** Real requests to a site’s endpoints since the last look. */
export type TrafficCounts = Readonly<Record<Exclude<TrafficOutcome, 'failed'>, number>>

/** How fast a site is, as `ServicePace` found it; null: not slow, not known. */
export interface Pace {
  readonly slow: SlowEvidence | null
  readonly traffic: TrafficPace | null
}

/** What a watch over one site of a service has to do with. */
export interface SiteWatchWorld {
  now(): number
  readonly random: { next(): number }
  /** How the service’s endpoints are asked. */
  readonly tls: ProbeTls
  /** Called around every piece of evidence. */
  changed(watch: SiteWatch): void
}

/**
 * One service at one site, from here. It is as well as the worse of two places: its endpoints there, and the nodes there
 * that let writes in and hold its leases. With neither there is nothing to see, and it is up.
 */
export class SiteWatch {
  readonly service: string
  readonly site: string
  readonly #now: () => number
  readonly #endpoints: EndpointPlace
  readonly #watchedEndpoints: WatchedPlace | null
  readonly #watchedNodes: WatchedPlace | null
  /** The slowest echo since it was asked for, and the one before. */
  #slowestMs = 0
  #roundTripMs = 0

  /** `nodes` null: the observer stands there itself, or nobody does. */
  constructor(
    service: string,
    site: string,
    config: ServiceConfig,
    nodes: NodePlace | null,
    world: SiteWatchWorld,
  ) {
    this.service = service
    this.site = site
    this.#now = () => world.now()
    const { detection = detectionDefaults, endpoints, healthCheck } = config
    const options = detectorSettings(detection)
    const times = { beatMs: detection.beat, intervalMs: detection.interval, timeoutMs: detection.timeout }
    const own = endpoints.filter((endpoint) => endpoint.site === site)
    const place = { now: () => world.now(), random: world.random, changed: () => world.changed(this) }
    this.#endpoints = new EndpointPlace(own, healthCheck, world.tls, (cause) =>
      this.#watchedEndpoints?.hard(cause),
    )
    this.#watchedEndpoints =
      this.#endpoints.size === 0 ? null : new WatchedPlace(this.#endpoints, options, times, place, true)
    this.#watchedNodes =
      nodes === null
        ? null
        : new WatchedPlace(
            nodes,
            options,
            times,
            { ...place, plain: (timeoutMs: number) => nodes.plain(timeoutMs) },
            false,
          )
  }

  get state(): DetectorState {
    return this.#worse?.detector.state ?? 'up'
  }

  /** It is down because its processes are gone by the word of a kernel or a supervisor. */
  get gone(): boolean {
    return this.#worse?.detector.gone ?? false
  }

  /** A node of the site echoed a beat. */
  beat(rttMs: number): void {
    this.#slowestMs = Math.max(this.#slowestMs, rttMs)
    this.#watchedNodes?.take((detector, now) => detector.beat(rttMs, now))
  }

  /** The kernel, or a supervisor, says that the last node of the site is gone. */
  hard(cause: HardCause): void {
    this.#watchedNodes?.hard(cause)
  }

  /** A supervisor says that the last process of the service there is gone. */
  exited(): void {
    this.#watchedEndpoints?.hard('exited')
  }

  traffic(counts: TrafficCounts): void {
    for (const outcome of ['connect-failed', 'timed-out', 'served'] as const) {
      for (let n = Math.min(counts[outcome], countsMax); n > 0; n--)
        this.#watchedEndpoints?.take((detector, now) => detector.request(outcome, now))
    }
  }

  /**
   * What the network to the site took at most since this was last asked, milliseconds: the slowest echo of a node there; 0 where
   * none stands. A packet that was lost on the way must not look like a slow site.
   */
  takeRoundTripMs(): number {
    if (this.#slowestMs > 0) this.#roundTripMs = this.#slowestMs
    this.#slowestMs = 0
    return this.#roundTripMs
  }

  /** The middle of what its endpoints take to answer now, milliseconds; null where none does. */
  paceMs(timeoutMs: number): Promise<number | null> {
    return this.#endpoints.paceMs(timeoutMs, () => this.#now())
  }

  step(now: number, stretch: number): void {
    this.#watchedEndpoints?.step(now, stretch)
    this.#watchedNodes?.step(now, stretch)
  }

  /** Its processes are being started on purpose. */
  expect(now: number): void {
    this.#watchedEndpoints?.detector.expect(now)
    this.#watchedNodes?.detector.expect(now)
  }

  /** The observer itself was away. */
  restart(now: number): void {
    this.#watchedEndpoints?.detector.restart(now)
    this.#watchedNodes?.detector.restart(now)
  }

  /** The observer itself was cut off since then. */
  forget(since: number, now: number): void {
    this.#watchedEndpoints?.detector.forget(since, now)
    this.#watchedNodes?.detector.forget(since, now)
  }

  opinion(now: number, by: Pick<SiteOpinion, 'observer' | 'domain' | 'abstains'>, pace: Pace): SiteOpinion {
    const { service, site } = this
    const said = {
      ...(pace.slow === null ? {} : { slow: pace.slow }),
      ...(pace.traffic === null ? {} : { traffic: pace.traffic }),
    }
    const worst = this.#worse
    const state = this.state === 'up' && pace.slow !== null ? 'degraded' : this.state
    if (worst === null) return { ...by, service, site, state, evidence: unseen, ...said }
    const { deviations, rttP99Ms: _, ...evidence } = worst.detector.evidence(now)
    // Who was served by the endpoints was served, whatever else is wrong; unless nobody is left there who lets writes in.
    const nodesGone = this.#watchedNodes?.detector.gone ?? false
    const servedMs = nodesGone ? null : (this.#watchedEndpoints?.detector.evidence(now).servedMs ?? null)
    const phi = deviations > 0 ? -tailLog10(deviations) : 0
    return { ...by, service, site, state, evidence: { ...evidence, servedMs, phi }, ...said }
  }

  close(): void {
    this.#watchedEndpoints?.close()
    this.#watchedNodes?.close()
    this.#endpoints.close()
  }

  get #worse(): WatchedPlace | null {
    const [endpoints, nodes] = [this.#watchedEndpoints, this.#watchedNodes]
    if (endpoints === null || nodes === null) return endpoints ?? nodes
    return rank(nodes.detector.state) > rank(endpoints.detector.state) ? nodes : endpoints
  }
}

const unseen: SiteOpinion['evidence'] = {
  causes: [],
  sinceMs: 0,
  answeredMs: null,
  servedMs: null,
  phi: 0,
  misses: 0,
  probesFailed: 0,
  probesSent: 0,
  flapPenalty: 0,
}

function rank(state: DetectorState): number {
  return state === 'down' ? 2 : state === 'suspect' ? 1 : 0
}
