import type { SiteState, SlowEvidence, SuspicionCause } from './opinion.ts'

/**
 * One move of a unit from a site to another: the journal of it, kept under `runKey(unit)` and changed by
 * compare-and-set, so that the successor of a controller that died finishes it or takes it back, once.
 */
export interface FailoverRun {
  /** `unit@epoch` of the epoch that it ends, with `.n` for the n-th after ones that were given up before they ended it. */
  readonly id: string
  readonly unit: string
  readonly kind: RunKind
  readonly from: string
  readonly to: string
  /** The epoch that ends. */
  readonly epoch: number
  readonly step: RunStep
  /** Null while it is under way. */
  readonly outcome: RunOutcome | null
  /** Who asked for it: `automatic`, or a person’s name, with the reason given. */
  readonly by: string
  readonly reason: string
  /** What was known when it was decided. */
  readonly verdict: SiteVerdict | null
  /** The leadership that last moved it on. */
  readonly term: number
  /** How many runs there were for this epoch, this one included. */
  readonly attempt: number
  /** Milliseconds of acknowledged writes that may not have reached `to`; null while unknown. */
  readonly lossMs: number | null
  /** When the last automatic one of this unit ended, this or one before it: wall-clock, milliseconds; null: never. */
  readonly automaticAt: number | null
  /** A person has seen that one: the next automatic one need not wait. */
  readonly acknowledged: boolean
  /** Wall-clock, milliseconds since 1970, for people only. */
  readonly startedAt: number
  /** Milliseconds from the start when each step began, by the clock of whoever led. */
  readonly steps: readonly StepRecord[]
}

/** failover: unplanned. switchover: planned. failback: a switchover home. */
export type RunKind = 'failover' | 'switchover' | 'failback'

/**
 * starting: the processes of the new site are cold, and are being started; nothing is taken from the old one before.
 * fencing: nobody may renew the old epoch from here on.
 * draining: planned only: the old site has stopped writing, and the new one catches up.
 * waiting: until the old epoch has surely ended.
 * restoring: the data of the new site goes back to its last consistent position, where the provider can.
 * granting: the new epoch goes to the new site.
 * claiming: the new site is to take it.
 * publishing: all gateways are told.
 */
export const runSteps = [
  'starting',
  'fencing',
  'draining',
  'waiting',
  'restoring',
  'granting',
  'claiming',
  'publishing',
] as const

/** One of `runSteps`. */
export type RunStep = (typeof runSteps)[number]

/** done: it is at the new site. rolled-back: the old site has it again, with a new epoch where it was fenced. */
export type RunOutcome = 'done' | 'rolled-back'

/** When a step began. */
export interface StepRecord {
  readonly step: RunStep
  readonly atMs: number
}

/** The controllers’ common word on a site, with everything that made it. */
export interface SiteVerdict {
  readonly service: string
  readonly site: string
  /** down: enough observers say so. advise: it looks down, and too few may say so: a person decides. */
  readonly state: SiteState | 'advise' | 'unknown'
  /** Why it is that and not more. */
  readonly code: VerdictCode
  readonly votes: readonly Vote[]
  /** Enough observers find it slow, and what the slowest word of them is: its weight is shed. Absent: they do not. */
  readonly slow?: SlowEvidence
}

/**
 * quorum: observers of enough failure domains say so. hard: two sites without a witness, and the kernel there says so.
 * no-quorum: too few domains say so. vetoed: somebody was served there a moment ago. no-witness: only two sites, and
 * silence alone. nobody: no observer’s word is fresh. slow: it answers, and observers of enough domains find it slow.
 * agreed: nothing speaks against it.
 */
export type VerdictCode =
  | 'quorum'
  | 'hard'
  | 'no-quorum'
  | 'vetoed'
  | 'no-witness'
  | 'nobody'
  | 'slow'
  | 'agreed'

/** One observer’s part in a verdict. */
export interface Vote {
  readonly observer: string
  readonly domain: string
  readonly state: SiteState
  /** counted; or why not. */
  readonly use: 'counted' | 'abstained' | 'stale' | 'veto'
  readonly causes: readonly SuspicionCause[]
  /** Age of the word when it was used, milliseconds. */
  readonly ageMs: number
  /** Since it had the last answer, at that moment, milliseconds; null: never. */
  readonly silentMs: number | null
  /** Why it finds the site slow; absent: it does not. */
  readonly slow?: SlowEvidence
}

/** Where the run of a unit is kept: one a unit, the last one stays as history. */
export function runKey(unit: string): string {
  return `run/${unit}`
}
