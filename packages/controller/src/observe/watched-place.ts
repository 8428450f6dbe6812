import { Detector } from '@budao/resilience'
import type { DetectorOptions, HardCause } from '@budao/resilience'
import type { Place } from './place.ts'

/** How one place is watched. */
export interface WatchTimes {
  readonly beatMs: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** What is due sooner is not left to the next turn of the observer. */
const wakeMsMax = 150

/** A beat that took longer says no more than that there was one. */
const beatTimeoutMs = 2_000

/** One place and its detector: asks it, and takes what comes of it in. */
export class WatchedPlace {
  readonly detector: Detector
  readonly #place: Place
  readonly #now: () => number
  readonly #changed: () => void
  readonly #timers: NodeJS.Timeout[] = []
  #wake: NodeJS.Timeout | undefined

  /**
   * `asks`: beats are asked for here; otherwise they are told to `beat`. `plain` is the plain heartbeat, by default a
   * question as well. `changed` is called before evidence is taken and after, so that who was away notices first.
   */
  constructor(
    place: Place,
    options: Partial<DetectorOptions>,
    times: WatchTimes,
    world: {
      now(): number
      random: { next(): number }
      changed(): void
      plain?(timeoutMs: number): Promise<boolean>
    },
    asks: boolean,
  ) {
    this.#place = place
    this.#now = () => world.now()
    this.#changed = () => world.changed()
    this.detector = new Detector(world.now(), options)
    const plain = world.plain ?? (async (ms) => (await place.probe(ms)) === 'answered')
    if (asks) this.#every(times.beatMs, world.random, () => void this.#beat())
    this.#every(
      times.intervalMs,
      world.random,
      () =>
        void plain(times.timeoutMs).then((answered) =>
          this.take((detector, now) => detector.plain(answered, now)),
        ),
    )
  }

  /** Whoever is told something first looks whether it was away, then what it makes of it. */
  take(evidence: (detector: Detector, now: number) => void): void {
    this.#changed()
    evidence(this.detector, this.#now())
    this.#changed()
  }

  hard(cause: HardCause): void {
    this.take((detector, now) => detector.hard(cause, now))
  }

  /** What time makes of it; sends the probe that is due. */
  step(now: number, stretch: number): void {
    const { probeTimeoutMs, burst, wakeAt } = this.detector.step(now, stretch)
    if (probeTimeoutMs > 0) void this.#probe(probeTimeoutMs, burst)
    clearTimeout(this.#wake)
    if (wakeAt > now + wakeMsMax) return
    // A timer may be early by a rounding.
    this.#wake = setTimeout(() => this.#changed(), Math.ceil(wakeAt - now))
    this.#wake.unref()
  }

  close(): void {
    clearTimeout(this.#wake)
    for (const timer of this.#timers) clearInterval(timer)
  }

  async #beat(): Promise<void> {
    const sentAt = this.#now()
    const outcome = await this.#place.probe(beatTimeoutMs)
    this.take((detector, now) => {
      if (outcome === 'refused') detector.hard('refused', now)
      else if (outcome === 'answered') detector.beat(now - sentAt, now)
    })
  }

  async #probe(timeoutMs: number, burst: number): Promise<void> {
    const sentAt = this.#now()
    const outcome = await this.#place.probe(timeoutMs)
    this.take((detector, now) => detector.probed(burst, outcome, now - sentAt, now))
  }

  /** Not all at the same moment: the first turn comes by chance. */
  #every(ms: number, random: { next(): number }, run: () => void): void {
    const first = setTimeout(() => {
      run()
      const timer = setInterval(run, ms)
      timer.unref()
      this.#timers.push(timer)
    }, random.next() * ms)
    first.unref()
    this.#timers.push(first)
  }
}
