import type { SecretConfig } from './config-serve.ts'

/** How a release comes to a route's users, step by step. */
export interface RolloutConfig {
  /** A route with `split`. */
  readonly route: string
  readonly release: string
  readonly strategy: RolloutStrategy
  /** Absent: those of the strategy, by `rolloutSteps`. */
  readonly steps?: readonly RolloutStepConfig[]
  /** What else is asked about the release, by name. */
  readonly analysis: Readonly<Record<string, AnalysisConfig>>
  /** Absent: data is read and written by both releases as before. */
  readonly schema?: SchemaChangeConfig
  /** A gateway that hears nothing of the rollout for so long gives the release nothing any more. Default 10 000. */
  readonly lease: number
  /** How often, at most, a release as good as stable is sent back, percent. Default 1. */
  readonly falseAbortsPercent: number
}

/**
 * steps      the share rises step by step
 * blueGreen  the release has nothing until a person promotes it, and everything then
 */
export const rolloutStrategies = ['steps', 'blueGreen'] as const

/** One of `rolloutStrategies`. */
export type RolloutStrategy = (typeof rolloutStrategies)[number]

/** All that is given must hold before the next step. */
export interface RolloutStepConfig {
  /** Of 10 000. Default 0: only copies, or only those whom an override sends there. */
  readonly basisPoints: number
  /** Of 10 000 requests to stable so many are shown to the release too, whose answers nobody gets. Default 0. */
  readonly mirrorBasisPoints: number
  /** Least time at it. */
  readonly for: number
  /** Requests of the release that it needs. Default 200. */
  readonly requests: number
  /** A person goes on. Default false. */
  readonly pause: boolean
}

/** A number that must be within limits: who is asked for it, and how often. Exactly one of the first three. */
export interface AnalysisConfig {
  readonly prometheus?: { readonly url: string; readonly query: string; readonly token?: SecretConfig }
  readonly webhook?: { readonly url: string; readonly token?: SecretConfig }
  /** A condition of alerts over logs, that must not hold. */
  readonly log?: string
  readonly min?: number
  readonly max?: number
  /** What it is of the same number of stable. */
  readonly ofStable?: { readonly min?: number; readonly max?: number }
  /** Default 60 000. */
  readonly interval: number
  /** Default 5 000. */
  readonly timeout: number
  /** Measurements of one step that may be outside. Default 0. */
  readonly failures: number
}

/**
 * expand    the release adds what releases before it do not mind
 * migrate   it writes the old way and the new one
 * contract  it takes away what releases before it need: there is no way back
 */
export const schemaPhases = ['expand', 'migrate', 'contract'] as const

/** One of `schemaPhases`. */
export type SchemaPhase = (typeof schemaPhases)[number]

/** What a release does to data that the one before it reads and writes. */
export interface SchemaChangeConfig {
  readonly phase: SchemaPhase
  /** What it is, for people. */
  readonly change: string
  /** The rollout whose release must have everything before this one starts. Needed to contract. */
  readonly after?: string
}

const minute = 60_000

const presets: Readonly<Record<RolloutStrategy, readonly RolloutStepConfig[]>> = {
  steps: [
    [100, 2],
    [500, 5],
    [2_000, 10],
    [5_000, 10],
    [10_000, 10],
  ].map(([basisPoints, minutes]) => step(basisPoints!, minutes!)),
  blueGreen: [{ ...step(0, 0), requests: 0, pause: true }, step(10_000, 10)],
}

/** The steps of a rollout: its own, or those of its strategy. */
export function rolloutSteps({
  steps,
  strategy,
}: Pick<RolloutConfig, 'steps' | 'strategy'>): readonly RolloutStepConfig[] {
  return steps ?? presets[strategy]
}

function step(basisPoints: number, minutes: number): RolloutStepConfig {
  return { basisPoints, mirrorBasisPoints: 0, for: minutes * minute, requests: 200, pause: false }
}
