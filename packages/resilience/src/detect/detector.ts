import { ArrivalWindow } from './arrival-window.ts'
import { detectorOptions } from './detector-options.ts'
import type { DetectorOptions } from './detector-options.ts'
import { FlapPenalty } from './flap-penalty.ts'
import { RoundTrips } from './round-trips.ts'
import { TrafficWindow } from './traffic-window.ts'
import type { TrafficOutcome } from './traffic-window.ts'

/** A kernel or a supervisor says that the process is gone. */
export type HardCause = 'refused' | 'reset' | 'closed' | 'exited'
/** Why a place is suspect. */
export type DetectorCause = HardCause | 'traffic' | 'silence' | 'missed'
/** up; suspect: probes are on the way; down. */
export type DetectorState = 'up' | 'suspect' | 'down'
/** How a probe ended. Anything but an answer of the serving event loop has failed; a refusal says more. */
export type ProbeOutcome = 'answered' | 'failed' | 'refused'

/** What the detector wants from the loop around it. */
export interface DetectorWish {
  /** Send a probe now, with that time to answer; tell what came of it to `probed` with this burst. 0: none. */
  readonly probeTimeoutMs: number
  readonly burst: number
  /** Call `step` again at this moment at the latest. */
  readonly wakeAt: number
}

/** Who was expected so short a time ago need not prove that it is stable. */
const expectedMs = 15_000
/** An answer of a process that has ended may be counted so long after the word of its end: counts are looked at each 50 ms. */
const onItsWayMs = 100

/**
 * One observer’s watch over one place. Evidence comes in, in whatever order; `step` makes of it what time makes of it.
 * Beats, plain heartbeats and real requests raise a suspicion; a burst of probes confirms it or clears it, and only a
 * full run of failed ones makes the place down. Nothing here looks at a clock or sends anything.
 */
export class Detector {
  readonly #options: DetectorOptions
  readonly #beats: ArrivalWindow
  readonly #roundTrips = new RoundTrips()
  readonly #traffic = new TrafficWindow()
  readonly #flaps = new FlapPenalty()
  #state: DetectorState = 'up'
  #since: number
  #causes: DetectorCause[] = []
  #troubleAt = 0
  #answeredAt = -Infinity
  #servedAt = -Infinity
  #misses = 0
  #burst = 0
  #sent = 0
  #failed = 0
  #refused = 0
  /** When the first word of a kernel or a supervisor of the present doubt came. */
  #hardAt = Infinity
  #gone = false
  #probeAt = Infinity
  #goods = 0
  #goodSince = 0
  #stretch = 1
  #expectedAt = -Infinity
  /** It has answered since it was down last, or since the watch began: only then is its next fall a flap. */
  #wasUp = false
  /** Nothing good was heard since the watch began: its first start is no return. */
  #starts = true

  /** Takes the place for up, and silence from `now` on: a watch that begins must not begin with a verdict. */
  constructor(now: number, options: Partial<DetectorOptions> = {}) {
    this.#options = { ...detectorOptions, ...options }
    this.#beats = new ArrivalWindow(this.#options.beatMs, now)
    this.#since = now
  }

  get state(): DetectorState {
    return this.#state
  }

  /** Since when the state is what it is. */
  get since(): number {
    return this.#since
  }

  get causes(): readonly DetectorCause[] {
    return this.#causes
  }

  /**
   * It is down because a kernel or a supervisor says that the process is gone, and a whole burst of probes found the same. That is no
   * silence, which an observer that is late itself could have made.
   */
  get gone(): boolean {
    return this.#gone
  }

  /** A beat was answered by the event loop that serves. */
  beat(rttMs: number, now: number): void {
    if (this.#options.mode === 'literal') return
    // A network does not become uneven by an outage: its length is no distance between two beats, and the next one is not to be found late.
    if (this.#state === 'down') this.#beats.heard(now)
    else this.#beats.arrived(now)
    this.#answered(rttMs, now)
  }

  /** The kernel or a supervisor there says that the process is gone. */
  hard(cause: HardCause, now: number): void {
    if (this.#options.mode === 'accelerated') this.#doubt(cause, now, now)
  }

  /** A real request ended. */
  request(outcome: TrafficOutcome, now: number): void {
    if (outcome === 'served') {
      this.#servedAt = now
      if (this.#state !== 'down') this.#well()
      // A place that serves is not silent; one whose process is gone served before that, and proves nothing.
      if (this.#state === 'suspect' && !this.#causes.some(isHard)) this.#clear(now)
    }
    if (this.#options.mode === 'literal') return
    if (this.#traffic.record(outcome, now)) this.#doubt('traffic', now, now)
  }

  /** A plain heartbeat was answered in time, or was missed. */
  plain(answered: boolean, now: number): void {
    if (answered) {
      this.#misses = 0
      if (this.#options.mode === 'literal') this.#answered(0, now)
      return
    }
    this.#misses++
    if (this.#misses >= this.#options.misses) this.#fall('missed', now)
    else this.#doubt('missed', now, now)
  }

  /** A probe of that burst ended. One of an earlier burst says nothing any more. */
  probed(burst: number, outcome: ProbeOutcome, rttMs: number, now: number): void {
    if (outcome === 'answered') return this.#answered(rttMs, now)
    this.#goods = 0
    if (burst !== this.#burst || this.#state !== 'suspect') return
    this.#failed++
    if (outcome === 'refused') {
      this.#refused++
      this.#doubt('refused', now, now)
    }
    this.#judge(now)
  }

  /** The observer itself was away: what it did not hear in that time says nothing. A verdict stays. */
  restart(now: number): void {
    this.#beats.restart(now)
    this.#traffic.clear()
    this.#goods = 0
    this.#gone = false
    if (this.#state === 'suspect') this.#clear(now)
    if (this.#state !== 'down') this.#misses = 0
  }

  /**
   * It is being started on purpose, for the first time since it was stopped: that it was down is no flap, and good answers alone make it
   * up again. Say it as long as that is so.
   */
  expect(now: number): void {
    this.#expectedAt = now
  }

  /**
   * The observer itself was cut off since then: everybody looked dead, and who is heard again first must not leave a verdict on the
   * others behind that was about the observer. What is really down is so again within one silence limit and a burst.
   */
  forget(since: number, now: number): void {
    if (this.#state === 'down' && this.#since >= since) this.#clear(now)
    this.restart(now)
  }

  /**
   * What time makes of it; call it at the latest at the moment it named. `stretch` is how much more patience an observer
   * has that is not well itself, 1 to 8.
   */
  step(now: number, stretch = 1): DetectorWish {
    this.#stretch = stretch
    const { mode, deviations, pauseMs, probes, probeEveryMs, hardProbeEveryMs } = this.#options
    let wakeAt = Infinity
    if (mode === 'accelerated') {
      const overdueAt = this.#beats.lastAt + this.#beats.limitMs(deviations, pauseMs) * stretch
      if (now < overdueAt) wakeAt = overdueAt
      else if (this.#state === 'up') this.#doubt('silence', this.#beats.lastAt, now)
      else this.#goods = 0
    }
    if (this.#state !== 'suspect') return { probeTimeoutMs: 0, burst: this.#burst, wakeAt }
    this.#judge(now)
    if (this.#state !== 'suspect' || now < this.#probeAt)
      return { probeTimeoutMs: 0, burst: this.#burst, wakeAt: Math.min(wakeAt, this.#probeAt) }
    this.#sent++
    const everyMs = this.#causes.some(isHard) && this.#sent < probes ? hardProbeEveryMs : probeEveryMs
    this.#probeAt = now + everyMs
    return {
      probeTimeoutMs: this.#roundTrips.probeTimeoutMs * stretch,
      burst: this.#burst,
      wakeAt: Math.min(wakeAt, this.#probeAt),
    }
  }

  /** The numbers behind the state. Ages in milliseconds; null: never. */
  evidence(now: number): DetectorEvidence {
    const age = (at: number): number | null => (at === -Infinity ? null : now - at)
    return {
      causes: this.#causes,
      sinceMs: now - this.#since,
      answeredMs: age(this.#answeredAt),
      // What a process did before it ended proves nothing.
      servedMs: this.#gone && this.#servedAt <= this.#hardAt + onItsWayMs ? null : age(this.#servedAt),
      deviations: this.#beats.deviations(now, this.#options.pauseMs),
      misses: this.#misses,
      probesFailed: this.#failed,
      probesSent: this.#sent,
      flapPenalty: this.#flaps.points(now),
      rttP99Ms: this.#roundTrips.p99Ms,
    }
  }

  #answered(rttMs: number, now: number): void {
    this.#answeredAt = now
    this.#roundTrips.measured(rttMs)
    if (this.#state !== 'down') this.#well()
    if (this.#state === 'suspect') return this.#clear(now)
    if (this.#state === 'up') return
    if (this.#goods === 0) this.#goodSince = now
    this.#goods++
    const { rise, stableMs } = this.#options
    if (this.#goods < rise) return
    const stable = now - this.#goodSince >= stableMs && !this.#flaps.suppressed(now)
    if (!stable && !this.#starts && now - this.#expectedAt > expectedMs) return
    this.#well()
    this.#clear(now)
  }

  #well(): void {
    this.#wasUp = true
    this.#starts = false
  }

  #doubt(cause: DetectorCause, troubleAt: number, now: number): void {
    if (this.#state === 'down') {
      this.#goods = 0
      return
    }
    if (this.#state === 'suspect') {
      const first = isHard(cause) && !this.#causes.some(isHard)
      if (!this.#causes.includes(cause)) this.#causes = [...this.#causes, cause]
      if (!first) return
      this.#hardAt = now
      // The kernel’s word may decide sooner than the burst under way: what has been refused since then counts.
      this.#probeAt = Math.min(this.#probeAt, now)
      return
    }
    this.#become('suspect', now)
    this.#causes = [cause]
    this.#hardAt = isHard(cause) ? now : Infinity
    this.#troubleAt = troubleAt
    if (this.#options.mode === 'literal') return
    this.#burst++
    this.#sent = this.#failed = this.#refused = 0
    this.#probeAt = now
  }

  /** Down when a whole burst has failed, and the trouble is no blip or the process is surely gone. */
  #judge(now: number): void {
    const { probes, blipMs } = this.#options
    if (this.#failed < probes) return
    const gone = (this.#causes.some(isHard) && this.#refused >= probes) || this.#causes.includes('exited')
    if (!gone && now - this.#troubleAt < blipMs * this.#stretch) return
    this.#fall(this.#causes[0]!, now)
    this.#gone = gone
  }

  #fall(cause: DetectorCause, now: number): void {
    if (this.#state === 'down') return
    if (!this.#causes.includes(cause)) this.#causes = [...this.#causes, cause]
    this.#become('down', now)
    // What has not been started yet when a watch begins is down as well, and has not flapped.
    if (this.#wasUp) this.#flaps.fell(now)
    this.#wasUp = false
    this.#goods = 0
  }

  #clear(now: number): void {
    this.#become('up', now)
    this.#causes = []
    this.#gone = false
    this.#beats.heard(now)
    this.#traffic.clear()
  }

  #become(state: DetectorState, now: number): void {
    this.#state = state
    this.#since = now
    this.#probeAt = Infinity
  }
}

/** See `Detector.evidence`. */
export interface DetectorEvidence {
  readonly causes: readonly DetectorCause[]
  readonly sinceMs: number
  readonly answeredMs: number | null
  readonly servedMs: number | null
  readonly deviations: number
  readonly misses: number
  readonly probesFailed: number
  readonly probesSent: number
  readonly flapPenalty: number
  readonly rttP99Ms: number
}

function isHard(cause: DetectorCause): cause is HardCause {
  return cause === 'refused' || cause === 'reset' || cause === 'closed' || cause === 'exited'
}
