import type { RolloutAction, RolloutPhase, RolloutStepConfig } from '@budao/model'
import {
  judgeAnalyses,
  judgeRollout,
  noEvidence,
  notMeasured,
  takeLook,
  takeMeasurement,
  takeStep,
  type AnalysisState,
  type Measured,
} from '@budao/resilience'
import { cutOf, lookAt, merged } from './rollout-look.ts'
import type { GatewayCounts, RolloutNotice, RolloutRules, RolloutState } from './rollout-state.ts'
import { startRefusal, wayBackRefusal } from './schema-guard.ts'
import { withGuards } from './verdict-guards.ts'
import { evidenceText, holdText } from './verdict-text.ts'

/**
 * look     the holder has the counts of all gateways, and goes on with what they say
 * wish     a person wants something
 * take     another one looks after it from now on
 */
export type RolloutEvent =
  | {
      readonly kind: 'look'
      readonly counts: GatewayCounts
      /** Of those gateways the ones that are not heard of any more. */
      readonly silent?: readonly string[]
      /** Answers that analyses had since the look before. */
      readonly measured?: Readonly<Record<string, Measured>>
    }
  | {
      readonly kind: 'wish'
      readonly action: RolloutAction
      readonly by: string
      readonly reason: string
      readonly force?: boolean
      /** How the rollout stands that this one comes after; null: it was never started, or there is none. */
      readonly after?: RolloutPhase | null
    }
  | { readonly kind: 'take' }

export interface RolloutMoment {
  /** Milliseconds since 1970: a rollout outlives its processes. */
  readonly wall: number
  /** Who decides: a node with the start of its process. */
  readonly self: string
}

/** What is to be stored, and told once it is; or why nothing is done. */
export type RolloutOutcome =
  | { readonly ok: true; readonly state: RolloutState; readonly notices: readonly RolloutNotice[] }
  | { readonly ok: false; readonly why: string }

const WHOLE = 10_000

/** One transition. Pure: the caller stores the state if nobody else was faster, and tells the notices then. */
export function stepRollout(
  state: RolloutState | null,
  event: RolloutEvent,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  switch (event.kind) {
    case 'look':
      return state === null || !isUnderWay(state)
        ? refused('nothing is rolled out')
        : look(state, event, rules, moment)
    case 'wish':
      return wish(state, event, rules, moment)
    case 'take':
      if (state === null || !isUnderWay(state)) return refused('nothing is rolled out')
      return done({ ...state, holder: moment.self, epoch: state.epoch + 1, beat: state.beat + 1 })
  }
}

/** Whether somebody has to look after it. */
export function isUnderWay({ phase }: RolloutState): boolean {
  return phase === 'running' || phase === 'paused'
}

function look(
  before: RolloutState,
  { counts, silent = [], measured = {} }: Extract<RolloutEvent, { kind: 'look' }>,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  const mirrored = isMirroring(before)
  const { canary, stable, sites, lost, away, crashes } = lookAt(
    before.counted,
    counts,
    before.cut,
    mirrored,
    silent,
  )
  const evidence = takeLook(before.evidence, canary, stable, sites, lost)
  // The time in which its site was away is not its own.
  const awaySince = away === 'release' ? (before.awaySince ?? moment.wall) : null
  const step = rules.steps[Math.min(before.step, rules.steps.length - 1)]!
  const analysis = taken(before.analysis, measured, rules, moment.wall)
  const judged = judgeRollout(evidence, {
    falseAborts: rules.falseAbortsPercent / 100,
    requestsMin: hasTraffic(step) ? step.requests : 0,
    stableErrorsMax,
  })
  const asked = judgeAnalyses(analysis, rules.analysis, moment.wall)
  const why = asked.kind === 'pass' ? '' : asked.why
  const verdict = withGuards(judged, {
    alone:
      before.basisPoints === WHOLE
        ? { canary, stable: evidence.stable, sites: Object.values(sites).map((each) => each.canary) }
        : null,
    away: away === null ? null : { what: away, forMs: moment.wall - (awaySince ?? moment.wall) },
    crashes,
    asked,
  })
  const state: RolloutState = {
    ...before,
    beat: before.beat + 1,
    evidence,
    verdict,
    analysis,
    awaySince,
    counted: merged(before.counted, counts),
    cut: before.cut ?? cutOf(counts, mirrored),
  }
  if (verdict.kind === 'abort') return goBack(state, evidenceText(verdict, why), rules, moment)
  if (state.phase === 'paused' || moment.wall - state.stepAt < step.for) return done(state)
  if (verdict.kind === 'hold') return holds(before, state, holdText(verdict, why))
  if (step.pause) {
    const passed = `step ${state.step + 1} of ${rules.steps.length} is passed: it waits for a person`
    return told(changed(state, { phase: 'paused', why: passed, by: 'verdict' }), 'paused', passed)
  }
  return goOn(state, rules, moment, 'verdict', `step ${state.step + 1} of ${rules.steps.length} is passed`)
}

/** Users have it, or requests are shown to it: there is something to wait for. */
function hasTraffic({ basisPoints, mirrorBasisPoints }: RolloutStepConfig): boolean {
  return basisPoints > 0 || mirrorBasisPoints > 0
}

function isMirroring({ basisPoints, mirrorBasisPoints }: RolloutState): boolean {
  return basisPoints === 0 && mirrorBasisPoints > 0
}

/** What is no longer asked is forgotten. */
function taken(
  before: RolloutState['analysis'],
  measured: Readonly<Record<string, Measured>>,
  rules: RolloutRules,
  wall: number,
): Record<string, AnalysisState> {
  const states: Record<string, AnalysisState> = {}
  for (const [name, rule] of Object.entries(rules.analysis)) {
    const state = before[name] ?? notMeasured
    const answer = measured[name]
    states[name] = answer === undefined ? state : takeMeasurement(state, answer, rule, wall)
  }
  return states
}

/** A bad release goes back; or, where the one before it could not read the data, stays and a person is told at once. */
function goBack(
  state: RolloutState,
  evidence: string,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  if (wayBackRefusal(rules.schema) === null)
    return told(end(state, 'aborted', 0, 'verdict', evidence, moment), 'aborted', `sent back: ${evidence}`)
  if (state.blocked) return done(state)
  const why = `bad, and not sent back, since ${rules.schema!.change} cannot be taken back: a person decides. ${evidence}`
  return told(changed(state, { phase: 'paused', blocked: true, why, by: 'verdict' }), 'blocked', why)
}

/** Stable itself fails more: nothing is given to anybody. */
const stableErrorsMax = 0.05

/** Time is over and the verdict is not there: said once. */
function holds(before: RolloutState, state: RolloutState, why: string): RolloutOutcome {
  if (before.why === why) return done(state)
  return told(changed(state, { why }), 'held', why)
}

function goOn(
  state: RolloutState,
  rules: RolloutRules,
  moment: RolloutMoment,
  by: string,
  why: string,
  to: number = state.step + 1,
): RolloutOutcome {
  const next = rules.steps[to]
  if (next === undefined)
    return told(end(state, 'promoted', WHOLE, by, `${why}: it has everything`, moment), 'promoted', why)
  const message = `${why}: ${shareText(next)} from now on`
  const at = changed(state, {
    phase: 'running',
    step: to,
    basisPoints: next.basisPoints,
    mirrorBasisPoints: next.mirrorBasisPoints,
    stepAt: moment.wall,
    // Copies are no users: what they showed was for that step.
    ...(isMirroring(state) ? { evidence: noEvidence, cut: null } : { evidence: takeStep(state.evidence) }),
    analysis: {},
    blocked: false,
    by,
    why: message,
  })
  return told(at, 'step', message)
}

function shareText({ basisPoints, mirrorBasisPoints }: RolloutStepConfig): string {
  if (basisPoints > 0) return `${basisPoints / 100} %`
  return mirrorBasisPoints > 0 ? `copies of ${mirrorBasisPoints / 100} % of the requests` : 'nobody'
}

function wish(
  state: RolloutState | null,
  { action, by, reason, force = false, after = null }: Extract<RolloutEvent, { kind: 'wish' }>,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  const said = reason === '' ? '' : `: ${reason}`
  const begun = state !== null && isUnderWay(state)
  switch (action) {
    case 'start':
      if (begun) return refused(`it is ${state.phase} already, at step ${state.step + 1}`)
      // What was found to be bad is not tried again by accident.
      if (state?.phase === 'aborted')
        return refused(`it was sent back (${state.why}): retry, once the release is another`)
      if (state?.phase === 'promoted' && wayBackRefusal(rules.schema) !== null)
        return refused(`it has everything: a smaller share is a way back. ${wayBackRefusal(rules.schema)}`)
      if (startRefusal(rules.schema, after) !== null) return refused(startRefusal(rules.schema, after)!)
      return begin(state, rules, moment, by, `started by ${by}${said}`)
    case 'retry':
      if (state?.phase !== 'aborted') return refused('only what was sent back is tried again: start')
      if (startRefusal(rules.schema, after) !== null) return refused(startRefusal(rules.schema, after)!)
      return begin(state, rules, moment, by, `tried again by ${by}${said}`)
    case 'pause':
      if (state?.phase !== 'running') return refused(`only what runs is paused: it is ${phaseOf(state)}`)
      return told(
        changed(state, { phase: 'paused', by, why: `paused by ${by}${said}` }),
        'paused',
        `paused by ${by}${said}`,
      )
    case 'resume': {
      if (state?.phase !== 'paused') return refused(`only what is paused goes on: it is ${phaseOf(state)}`)
      const step = rules.steps[state.step]
      const passed = state.verdict?.kind === 'pass' && moment.wall - state.stepAt >= (step?.for ?? 0)
      if (step?.pause === true && passed) return goOn(state, rules, moment, by, `resumed by ${by}${said}`)
      return told(
        changed(state, { phase: 'running', blocked: false, by, why: `resumed by ${by}${said}` }),
        'resumed',
        `resumed by ${by}${said}`,
      )
    }
    case 'promote':
      if (!begun) return refused(`only what is rolled out is promoted: it is ${phaseOf(state)}`)
      // What has everything at once is still looked at until its last step is passed.
      if (rules.strategy === 'blueGreen' && state.basisPoints < WHOLE)
        return goOn(state, rules, moment, by, `promoted by ${by}${said}`, bakeOf(rules))
      return told(
        end(state, 'promoted', WHOLE, by, `promoted by ${by}${said}`, moment),
        'promoted',
        `promoted by ${by}${said}`,
      )
    case 'abort':
      // Also after its end: the way back stays open.
      if (state === null || state.phase === 'aborted')
        return refused(`nothing to send back: it is ${phaseOf(state)}`)
      return sendBack(state, by, reason, force, rules, moment)
  }
}

/** The last step, where it gives everything; else there is none. */
function bakeOf({ steps }: RolloutRules): number {
  const last = steps.length - 1
  return steps[last]!.basisPoints === WHOLE ? last : steps.length
}

function sendBack(
  state: RolloutState,
  by: string,
  reason: string,
  force: boolean,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  const refusal = wayBackRefusal(rules.schema)
  if (refusal !== null && !force) return refused(refusal)
  if (force && reason === '') return refused('force needs a reason')
  const forced = refusal === null ? '' : ` by force, over the contract ${rules.schema!.change}`
  const why = `sent back by ${by}${forced}${reason === '' ? '' : `: ${reason}`}`
  return told(end(state, 'aborted', 0, by, why, moment), 'aborted', why)
}

function begin(
  before: RolloutState | null,
  rules: RolloutRules,
  { wall, self }: RolloutMoment,
  by: string,
  why: string,
): RolloutOutcome {
  const state: RolloutState = {
    phase: 'running',
    step: 0,
    basisPoints: rules.steps[0]!.basisPoints,
    mirrorBasisPoints: rules.steps[0]!.mirrorBasisPoints,
    analysis: {},
    blocked: false,
    startedAt: wall,
    stepAt: wall,
    generation: (before?.generation ?? 0) + 1,
    holder: self,
    epoch: (before?.epoch ?? 0) + 1,
    beat: (before?.beat ?? 0) + 1,
    by,
    why,
    evidence: noEvidence,
    verdict: null,
    awaySince: null,
    cut: null,
    counted: {},
  }
  return told(state, 'started', `${why}: ${shareText(rules.steps[0]!)} from now on`)
}

function end(
  state: RolloutState,
  phase: 'promoted' | 'aborted',
  basisPoints: number,
  by: string,
  why: string,
  { wall }: RolloutMoment,
): RolloutState {
  return changed(state, {
    phase,
    basisPoints,
    mirrorBasisPoints: 0,
    blocked: false,
    stepAt: wall,
    by,
    why,
  })
}

function changed(state: RolloutState, change: Partial<RolloutState>): RolloutState {
  return { ...state, ...change, generation: state.generation + 1, beat: state.beat + 1 }
}

function done(state: RolloutState): RolloutOutcome {
  return { ok: true, state, notices: [] }
}

function told(state: RolloutState, kind: RolloutNotice['kind'], message: string): RolloutOutcome {
  return { ok: true, state, notices: [{ kind, message }] }
}

function refused(why: string): RolloutOutcome {
  return { ok: false, why }
}

function phaseOf(state: RolloutState | null): string {
  return state?.phase ?? 'not started'
}
