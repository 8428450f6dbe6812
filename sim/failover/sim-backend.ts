import type { Timeline } from '../timeline.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './sim-process.ts'

/** The process of a site that serves: it answers beats and probes by the loop that works, and applies writes. */
export class SimBackend {
  readonly process: SimProcess
  /** Whether it is to run: a cold one is not, until its agent is told so. */
  wanted = true
  /** A fault holds it down. */
  held = false
  /** How much later than usual it answers everything, milliseconds. */
  slowMs = 0
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #watchers: { process: SimProcess; starts: number; told: () => void }[] = []

  constructor(process: SimProcess, timeline: Timeline, network: Network) {
    this.process = process
    this.#timeline = timeline
    this.#network = network
  }

  /** Its own loop gets to a request: at once, or later while it is slow. */
  serve(run: () => void): void {
    if (this.slowMs === 0) run()
    else this.process.after(this.slowMs, run)
  }

  /** Who has a heartbeat’s connection to it is told by the kernel when it breaks. */
  onGone(process: SimProcess, told: () => void): void {
    this.#watchers.push({ process, starts: process.starts, told })
  }

  /** Its agent starts or stops it; what a fault holds down comes up with its end. */
  want(wanted: boolean): void {
    if (this.wanted === wanted) return
    this.wanted = wanted
    if (this.held) return
    if (wanted) this.process.start()
    else this.kill(true)
  }

  /** With power the kernel closes its connections; without, nobody hears anything. */
  kill(power: boolean): void {
    this.process.kill()
    if (!power) return
    for (const { process, starts, told } of this.#watchers) {
      const ms = this.#network.delayMs(this.process.domain, process.domain)
      if (ms < 0 || process.starts !== starts) continue
      this.#timeline.after(ms, () => {
        if (process.starts === starts) process.reach(told)
      })
    }
  }
}
