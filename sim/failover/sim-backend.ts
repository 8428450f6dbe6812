import type { Timeline } from '../timeline.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './sim-process.ts'

/** The process of a site that serves: it answers beats and probes by the loop that works, and applies writes. */
export class SimBackend {
  readonly process: SimProcess
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #watchers: { process: SimProcess; starts: number; told: () => void }[] = []

  constructor(process: SimProcess, timeline: Timeline, network: Network) {
    this.process = process
    this.#timeline = timeline
    this.#network = network
  }

  /** Who has a heartbeat’s connection to it is told by the kernel when it breaks. */
  onGone(process: SimProcess, told: () => void): void {
    this.#watchers.push({ process, starts: process.starts, told })
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
