import type { FailoverRun, Versioned, WriteLease } from '@budao/model'
import { leaseKey, runKey } from '@budao/model'
import { sightLease } from '@budao/resilience'
import { noteRenewal, noteSites } from './site-start.ts'
import { decide } from './unit-decision.ts'
import { UnitDraft } from './unit-draft.ts'
import type { Moment, UnitEvent, UnitWish } from './unit-event.ts'
import { publishId } from './unit-publish.ts'
import { unitTimes } from './unit-rules.ts'
import { moveOn } from './unit-run.ts'
import type { UnitState, UnitStep } from './unit-state.ts'
import { takeWish } from './unit-wish.ts'

/**
 * The rules of one unit: what an event makes of what is known, and what is to be done about it. Whoever does not lead
 * learns as well, and does nothing. Every step looks at what the store says rather than at what was planned, so a
 * controller that takes over in the middle goes on from there, and one that does the same again does nothing.
 */
export function stepUnit(state: UnitState, event: UnitEvent, moment: Moment): UnitStep {
  const draft = new UnitDraft(state, moment)
  const wish = learn(draft, event)
  noteSites(draft)
  forgetFailedStarts(draft)
  const { lease, run, term } = draft.state
  if (term === null || draft.now >= draft.state.leadsUntil)
    draft.explain('not-leader', 'another controller leads')
  else if (lease !== undefined && run !== undefined) {
    if (wish !== null) takeWish(draft, wish, run?.value ?? null)
    if (draft.state.storing === null) {
      if (run !== null && run.value.outcome === null) {
        draft.set({ busyAt: draft.now })
        moveOn(draft, run, term)
      } else decide(draft, event.kind === 'go')
    }
  }
  return draft.step()
}

function learn(draft: UnitDraft, event: UnitEvent): UnitWish | null {
  switch (event.kind) {
    case 'lease':
      seeLease(draft, event.record)
      break
    case 'run':
      seeRun(draft, event.record)
      break
    case 'verdicts':
      draft.set({ verdicts: event.verdicts, verdictsAt: draft.now })
      break
    case 'positions':
      draft.set({ positions: event.positions, positionsAt: draft.now })
      break
    case 'standbys':
      draft.set({ standbys: event.standbys })
      break
    case 'drained':
      draft.set({ drained: event.sites })
      break
    case 'automation':
      draft.set({ automation: event.automation })
      break
    case 'led':
      led(draft, event)
      break
    case 'unled':
      draft.set({ term: null, storing: null, stage: null, wants: null })
      break
    case 'stored':
      stored(draft, event)
      break
    case 'answer':
      answered(draft, event.answer)
      break
    case 'published':
      if (event.stepId === publishId(draft.state)) draft.set({ publishedEpoch: epochOf(draft.state) })
      break
    case 'wish':
      return event.wish
    case 'go':
    case 'tick':
      break
  }
  return null
}

function led(draft: UnitDraft, { term, until }: { term: number; until: number }): void {
  draft.set({ leadsUntil: until })
  if (draft.state.term === term) return
  // What it has stored or ordered in an earlier term may have been overtaken, and a watch may have missed something: who
  // begins to lead reads.
  draft.set({ term, ledAt: draft.now, storing: null, stage: null, steps: [], wants: null, publishedEpoch: 0 })
  readAgain(draft)
}

function seeLease(draft: UnitDraft, record: Versioned<WriteLease> | null): void {
  const { lease, sighting } = draft.state
  if (record === null) {
    if (lease === undefined) draft.set({ lease: null })
    return
  }
  if (lease !== undefined && lease !== null && record.version <= lease.version) return
  const before = lease?.value
  if (before?.epoch === record.value.epoch && before.renewal < record.value.renewal)
    noteRenewal(draft, record.value.site)
  const moved = lease !== undefined && lease !== null && lease.value.epoch !== record.value.epoch
  draft.set({
    lease: record,
    sighting: sightLease(sighting, record.value, draft.now),
    ...(moved ? { movedAt: draft.now } : {}),
  })
}

function seeRun(draft: UnitDraft, record: Versioned<FailoverRun> | null): void {
  const { run } = draft.state
  if (record === null) {
    if (run === undefined) draft.set({ run: null })
    return
  }
  if (run !== undefined && run !== null && record.version <= run.version) return
  const automaticAt = run?.value.automaticAt ?? null
  const watched = run !== undefined && record.value.automaticAt !== automaticAt
  const over = record.value.outcome !== null
  draft.set({
    run: record,
    ...(watched ? { automaticSeenAt: draft.now } : {}),
    ...(over ? { stage: null, steps: [] } : {}),
  })
}

function stored(
  draft: UnitDraft,
  event: { ref: string; ok: boolean | null; current: Versioned | null },
): void {
  const { storing } = draft.state
  if (event.ref !== storing) return
  draft.set({ storing: null })
  if (event.ok === null) {
    readAgain(draft)
    return
  }
  if (event.current === null) return
  if (isLease(event.current)) seeLease(draft, event.current)
  else seeRun(draft, event.current as Versioned<FailoverRun>)
}

/** A site that did not start may be tried again after a while. */
function forgetFailedStarts(draft: UnitDraft): void {
  const failed = Object.entries(draft.state.failedStarts)
  const kept = failed.filter(([, at]) => draft.now - at < unitTimes.startAgain)
  if (kept.length < failed.length) draft.set({ failedStarts: Object.fromEntries(kept) })
}

/** Until it is known what stands there, nothing is stored on a guess. */
function readAgain(draft: UnitDraft): void {
  const { unit } = draft.state.rules
  draft.do({ kind: 'read', key: leaseKey(unit) })
  draft.do({ kind: 'read', key: runKey(unit) })
  draft.set({ lease: undefined, run: undefined })
}

function answered(
  draft: UnitDraft,
  { stepId, ok, why, position }: { stepId: string; ok: boolean; why: string; position?: number },
): void {
  const { stage } = draft.state
  if (stage === null || stage.sentAt === null) return
  const [order, site, epoch] = stepId.split('/').slice(-3)
  // A late answer about an earlier epoch, or from a site that is not the target any more, says nothing.
  if (Number(epoch) !== stage.epoch || site !== stage.sentTo) return
  if (!ok) {
    draft.setStage({ sentAt: null, againAt: draft.now + unitTimes.again, refusal: why })
    return
  }
  if (order === 'fence' || order === 'drain') {
    draft.setStage({ stopped: true, ...(position === undefined ? {} : { position }) })
  } else if (order === 'restore') draft.setStage({ restored: site })
  else if (order === 'start') draft.setStage({ startedAt: draft.now, refusal: '' })
}

function epochOf({ lease }: UnitState): number {
  return lease?.value.epoch ?? 0
}

function isLease(record: Versioned): record is Versioned<WriteLease> {
  return typeof record.value === 'object' && record.value !== null && 'ttlMs' in record.value
}
