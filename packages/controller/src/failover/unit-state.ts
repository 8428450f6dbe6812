import type {
  Automation,
  Explanation,
  FailoverRun,
  RunKind,
  RunStep,
  SitePosition,
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
  readonly verdicts: readonly SiteVerdict[]
  readonly verdictsAt: number
  readonly positions: readonly SitePosition[]
  readonly positionsAt: number
  readonly drained: readonly string[]
  readonly automation: Automation
  /** The leadership of this controller, null while another one leads. */
  readonly term: number | null
  /** Since when it leads, and until when it may, monotonic. */
  readonly ledAt: number
  readonly leadsUntil: number
  /** The compare-and-set under way: one at a time. */
  readonly storing: string | null
  readonly stage: Stage | null
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
    verdicts: [],
    verdictsAt: 0,
    positions: [],
    positionsAt: 0,
    drained: [],
    automation: rules.automation,
    term: null,
    ledAt: 0,
    leadsUntil: 0,
    storing: null,
    stage: null,
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
