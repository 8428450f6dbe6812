import type { ProcessHealthConfig } from '@budao/model'
import { probeHealth } from './health-probe.ts'
import type { ProbeSurroundings } from './health-probe.ts'

/** An answer that comes so much later than its timeout says that this process was stopped, and nothing of the other one. */
const ownDelayMs = 250
/** Who is awaited is asked more often. */
const eagerMs = 100

/** Asks one process again and again, one question at a time. */
export class HealthLoop {
  readonly #tell: (problem: string) => void
  #asked: Asked | null = null
  #timer: NodeJS.Timeout | undefined
  /** Counts the loops: an answer to a question of an earlier one is nobody’s. */
  #round = 0

  constructor(tell: (problem: string) => void) {
    this.#tell = tell
  }

  /** Goes on asking, or begins to. */
  run(config: ProcessHealthConfig, address: string, surroundings: ProbeSurroundings, eager: boolean): void {
    const before = this.#asked
    this.#asked = { config, address, surroundings, eager }
    if (before !== null && before.surroundings === surroundings && before.config === config) return
    this.stop()
    this.#asked = { config, address, surroundings, eager }
    void this.#ask(++this.#round)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#asked = null
    this.#round++
  }

  async #ask(round: number): Promise<void> {
    const { config, address, surroundings } = this.#asked!
    const at = performance.now()
    const problem = await probeHealth(config, address, surroundings)
    if (round !== this.#round) return
    const tookMs = performance.now() - at
    if (problem === '' || tookMs < config.timeout + ownDelayMs) this.#tell(problem)
    if (round !== this.#round || this.#asked === null) return
    const everyMs = this.#asked.eager ? Math.min(eagerMs, config.interval) : config.interval
    this.#timer = setTimeout(() => void this.#ask(round), Math.max(0, everyMs - tookMs))
  }
}

interface Asked {
  readonly config: ProcessHealthConfig
  readonly address: string
  readonly surroundings: ProbeSurroundings
  readonly eager: boolean
}
