import type { RolloutConfig } from '@budao/model'
import type { Measured } from '@budao/resilience'
import { askNumber, type Answer, type ReadSecret } from './ask-number.ts'
import type { RolloutState } from './rollout-state.ts'

/** What an analysis is answered with. */
export interface RolloutAnalysisOptions {
  readonly secret: ReadSecret
  /** A condition over logs, by its rollout and its name. */
  log(rollout: string, analysis: string, release: string): Answer
  wall(): number
}

interface Asked {
  readonly stepAt: number
  underWay: boolean
  askedAt: number
  answer: Measured | null
}

/** Asks, at the node that looks after a rollout, for the numbers it is judged by: each at its own pace, none twice at once. */
export class RolloutAnalysis {
  readonly #options: RolloutAnalysisOptions
  readonly #asked: Map<string, Asked> = new Map()

  constructor(options: RolloutAnalysisOptions) {
    this.#options = options
  }

  /** Asks for what is due, and gives what has been answered since. What was asked at another step is nobody’s answer. */
  turn(rollout: string, config: RolloutConfig, state: RolloutState): Record<string, Measured> {
    const answers: Record<string, Measured> = {}
    for (const [name, { interval }] of Object.entries(config.analysis)) {
      const key = `${rollout}/${name}`
      const wall = this.#options.wall()
      let asked = this.#asked.get(key)
      if (asked === undefined || asked.stepAt !== state.stepAt) {
        // Whoever takes over goes on from the last measurement, and a step is given time to show something.
        const askedAt = state.analysis[name]?.at ?? state.stepAt
        asked = { stepAt: state.stepAt, underWay: false, askedAt, answer: null }
        this.#asked.set(key, asked)
      }
      if (asked.answer !== null) answers[name] = asked.answer
      asked.answer = null
      if (!asked.underWay && wall - asked.askedAt >= interval) this.#ask(asked, rollout, name, config, state)
    }
    return answers
  }

  #ask(asked: Asked, rollout: string, name: string, config: RolloutConfig, { step }: RolloutState): void {
    const { secret, log, wall } = this.#options
    const { route, release, analysis } = config
    asked.underWay = true
    asked.askedAt = wall()
    const about = { rollout, route, release, step }
    void askNumber(name, analysis[name]!, about, secret, (each, of) => log(rollout, each, of)).then(
      (answer) => {
        asked.underWay = false
        asked.answer = answer
      },
    )
  }
}
