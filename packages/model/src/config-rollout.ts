/** How a release comes to a route's users, step by step. */
export interface RolloutConfig {
  /** A route with `split`. */
  readonly route: string
  readonly release: string
  readonly steps: readonly RolloutStepConfig[]
  /** A gateway that hears nothing of the rollout for so long gives the release nothing any more. Default 10 000. */
  readonly lease: number
  /** How often, at most, a release as good as stable is sent back, percent. Default 1. */
  readonly falseAbortsPercent: number
}

/** All that is given must hold before the next step. */
export interface RolloutStepConfig {
  /** Of 10 000. */
  readonly basisPoints: number
  /** Least time at it. */
  readonly for: number
  /** Requests of the release that it needs. Default 200. */
  readonly requests: number
  /** A person goes on. Default false. */
  readonly pause: boolean
}
