import {
  rolloutSteps,
  type RolloutConfig,
  type RolloutPhase,
  type RolloutStepConfig,
  type RolloutStrategy,
  type RouteReleaseCounts,
  type SchemaChangeConfig,
} from '@budao/model'
import {
  noEvidence,
  type AnalysisRules,
  type AnalysisState,
  type RolloutEvidence,
  type RolloutVerdict,
} from '@budao/resilience'

/** A rollout as it stands in the store: all that the next holder has to know. Plain JSON. */
export interface RolloutState {
  readonly phase: RolloutPhase
  readonly step: number
  /** What the release gets, of 10 000. */
  readonly basisPoints: number
  /** Of 10 000 requests to stable so many are shown to it. */
  readonly mirrorBasisPoints: number
  /** What its analyses have found at this step, by name. */
  readonly analysis: Readonly<Record<string, AnalysisState>>
  /** It would have been sent back, and cannot be. */
  readonly blocked: boolean
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly stepAt: number
  /** Rises with every change that people see. */
  readonly generation: number
  /** Who looks after it, and since which takeover. */
  readonly holder: string
  readonly epoch: number
  /** Rises while the holder looks after it: gateways renew their leases by it. */
  readonly beat: number
  readonly by: string
  readonly why: string
  readonly evidence: RolloutEvidence
  readonly verdict: RolloutVerdict | null
  /** Since when no gateway could ask any of its endpoints, milliseconds since 1970, and it may be the release’s fault; null: some can. */
  readonly awaySince: number | null
  /** Bucket of latencies above which an answer is slow; null before enough of stable was seen. Frozen then. */
  readonly cut: number | null
  /** What every gateway had counted at the last look, by node and start of its process. */
  readonly counted: Readonly<Record<string, RouteReleaseCounts>>
}

/** What a gateway has told of its counts, by node and start of its process. */
export type GatewayCounts = Readonly<Record<string, RouteReleaseCounts>>

/** What people are told. */
export interface RolloutNotice {
  readonly kind: 'started' | 'step' | 'paused' | 'resumed' | 'held' | 'blocked' | 'aborted' | 'promoted'
  readonly message: string
}

/** Of a rollout’s configuration what its rules go by. */
export interface RolloutRules {
  readonly strategy: RolloutStrategy
  readonly steps: readonly RolloutStepConfig[]
  readonly analysis: Readonly<Record<string, AnalysisRules>>
  readonly schema?: SchemaChangeConfig
  readonly falseAbortsPercent: number
}

export function rulesOf(config: RolloutConfig): RolloutRules {
  return { ...config, steps: rolloutSteps(config) }
}

/** A record as it stands in the store, perhaps written by a version that knew less. */
export function readState(stored: RolloutState): RolloutState {
  return { ...absent, ...stored, evidence: { ...noEvidence, ...stored.evidence } }
}

const absent = { mirrorBasisPoints: 0, analysis: {}, blocked: false, awaySince: null } as const
