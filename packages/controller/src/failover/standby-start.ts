import type { FailoverRun, SiteStandby, WriteLease } from '@budao/model'
import type { UnitDraft } from './unit-draft.ts'
import { unitTimes } from './unit-rules.ts'
import { stateOf } from './unit-state.ts'
import type { UnitState } from './unit-state.ts'

/** ready: the site is well. waits: it was told to start. failed: it did not start, and is no target for a while. */
export type StartVerdict = 'ready' | 'waits' | 'failed'

/** The processes at a site that are started only when the work goes there; undefined: there are none, or nobody says. */
export function standbyOf({ standbys }: UnitState, site: string): SiteStandby | undefined {
  return standbys.find((standby) => standby.site === site)
}

/** Observers find it well, slow or not. */
export function isWell(state: UnitState, site: string): boolean {
  const health = stateOf(state, site)
  return health === 'up' || health === 'degraded'
}

/**
 * A site that is not well because its processes were never started: an order may change that. One that was ready and is not needs
 * more, unless it is the one that is being started: observers find it well a moment after its agent does.
 */
export function isStartable(state: UnitState, site: string): boolean {
  const standby = standbyOf(state, site)?.state
  if (standby === 'warm' || standby === 'unwell') return isBeingStarted(state, site)
  return standby !== undefined
}

function isBeingStarted({ stage, run }: UnitState, site: string): boolean {
  if (stage !== null) return stage.step === 'starting' && stage.site === site
  // Who has just begun to lead finds it in the journal.
  return run?.value.outcome === null && run.value.step === 'starting' && run.value.to === site
}

/**
 * Has a cold site started, and waits until observers find it well, within its bound. The order is the same for every
 * leader of the run, and starting what runs already does nothing.
 */
export function bringUp(draft: UnitDraft, run: FailoverRun, to: string, epoch: number): StartVerdict {
  if (isWell(draft.state, to)) return 'ready'
  const { rules } = draft.state
  const { beganAt, startedAt, refusal } = draft.enter(run, 'starting', epoch, to)
  const standby = standbyOf(draft.state, to)
  const giveUpAt = beganAt + rules.startMs
  const silentAt = beganAt + unitTimes.startAnswer
  // What the agent told before it got the order is about an earlier attempt.
  const toldAt = startedAt === null ? Infinity : startedAt + unitTimes.startTold
  const why = failure()
  if (why !== null) {
    const { failedStarts } = draft.state
    draft.set({ failedStarts: { ...failedStarts, [to]: draft.now } })
    draft.audit('run.step', { run: run.id, step: 'starting', site: to, failed: why })
    draft.tell(`${run.id}/start/${to}`, true, 'standby-failed', `${to} cannot take ${run.unit}: ${why}`)
    return 'failed'
  }
  if (standby?.state === 'cold' && draft.now >= toldAt) draft.setStage({ sentAt: null, startedAt: draft.now })
  draft.order(run, 'start', to, epoch)
  draft.explain(
    'standby-starting',
    `${to} is being started for ${run.unit}: ${standby?.why || 'not well yet'}`,
  )
  draft.wakeAt(Math.min(giveUpAt, startedAt === null ? silentAt : giveUpAt))
  return 'waits'

  function failure(): string | null {
    if (startedAt === null && draft.now >= silentAt)
      return refusal === '' ? 'its agent does not answer' : `its agent refuses: ${refusal}`
    if (standby?.state === 'failed' && draft.now >= toldAt)
      return `its processes do not start: ${standby.why}`
    if (draft.now < giveUpAt) return null
    return `it was not well within ${rules.startMs / 1000} s of its start: ${standby?.why || 'its agent is silent'}`
  }
}

/** What a controller had started is stopped where it has not been needed for a while, and the owner is well. */
export function restStandbys(draft: UnitDraft, lease: WriteLease): void {
  const { state, now } = draft
  const { rules, standbys, run, resting } = state
  const idle = standbys.filter(
    ({ site, ordered, state: phase }) => ordered && phase !== 'cold' && site !== lease.site,
  )
  const rests = lease.state === 'held' && stateOf(state, lease.site) === 'up' && state.automation === 'on'
  const [first] = idle
  if (first === undefined || !rests) return
  const dueAt = Math.max(state.movedAt, state.busyAt, state.ledAt) + rules.stopAfterMs
  if (now < dueAt) {
    if (dueAt !== Infinity) draft.wakeAt(dueAt)
    return
  }
  const { site } = first
  const stepId = `${run?.value.id ?? rules.unit}/stop/${site}/${lease.epoch}`
  if (resting?.stepId === stepId && now < resting.againAt) return draft.wakeAt(resting.againAt)
  if (resting?.stepId !== stepId) draft.audit('standby.stopping', { site, owner: lease.site })
  const againAt = now + unitTimes.stopAgain
  draft.set({ resting: { stepId, againAt } })
  const order = { stepId, unit: rules.unit, epoch: lease.epoch, site, order: 'stop' } as const
  draft.do({ kind: 'order', order, timeoutMs: unitTimes.order })
  draft.wakeAt(againAt)
}
