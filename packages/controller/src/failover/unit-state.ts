import type {
  Automation,
  Explanation,
  FailoverRun,
  RunKind,
  RunStep,
  SitePosition,
  SiteStandby,
  SiteVerdict,
  StepRecord,
  Versioned,
  WriteLease,
} from '@budao/model'
import type { LeaseSighting } from '@budao/resilience'
import type { UnitEffect } from './unit-effect.ts'
import type { UnitRules } from './unit-rules.ts'

/** Everything a controller knows of one unit. A value: `stepUnit` makes the next one of it. */
export interface UnitState {
  readonly rules: UnitRules
  /** Undefined: not read yet. Null: the store has none. */
  readonly lease: Versioned<WriteLease> | null | undefined
  readonly run: Versioned<FailoverRun> | null | undefined
  readonly sighting: LeaseSighting | null
  /** When the last automatic run was seen to end, while it was watched; null: it had ended before. */
  readonly automaticSeenAt: number | null
  /** Monotonic moment of the last change of ownership seen. */
  readonly movedAt: number
  /** Monotonic moment at which a run was last seen under way. */
  readonly busyAt: number
  readonly verdicts: readonly SiteVerdict[]
  readonly verdictsAt: number
  readonly positions: readonly SitePosition[]
  readonly positionsAt: number
  readonly standbys: readonly SiteStandby[]
  /** Sites that were told to start and did not, and when that was seen: no targets for a while. */
  readonly failedStarts: Readonly<Record<string, number>>
  readonly drained: readonly string[]
  /** When this controller learnt of the unit first, monotonic; null before. */
  readonly bornAt: number | null
  /** When the gateway of each site was first heard of since then. */
  readonly heardAt: Readonly<Record<string, number>>
  /** Sites that have been well since then: see `noteSites`. */
  readonly seenWell: readonly string[]
  readonly automation: Automation
  /** The leadership of this controller, null while another one leads. */
  readonly term: number | null
  /** Since when it leads, and until when it may, monotonic. */
  readonly ledAt: number
  readonly leadsUntil: number
  /** The compare-and-set under way: one at a time. */
  readonly storing: string | null
  readonly stage: Stage | null
  /** The end of a run that was last recorded here. */
  readonly recordedEnd: string | null
  /** The last order to stop a standby that is not needed, and when it may be repeated. */
  readonly resting: { readonly stepId: string; readonly againAt: number } | null
  /** Steps that this leadership has begun of the run under way. */
  readonly steps: readonly StepRecord[]
  /** What it would do; the scheduler says when. */
  readonly wants: RunDraft | null
  readonly publishedEpoch: number
  /** The readers that were published with it. */
  readonly publishedReaders: string
  /** Why things are as they are. */
  readonly explanation: Explanation | null
  readonly stores: number
}

/** A step of the run under way, as this controller has carried it so far. */
export interface Stage {
  readonly step: RunStep
  readonly epoch: number
  /** The site it is about, where it may be about several in turn. */
  readonly site: string | null
  readonly beganAt: number
  /** When the order of this step was sent last; null: not yet, or its answer asks for another attempt. */
  readonly sentAt: number | null
  /** The site it was sent to. */
  readonly sentTo: string | null
  /** Not to be sent again before. */
  readonly againAt: number
  readonly stopped: boolean
  /** Position of the last write of the old site, once it said so. */
  readonly position: number | null
  /** The site whose data is at its last consistent position, null before. */
  readonly restored: string | null
  /** When the site’s agent said that it has begun to start what is cold. */
  readonly startedAt: number | null
  /** Why the last order was refused; empty: it was not. */
  readonly refusal: string
}

/** A run before it is stored. */
export interface RunDraft {
  readonly kind: RunKind
  readonly to: string
  readonly by: string
  readonly reason: string
  readonly verdict: SiteVerdict | null
  /** The wish it answers, null where it is automatic. */
  readonly wish: string | null
  /** A person wants it, and has seen what happened before. */
  readonly person: boolean
}

/** What a step made: the next state, and what is to be done. */
export interface UnitStep {
  readonly state: UnitState
  readonly effects: readonly UnitEffect[]
}

/** A unit of which nothing is known yet. */
export function unknownUnit(rules: UnitRules): UnitState {
  return {
    rules,
    lease: undefined,
    run: undefined,
    sighting: null,
    automaticSeenAt: null,
    movedAt: -Infinity,
    busyAt: -Infinity,
    verdicts: [],
    verdictsAt: 0,
    positions: [],
    positionsAt: 0,
    standbys: [],
    failedStarts: {},
    drained: [],
    bornAt: null,
    heardAt: {},
    seenWell: [],
    automation: rules.automation,
    term: null,
    ledAt: 0,
    leadsUntil: 0,
    storing: null,
    stage: null,
    recordedEnd: null,
    resting: null,
    steps: [],
    wants: null,
    publishedEpoch: 0,
    publishedReaders: '',
    explanation: null,
    stores: 0,
  }
}

/** The verdict on a site, `unknown` where there is none. */
export function stateOf({ verdicts }: UnitState, site: string): SiteVerdict['state'] {
  return verdicts.find((verdict) => verdict.site === site)?.state ?? 'unknown'
}
