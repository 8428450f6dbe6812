import type { SiteOpinion } from '@budao/model'
import { opinionEveryMs, tailLog10 } from '@budao/model'
import { Detector, LocalHealth } from '@budao/resilience'
import type { DetectorOptions, SlownessOptions } from '@budao/resilience'
import type { Network } from './network.ts'
import type { SimBackend } from './sim-backend.ts'
import { SimPace } from './sim-pace.ts'
import type { SimProcess } from './sim-process.ts'
import { sites } from './schedule.ts'

/** The heartbeats of one process to every site’s backend, and its detectors: tells controllers what it thinks. */
export class SimObserver {
  readonly #process: SimProcess
  readonly #network: Network
  readonly #health: LocalHealth
  readonly #detectors: readonly Detector[]
  readonly #backends: readonly SimBackend[]
  readonly #tell: (opinions: readonly SiteOpinion[]) => void
  readonly #pace: SimPace | null
  #toldAt = -Infinity

  constructor(
    process: SimProcess,
    network: Network,
    backends: readonly SimBackend[],
    options: Partial<DetectorOptions>,
    tell: (opinions: readonly SiteOpinion[]) => void,
    paced: { readonly nodes: readonly SimProcess[]; readonly options: SlownessOptions } | null,
  ) {
    this.#process = process
    this.#network = network
    this.#backends = backends
    this.#tell = tell
    const now = process.now()
    this.#health = new LocalHealth(now)
    this.#detectors = sites.map(() => new Detector(now, options))
    for (const [index, backend] of backends.entries()) {
      backend.onGone(process, () => this.#take(index, (detector, at) => detector.hard('closed', at)))
      process.after(37 * index, () => this.#beat(index))
      process.after(101 * index, () => this.#plain(index))
    }
    const detectors = {
      state: (site: number) => this.#detectors[site]!.state,
      abstains: () => this.#health.abstains(process.now()) !== null,
    }
    this.#pace =
      paced === null ? null : new SimPace(process, network, backends, paced.nodes, paced.options, detectors)
    this.#turn()
  }

  /** An agent says that the processes of a site are being started. */
  starting(site: string): void {
    this.#detectors[sites.findIndex((each) => each === site)]?.expect(this.#process.now())
  }

  /** A real request to a site’s backend ended. */
  request(site: number, outcome: 'served' | 'connect-failed' | 'timed-out'): void {
    this.#take(site, (detector, now) => detector.request(outcome, now))
  }

  #beat(index: number): void {
    this.#process.after(500, () => this.#beat(index))
    const sentAt = this.#process.now()
    this.#network.request<null>(
      this.#process,
      this.#backends[index]!.process,
      (answer) => this.#backends[index]!.serve(() => answer(null)),
      2_000,
      (reply) =>
        this.#take(index, (detector, now) => {
          if (reply === 'refused') detector.hard('refused', now)
          else if (reply !== 'timeout') detector.beat(now - sentAt, now)
        }),
    )
  }

  #plain(index: number): void {
    this.#process.after(3_000, () => this.#plain(index))
    this.#network.request<null>(
      this.#process,
      this.#backends[index]!.process,
      (answer) => this.#backends[index]!.serve(() => answer(null)),
      2_000,
      (reply) =>
        this.#take(index, (detector, now) => detector.plain(reply !== 'refused' && reply !== 'timeout', now)),
    )
  }

  #probe(index: number, burst: number, timeoutMs: number): void {
    const sentAt = this.#process.now()
    this.#network.request<null>(
      this.#process,
      this.#backends[index]!.process,
      (answer) => this.#backends[index]!.serve(() => answer(null)),
      timeoutMs,
      (reply) =>
        this.#take(index, (detector, now) => {
          const outcome = reply === 'refused' ? 'refused' : reply === 'timeout' ? 'failed' : 'answered'
          detector.probed(burst, outcome, now - sentAt, now)
        }),
    )
  }

  /** Whatever wakes this process, first it looks whether it was away. */
  #take(index: number, evidence: (detector: Detector, now: number) => void): void {
    const now = this.#process.now()
    this.#lookAround(now)
    const detector = this.#detectors[index]!
    const before = detector.state
    evidence(detector, now)
    this.#step(index, now)
    if (detector.state !== before) this.#say(now)
  }

  #turn(): void {
    this.#process.after(50, () => this.#turn())
    const now = this.#process.now()
    this.#lookAround(now)
    let changed = false
    for (let index = 0; index < this.#detectors.length; index++) {
      const before = this.#detectors[index]!.state
      this.#step(index, now)
      if (this.#detectors[index]!.state !== before) changed = true
    }
    if (changed || now - this.#toldAt >= opinionEveryMs) this.#say(now)
  }

  #step(index: number, now: number): void {
    const { probeTimeoutMs, burst } = this.#detectors[index]!.step(now, this.#health.stretch)
    if (probeTimeoutMs > 0) this.#probe(index, burst, probeTimeoutMs)
  }

  #lookAround(now: number): void {
    if (!this.#health.turn(now)) return
    for (const detector of this.#detectors) detector.restart(now)
    this.#pace?.skip()
  }

  #say(now: number): void {
    this.#toldAt = now
    const own = this.#process.domain
    const failing = this.#detectors.filter(({ state }) => state !== 'up').length
    // The witness itself is one more domain that an observer of a site sees fine, or it could not vote.
    const cutOffSince = this.#health.domains(failing, 3, now)
    if (cutOffSince !== null) for (const detector of this.#detectors) detector.forget(cutOffSince, now)
    this.#tell(
      this.#detectors.map((detector, index): SiteOpinion => {
        const { deviations, rttP99Ms: _, ...evidence } = detector.evidence(now)
        const phi = deviations > 0 ? -tailLog10(deviations) : 0
        const slow = this.#pace?.slow(index) ?? null
        return {
          observer: this.#process.name,
          domain: own,
          service: 'shop',
          site: sites[index]!,
          state: detector.state === 'up' && slow !== null ? 'degraded' : detector.state,
          abstains: this.#health.abstains(now, detector.gone),
          evidence: { ...evidence, phi },
          ...(slow === null ? {} : { slow }),
        }
      }),
    )
  }
}
