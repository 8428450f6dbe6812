import type { RolloutStrategy, SchemaChangeConfig } from './config-rollout.ts'

/**
 * running   at a step: it goes on by itself
 * paused    at a step, and stays there until a person says so; a bad release goes back all the same
 * promoted  the release has everything
 * aborted   it has nothing
 */
export type RolloutPhase = 'running' | 'paused' | 'promoted' | 'aborted'

/** What one analysis has found at this step. */
export interface AnalysisReport {
  readonly name: string
  /**
   * none     not asked yet
   * within   as it should be
   * outside  not as it should be
   * silent   no answer, or none that is a number
   */
  readonly outcome: 'none' | 'within' | 'outside' | 'silent'
  readonly value: number | null
  /** The same of stable, where it is compared. */
  readonly stable: number | null
  /** Measurements of this step that were outside, and how many may be. */
  readonly failures: number
  readonly failuresMax: number
  /** ISO 8601; null before the first. */
  readonly at: string | null
  readonly why: string
}

/** A rollout as it stands. */
export interface RolloutReport {
  readonly name: string
  readonly route: string
  readonly release: string
  /** Null before it was started for the first time. */
  readonly phase: RolloutPhase | null
  /** Index of the step, and how many there are. */
  readonly step: number
  readonly steps: number
  /** What the release has now, of 10 000, as this node was told. */
  readonly basisPoints: number
  /** Of 10 000 requests to stable so many are shown to the release. */
  readonly mirrorBasisPoints: number
  readonly strategy: RolloutStrategy
  /** What it does to data; null: nothing that was declared. */
  readonly schema: SchemaChangeConfig | null
  readonly analysis: readonly AnalysisReport[]
  /** It would have been sent back, and cannot be: a person decides. */
  readonly blocked: boolean
  /** ISO 8601; null before it was started. */
  readonly startedAt: string | null
  /** When the step, or the end, began. */
  readonly stepAt: string | null
  /** Rises with every change of it. */
  readonly generation: number
  /** Who looks after it; null while nobody does. */
  readonly holder: string | null
  readonly by: string
  /** Why it is as it is, in one sentence. */
  readonly why: string
  /** The last verdict with its numbers; null before the first look. */
  readonly verdict: RolloutVerdictReport | null
}

export interface RolloutVerdictReport {
  readonly kind: 'abort' | 'hold' | 'pass'
  /** Empty for `pass`. */
  readonly cause: string
  readonly numbers: Readonly<Record<string, number>>
}

/** What a person wants of a rollout. */
export const rolloutActions = ['start', 'pause', 'resume', 'promote', 'abort', 'retry'] as const

/** One of `rolloutActions`. */
export type RolloutAction = (typeof rolloutActions)[number]

export interface RolloutWish {
  readonly name: string
  readonly action: RolloutAction
  readonly by: string
  /** Empty where none was given. */
  readonly reason: string
  /** With `abort`: also where data cannot be read by the release before any more. Needs a reason. */
  readonly force?: boolean
}

/** `why` says what was done, or what speaks against it. */
export type RolloutResult =
  | { readonly ok: true; readonly rollout: RolloutReport }
  | { readonly ok: false; readonly why: string }

/** What people and programs ask of rollouts. */
export interface RolloutDesk {
  reports(): readonly RolloutReport[]
  /** Only for rollouts that `reports()` names. */
  wish(wish: RolloutWish): Promise<RolloutResult>
}

/** What one gateway has counted of a route's releases since its process began. */
export interface ReleaseCount {
  readonly requests: number
  readonly errors: number
  /** Those with an answer, by bounds that all gateways share. */
  readonly latencies: readonly number[]
}

/** What both did at one site. */
export interface SiteReleaseCounts {
  readonly release: ReleaseCount
  readonly stable: ReleaseCount
  /** None of stable’s endpoints there can be asked. */
  readonly lost: boolean
}

export interface RouteReleaseCounts {
  readonly release: ReleaseCount
  readonly stable: ReleaseCount
  /**
   * The same by site, of sites at which both have endpoints; absent where there is but one site. What happens to a site happens to
   * both there, however their endpoints are spread over sites.
   */
  readonly sites?: Readonly<Record<string, SiteReleaseCounts>>
  /** None of the release's endpoints can be asked. */
  readonly unusable: boolean
  /** And none of stable’s at the sites where those are: that is no matter of the release. */
  readonly lost?: boolean
  /** What the release and stable did with the requests that both were shown. */
  readonly mirrored?: { readonly release: ReleaseCount; readonly stable: ReleaseCount }
  /** How often the endpoint, or process, of each that began anew most often has done so within five minutes, unasked. */
  readonly crashes?: { readonly release: number; readonly stable: number }
}
