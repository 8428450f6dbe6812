import type { FailoverRun, Versioned, WriteLease } from '@budao/model'
import { fencedLease, grantedLease, leaseKey, runKey } from '@budao/model'
import { surelyEndedAt } from '@budao/resilience'
import { bringUp, isWell } from './standby-start.ts'
import { chooseTarget } from './target-choice.ts'
import type { UnitDraft } from './unit-draft.ts'
import { publishId } from './unit-publish.ts'
import { unitTimes } from './unit-rules.ts'
import { stateOf } from './unit-state.ts'
import { surelyGone } from './verdict.ts'

/**
 * Carries the run under way one step on. Where it stands is read off the lease, never remembered: the epoch that is to
 * end is still held, or fenced, or there is a next one, granted or held.
 */
export function moveOn(
  draft: UnitDraft,
  { version, value: run }: Versioned<FailoverRun>,
  term: number,
): void {
  const { lease, rules } = draft.state
  if (run.term !== term) {
    // Takes the run over; a leader of before finds the journal changed under it, and stops.
    draft.store(runKey(rules.unit), version, { ...run, term })
    return
  }
  if (lease === null || lease === undefined) return
  const { epoch, state } = lease.value
  if (epoch <= run.epoch && state !== 'fenced') fence(draft, run, lease)
  else if (state === 'fenced') cede(draft, run, lease)
  else if (state === 'granted') claim(draft, run, lease)
  else conclude(draft, run, version, lease.value)
}

/** The old epoch is still held: from the moment this is stored nobody can renew it. */
function fence(draft: UnitDraft, run: FailoverRun, lease: Versioned<WriteLease>): void {
  const why = needless(draft, run)
  if (why !== null) {
    draft.enter(run, 'fencing', lease.value.epoch)
    draft.explain('owner-came-back', `${run.from} keeps ${run.unit}: ${why}`)
    finish(draft, run, 'rolled-back')
    return
  }
  // While a cold site starts nothing is taken from the old one: it may come back first.
  const { epoch } = lease.value
  if (run.kind === 'failover') {
    const to = readySite(draft, run, epoch)
    if (to === undefined) return
    if (to === null && Object.keys(draft.state.failedStarts).length > 0)
      return finish(draft, run, 'rolled-back')
  } else if (bringUp(draft, run, run.to, epoch) !== 'ready') return
  draft.enter(run, 'fencing', epoch)
  draft.store(leaseKey(run.unit), lease.version, fencedLease(lease.value))
}

/** Nothing has been done yet, and need not be any more. */
function needless(draft: UnitDraft, run: FailoverRun): string | null {
  if (run.kind === 'failover') return cameBack(draft, run) ? 'it is well again' : null
  const why = chooseTarget(draft.state, run.from, { forced: true }).refused[run.to]
  if (why === undefined) return null
  return why === 'start-failed' ? `${run.to} could not be started` : `${run.to} is not well any more`
}

/**
 * The site that can take over now. Undefined while one is being started; null: there is none, or none that starts. Each that does not
 * start is passed over for the next one.
 */
function readySite(draft: UnitDraft, run: FailoverRun, epoch: number): string | null | undefined {
  for (;;) {
    const to = nextSite(draft, run)
    if (to === null || to === run.from) return to
    const verdict = bringUp(draft, run, to, epoch)
    if (verdict !== 'failed') return verdict === 'ready' ? to : undefined
    const next = nextSite(draft, run)
    if (next !== null) draft.audit('run.retargeted', { run: run.id, from: to, to: next })
  }
}

/** Nobody can renew the old epoch: until it has surely ended nobody gets the next one. */
function cede(draft: UnitDraft, run: FailoverRun, lease: Versioned<WriteLease>): void {
  const { state, now } = draft
  const { rules, sighting, verdicts } = state
  const { epoch } = lease.value
  const endsAt = sighting === null ? Infinity : surelyEndedAt(sighting, lease.value)
  const verdict = verdicts.find(({ site }) => site === run.from)
  const gone = rules.fence === 'process' && verdict !== undefined && surelyGone(verdict)
  const stopped = state.stage?.epoch === epoch && state.stage.stopped
  // Who held it has let go of it, or nobody ever took it.
  const ended = stopped || gone || lease.value.holder === '' || now >= endsAt
  if (run.kind !== 'failover' && stateOf(state, run.from) !== 'down') {
    return handOver(draft, run, lease, endsAt)
  }
  if (!ended) {
    draft.enter(run, 'waiting', epoch)
    askToStop(draft, run, 'fence', epoch)
    draft.explain('lease-ends', `${run.from} may still write`, { endsInMs: Math.ceil(endsAt - now) })
    draft.wakeAt(endsAt)
    return
  }
  const to = readySite(draft, run, epoch)
  if (to === undefined) return
  if (to === null) {
    draft.explain('no-target', `no site can take ${run.unit}`)
    draft.wakeAt(now + unitTimes.again)
    return
  }
  if (rules.restores && to !== run.from && !restored(draft, run, to, epoch)) return
  grant(draft, run, lease, to)
}

/** A planned move: the old site stops, the new one catches up, or the old one gets it back. */
function handOver(draft: UnitDraft, run: FailoverRun, lease: Versioned<WriteLease>, endsAt: number): void {
  const { now } = draft
  const { epoch } = lease.value
  draft.enter(run, 'draining', epoch)
  const { stopped, position, beganAt } = draft.state.stage!
  if (!stopped) {
    askToStop(draft, run, 'drain', epoch)
    const giveUpAt = Math.max(beganAt + unitTimes.drain, endsAt)
    if (now >= giveUpAt) grant(draft, run, lease, run.from)
    else draft.wakeAt(giveUpAt)
    return
  }
  const reached = draft.state.positions.find(({ site }) => site === run.to)
  const able = chooseTarget(draft.state, run.from, { forced: true, warm: true }).refused[run.to] === undefined
  if (able && position !== null && reached?.epoch === epoch && reached.position >= position) {
    grant(draft, run, lease, run.to, true)
  } else if (!able || now >= beganAt + unitTimes.catchUp) grant(draft, run, lease, run.from)
  else draft.wakeAt(beganAt + unitTimes.catchUp)
}

function askToStop(draft: UnitDraft, run: FailoverRun, order: 'fence' | 'drain', epoch: number): void {
  draft.order(run, order, run.from, epoch)
}

/** The site that was found down is up again. A run for another reason, or a person’s, is not called off by that. */
function cameBack({ state }: UnitDraft, run: FailoverRun): boolean {
  return run.verdict?.state === 'down' && isWell(state, run.from)
}

/** A person has said where, whatever is lost; in a planned move that went wrong nobody has said so. */
function isForced(run: FailoverRun): boolean {
  return run.kind === 'failover' && run.by !== 'automatic'
}

/** The site that a failover goes to as things are now: the old one if it came back, else one that can. */
function nextSite(draft: UnitDraft, run: FailoverRun): string | null {
  const { state } = draft
  if (cameBack(draft, run)) return run.from
  const forced = isForced(run)
  const { target, refused } = chooseTarget(state, run.from, { forced })
  const able = refused[run.to] === undefined && state.rules.sites.includes(run.to) && run.to !== run.from
  // One that is well by now is sooner there than one that has to be started; unless a person said where.
  const sooner = target !== null && isWell(state, target) && !isWell(state, run.to) && !forced
  if (able && !sooner) return run.to
  const well = isWell(state, run.from)
  // Nobody may write at this moment: rather the old site than none.
  return well && (target === null || run.to === run.from) ? run.from : target
}

function restored(draft: UnitDraft, run: FailoverRun, to: string, epoch: number): boolean {
  if (draft.state.stage?.restored === to) return true
  const stage = draft.enter(run, 'restoring', epoch)
  draft.order(run, 'restore', to, epoch, unitTimes.restore)
  draft.wakeAt(stage.beganAt + unitTimes.restore)
  return false
}

function grant(
  draft: UnitDraft,
  run: FailoverRun,
  lease: Versioned<WriteLease>,
  to: string,
  caughtUp = false,
): void {
  const { rules } = draft.state
  draft.enter(run, 'granting', lease.value.epoch)
  draft.store(leaseKey(run.unit), lease.version, grantedLease(run.unit, to, lease.value, rules, caughtUp))
}

/** The next epoch is granted: its site is to take it, or another one gets one of its own. */
function claim(draft: UnitDraft, run: FailoverRun, lease: Versioned<WriteLease>): void {
  const { epoch, site } = lease.value
  const { beganAt } = draft.enter(run, 'claiming', epoch)
  draft.order(run, 'claim', site, epoch)
  const giveUpAt = beganAt + unitTimes.claim
  if (draft.now < giveUpAt) {
    draft.wakeAt(giveUpAt)
    return
  }
  // Nobody has taken it, so nobody has written in it: storing the next one is fence enough.
  const { target } = chooseTarget(draft.state, site, { forced: isForced(run), warm: true })
  const next = target ?? (isWell(draft.state, run.from) ? run.from : null)
  if (next === null || next === site) {
    draft.explain('target-silent', `${site} does not take ${run.unit}, and there is no other`)
    draft.wakeAt(draft.now + unitTimes.again)
    return
  }
  draft.audit('run.retargeted', { run: run.id, from: site, to: next })
  draft.store(leaseKey(run.unit), lease.version, grantedLease(run.unit, next, lease.value, draft.state.rules))
}

/** The next epoch is held: everybody is told, and the journal closed. */
function conclude(draft: UnitDraft, run: FailoverRun, version: number, lease: WriteLease): void {
  if (draft.state.publishedEpoch !== lease.epoch) {
    const stage = draft.enter(run, 'publishing', lease.epoch)
    if (stage.sentAt === null) {
      draft.setStage({ sentAt: draft.now })
      draft.publish(publishId(draft.state), unitTimes.publish)
    }
    const giveUpAt = stage.beganAt + unitTimes.publish
    if (draft.now < giveUpAt) {
      draft.wakeAt(giveUpAt)
      return
    }
    draft.set({ publishedEpoch: lease.epoch })
  }
  finish(draft, run, lease.site === run.from ? 'rolled-back' : 'done', lease, version)
}

function finish(
  draft: UnitDraft,
  run: FailoverRun,
  outcome: 'done' | 'rolled-back',
  lease: WriteLease | null = null,
  version: number = draft.state.run?.version ?? 0,
): void {
  const automatic = run.by === 'automatic' && outcome === 'done'
  const closed: FailoverRun = {
    ...run,
    step: draft.state.steps.at(-1)?.step ?? run.step,
    outcome,
    to: lease?.site ?? run.to,
    lossMs: lease?.lossMs ?? null,
    steps: [...run.steps, ...draft.state.steps],
    ...(automatic ? { automaticAt: draft.moment.wall, acknowledged: false } : {}),
  }
  const code = outcome === 'done' ? 'moved' : 'rolled-back'
  const where = outcome === 'done' ? closed.to : run.from
  draft.tell(
    `${run.id}/${outcome}`,
    true,
    code,
    `${run.unit} is at ${where}, epoch ${lease?.epoch ?? run.epoch}`,
    {
      run: run.id,
      lossMs: closed.lossMs,
      tookMs: draft.moment.wall - run.startedAt,
    },
  )
  // Nobody may know whether it was stored: then this is done again, and told once. The steps are kept until it is seen.
  const ending = `${run.id}/${outcome}`
  if (draft.state.recordedEnd !== ending)
    draft.audit('run.finished', { run: run.id, outcome, to: closed.to, lossMs: closed.lossMs })
  draft.set({ recordedEnd: ending })
  draft.store(runKey(run.unit), version, closed)
}
