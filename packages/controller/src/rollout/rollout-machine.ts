import type { RolloutAction } from '@budao/model'
import {
  failsAlone,
  judgeRollout,
  noEvidence,
  takeLook,
  takeStep,
  type RolloutVerdict,
} from '@budao/resilience'
import { cutOf, lookAt, merged } from './rollout-look.ts'
import type { GatewayCounts, RolloutNotice, RolloutRules, RolloutState } from './rollout-state.ts'

/**
 * look     the holder has the counts of all gateways, and goes on with what they say
 * wish     a person wants something
 * take     another one looks after it from now on
 */
export type RolloutEvent =
  | { readonly kind: 'look'; readonly counts: GatewayCounts }
  | { readonly kind: 'wish'; readonly action: RolloutAction; readonly by: string; readonly reason: string }
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
        : look(state, event.counts, rules, moment)
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
  counts: GatewayCounts,
  rules: RolloutRules,
  moment: RolloutMoment,
): RolloutOutcome {
  const { canary, stable, unusable } = lookAt(before.counted, counts, before.cut)
  const evidence = takeLook(before.evidence, canary, stable, unusable)
  const step = rules.steps[Math.min(before.step, rules.steps.length - 1)]!
  const judged = judgeRollout(evidence, {
    falseAborts: rules.falseAbortsPercent / 100,
    requestsMin: step.requests,
    stableErrorsMax,
  })
  const alone = before.basisPoints === WHOLE && failsAlone(canary, evidence.stable)
  const verdict: RolloutVerdict =
    alone && judged.kind !== 'abort' ? { kind: 'abort', cause: 'alone', numbers: judged.numbers } : judged
  const state: RolloutState = {
    ...before,
    beat: before.beat + 1,
    evidence,
    verdict,
    counted: merged(before.counted, counts),
    cut: before.cut ?? cutOf(counts),
  }
  if (verdict.kind === 'abort')
    return told(
      end(state, 'aborted', 0, 'verdict', evidenceText(verdict), moment),
      'aborted',
      `sent back: ${evidenceText(verdict)}`,
    )
  if (state.phase === 'paused' || moment.wall - state.stepAt < step.for) return done(state)
  if (verdict.kind === 'hold') return holds(before, state, verdict)
  if (step.pause) {
    const why = `step ${state.step + 1} of ${rules.steps.length} is passed: it waits for a person`
    return told(changed(state, { phase: 'paused', why, by: 'verdict' }), 'paused', why)
  }
  return goOn(state, rules, moment, 'verdict', `step ${state.step + 1} of ${rules.steps.length} is passed`)
}

/** Stable itself fails more: nothing is given to anybody. */
const stableErrorsMax = 0.05

/** Time is over and the verdict is not there: said once. */
function holds(
  before: RolloutState,
  state: RolloutState,
  verdict: Extract<RolloutVerdict, { kind: 'hold' }>,
): RolloutOutcome {
  const why = holdText(verdict)
  if (before.why === why) return done(state)
  return told(changed(state, { why }), 'held', why)
}

function goOn(
  state: RolloutState,
  rules: RolloutRules,
  moment: RolloutMoment,
  by: string,
  why: string,
): RolloutOutcome {
  const next = rules.steps[state.step + 1]
  if (next === undefined)
    return told(end(state, 'promoted', WHOLE, by, `${why}: it has everything`, moment), 'promoted', why)
  const message = `${why}: ${next.basisPoints / 100} % from now on`
  const to = changed(state, {
    phase: 'running',
    step: state.step + 1,
    basisPoints: next.basisPoints,
    stepAt: moment.wall,
    evidence: takeStep(state.evidence),
    by,
    why: message,
  })
  return told(to, 'step', message)
}

function wish(
  state: RolloutState | null,
  { action, by, reason }: Extract<RolloutEvent, { kind: 'wish' }>,
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
      return begin(state, rules, moment, by, `started by ${by}${said}`)
    case 'retry':
      if (state?.phase !== 'aborted') return refused('only what was sent back is tried again: start')
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
        changed(state, { phase: 'running', by, why: `resumed by ${by}${said}` }),
        'resumed',
        `resumed by ${by}${said}`,
      )
    }
    case 'promote':
      if (!begun) return refused(`only what is rolled out is promoted: it is ${phaseOf(state)}`)
      return told(
        end(state, 'promoted', WHOLE, by, `promoted by ${by}${said}`, moment),
        'promoted',
        `promoted by ${by}${said}`,
      )
    case 'abort':
      // Also after its end: the way back stays open.
      if (state === null || state.phase === 'aborted')
        return refused(`nothing to send back: it is ${phaseOf(state)}`)
      return told(
        end(state, 'aborted', 0, by, `sent back by ${by}${said}`, moment),
        'aborted',
        `sent back by ${by}${said}`,
      )
  }
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
    cut: null,
    counted: {},
  }
  return told(state, 'started', `${why}: ${state.basisPoints / 100} % from now on`)
}

function end(
  state: RolloutState,
  phase: 'promoted' | 'aborted',
  basisPoints: number,
  by: string,
  why: string,
  { wall }: RolloutMoment,
): RolloutState {
  return changed(state, { phase, basisPoints, stepAt: wall, by, why })
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

function evidenceText({ cause, numbers }: Extract<RolloutVerdict, { kind: 'abort' }>): string {
  const { canaryErrors, canaryRequests, stableErrors, stableRequests } = numbers
  const failures = `${canaryErrors} of its ${canaryRequests} requests failed, ${stableErrors} of ${stableRequests} at stable`
  switch (cause) {
    case 'errors':
      return `${failures}; ${numbers.errorEvidence} times likelier if it is worse, ${numbers.errorEvidenceMax} suffices`
    case 'latency':
      return `${numbers.canarySlow} of its ${canaryRequests} answers were slow, ${numbers.stableSlow} of ${stableRequests} at stable; ${numbers.latencyEvidence} times likelier if it is slower, ${numbers.latencyEvidenceMax} suffices`
    case 'first-requests':
      return `${failures}: most of its first ones`
    case 'unusable':
      return 'none of its endpoints could be asked'
    case 'alone':
      return `with all requests it fails as stable never did: ${failures}`
  }
}

function holdText({ cause }: Extract<RolloutVerdict, { kind: 'hold' }>): string {
  switch (cause) {
    case 'too-little-data':
      return 'it waits: too few requests at this step for a verdict'
    case 'stable-ill':
      return 'it waits: stable itself fails too much'
    case 'suspicious':
      return 'it waits: what was seen is more than ten times likelier if it is worse'
  }
}
