import type { FailoverRun, SiteVerdict, WriteLease } from '@budao/model'
import { grantedLease, leaseKey, runKey } from '@budao/model'
import { awaitedUntil, startingUntil } from './site-start.ts'
import { isWell, restStandbys } from './standby-start.ts'
import { chooseTarget, listOf } from './target-choice.ts'
import type { UnitDraft } from './unit-draft.ts'
import { rateLimitedMs } from './rate-limit.ts'
import { publishId } from './unit-publish.ts'
import { unitTimes } from './unit-rules.ts'
import { stateOf } from './unit-state.ts'
import type { RunDraft } from './unit-state.ts'
import { downButServes, isSilentOutside } from './verdict.ts'

/** No run is under way: is one to begin? `go`: the scheduler lets the one begin that was wanted. */
export function decide(draft: UnitDraft, go: boolean): void {
  const { lease, publishedEpoch, publishedReaders } = draft.state
  if (lease === undefined) return
  if (lease === null || lease.value.state === 'granted') return placeFirst(draft)
  const { epoch } = lease.value
  // Also where only the sites that may answer reads are others.
  if (publishedEpoch !== epoch || publishedReaders !== draft.readers.join(' ')) {
    draft.set({ publishedEpoch: epoch })
    draft.publish(publishId(draft.state), unitTimes.publish)
  }
  const { wants } = draft.state
  // A person’s wish stands; what the rules want is looked at anew, for it may be over.
  if (wants === null || wants.wish === null) draft.set({ wants: automatic(draft, lease.value) })
  const wanted = draft.state.wants
  if (wanted !== null && go) begin(draft, wanted)
  else if (wanted !== null) draft.explain('queued', `${lease.value.unit} is to go to ${wanted.to}`)
  else if (draft.state.storing === null) {
    reduceInSync(draft, lease.value)
    restStandbys(draft, lease.value)
  }
}

/**
 * Nobody has ever written: the first site in order that is up gets it, and the next one that has a gateway if it does not take
 * it. A gateway that has not been heard of yet is given more time: all of them may just be starting.
 */
function placeFirst(draft: UnitDraft): void {
  const { lease, rules, drained, sighting, positions } = draft.state
  const heard = (site: string): boolean => positions.some((position) => position.site === site)
  const able = (['up', 'degraded'] as const).flatMap((health) =>
    rules.sites.filter((site) => stateOf(draft.state, site) === health && !drained.includes(site)),
  )
  if (lease === null || lease === undefined) {
    const [first] = able
    // One that is preferred and just about to start is waited for: what begins elsewhere stays there.
    const preferred = rules.sites.slice(
      0,
      first === undefined ? rules.sites.length : rules.sites.indexOf(first),
    )
    const waits = preferred.flatMap((site) => awaitedUntil(draft.state, site, draft.now) ?? [])
    if (waits.length > 0) {
      draft.explain(
        'owner-starting',
        `${preferred.join(', ')} may be starting, and ${rules.unit} was never at any site`,
      )
      draft.wakeAt(Math.max(...waits))
    } else if (first === undefined) draft.explain('no-target', `no site is up that could take ${rules.unit}`)
    else draft.store(leaseKey(rules.unit), 0, grantedLease(rules.unit, first, null, rules))
    return
  }
  draft.explain('no-lease', `${lease.value.site} has not taken ${rules.unit} yet`)
  // It may have been granted before its gateway was there: from then on it has the time that any other one has.
  const grantedAt = sighting?.at ?? draft.now
  const heardAt = draft.state.heardAt[lease.value.site]
  const comesBy = grantedAt + rules.graceMs
  const giveUpAt = Math.max(grantedAt, Math.min(heardAt ?? comesBy, comesBy)) + unitTimes.claim
  if (draft.now < giveUpAt) return draft.wakeAt(giveUpAt)
  const [other] = able.filter((site) => site !== lease.value.site && heard(site))
  if (other !== undefined) {
    draft.store(leaseKey(rules.unit), lease.version, grantedLease(rules.unit, other, lease.value, rules))
  }
}

/** What the rules want by themselves, or null and the reason why not. */
function automatic(draft: UnitDraft, lease: WriteLease): RunDraft | null {
  const { state, now } = draft
  const { rules, sighting, automation, movedAt } = state
  const { site, unit } = lease
  if (lease.state === 'fenced') {
    // The fence of a leader that was overtaken came late. Nobody writes: somebody is to, at the same site if it can.
    const reason = 'nobody may write, and no move is under way'
    return { kind: 'failover', to: site, by: 'automatic', reason, verdict: null, wish: null, person: false }
  }
  const verdict = state.verdicts.find((each) => each.site === site) ?? null
  const evidence = verdict === null ? {} : evidenceOf(verdict)
  // Who has just begun to lead may have missed renewals together with everybody else: the store was away.
  const lapsedMs = sighting === null ? 0 : now - Math.max(sighting.at, state.ledAt) - lease.ttlMs
  const lapsed = lapsedMs > rules.lapseMs || (rules.lapseMs < Infinity && endedUnheard(draft, lease, verdict))
  if (verdict?.state === 'advise') {
    draft.tell(
      `${unit}@${lease.epoch}/advise`,
      true,
      'no-witness',
      `${site} is silent, and too few may say so`,
      evidence,
    )
    return null
  }
  if (verdict?.state !== 'down' && !lapsed) {
    const slow = verdict?.state === 'degraded'
    const stays = slow
      ? `${unit} is at ${site}, which is slow: nothing moves for that`
      : `${unit} is at ${site}`
    draft.explain(slow ? 'owner-degraded' : doubtOf(verdict), stays, evidence)
    return null
  }
  const reason = lapsed ? `${site} cannot renew its lease` : `${site} is down`
  const id = `${unit}@${lease.epoch}`
  const startsUntil = startingUntil(state, site, now)
  if (startsUntil !== null) {
    draft.explain(
      'owner-starting',
      `${reason}, and may be starting: it was not well since this node began`,
      evidence,
    )
    draft.wakeAt(startsUntil)
    return null
  }
  if (automation === 'off') {
    draft.explain('automation-off', `${reason}; automation is off`, evidence)
    return null
  }
  const { target, refused } = chooseTarget(state, site)
  if (target === null) {
    const reasons = Object.values(refused)
    const lags = reasons.some((why) => why !== 'not-up' && why !== 'drained' && why !== 'start-failed')
    const code = lags ? 'target-lags' : reasons.includes('start-failed') ? 'standby-failed' : 'no-target'
    draft.tell(`${id}/${code}`, true, code, `${reason}; nobody can take over: ${listOf(refused)}`, evidence)
    return null
  }
  if (automation === 'advise') {
    draft.tell(`${id}/advise`, true, 'automation-advise', `${reason}; ${target} could take over`, evidence)
    return null
  }
  // A cold target counts: nothing is taken from the owner before it is up.
  const left = rules.sites.filter((each) => each !== site && (each === target || isWell(state, each)))
  if (left.length < rules.minSites) {
    draft.tell(
      `${id}/min-sites`,
      true,
      'last-healthy-site',
      `${reason}; only ${left.length} would be left`,
      evidence,
    )
    return null
  }
  const waitMs = rateLimitedMs(state, draft.moment)
  if (waitMs > 0) {
    draft.tell(
      `${id}/rate-limited`,
      true,
      'rate-limited',
      `${reason}; ${target} could take over, after the last failover is acknowledged`,
      { ...evidence, everyMs: rules.everyMs },
    )
    draft.wakeAt(now + waitMs)
    return null
  }
  if (now - movedAt < unitTimes.calm) {
    draft.wakeAt(movedAt + unitTimes.calm)
    return null
  }
  draft.explain(lapsed ? 'owner-lapsed' : 'owner-down', reason, evidence)
  return {
    kind: 'failover',
    to: target,
    by: 'automatic',
    reason,
    verdict: lapsed ? null : verdict,
    wish: null,
    person: false,
  }
}

/**
 * Its lease has ended, and nobody outside hears the site: nobody can write there, whatever observers that are patient for their own sake make of
 * it. The same where its endpoints serve, which keeps the verdict from it, and its gateways do not answer.
 */
function endedUnheard({ state, now }: UnitDraft, lease: WriteLease, verdict: SiteVerdict | null): boolean {
  const { sighting, ledAt } = state
  if (sighting === null || verdict === null) return false
  if (downButServes(verdict)) return now - Math.max(sighting.at, ledAt) > lease.ttlMs
  return now - sighting.at > lease.ttlMs && now - ledAt > unitTimes.renewed && isSilentOutside(verdict)
}

function begin(draft: UnitDraft, { kind, to, by, reason, verdict, wish, person }: RunDraft): void {
  const { lease, run, term, rules } = draft.state
  if (lease === null || lease === undefined || term === null) return
  const { epoch, site } = lease.value
  const last = run?.value
  const attempt = last?.epoch === epoch ? last.attempt + 1 : 1
  const next: FailoverRun = {
    id: `${rules.unit}@${epoch}${attempt === 1 ? '' : `.${attempt}`}`,
    unit: rules.unit,
    kind,
    from: site,
    to,
    epoch,
    step: isWell(draft.state, to) ? 'fencing' : 'starting',
    outcome: null,
    by,
    reason,
    verdict,
    term,
    attempt,
    lossMs: null,
    automaticAt: last?.automaticAt ?? null,
    // A person who moves things has seen what happened before.
    acknowledged: person || (last?.acknowledged ?? false),
    startedAt: draft.moment.wall,
    steps: [],
  }
  draft.set({ wants: null, stage: null, steps: [] })
  draft.store(runKey(rules.unit), run?.version ?? 0, next)
  draft.audit('run.started', { run: next.id, kind, from: site, to, reason, verdict }, by)
  if (wish !== null) {
    const evidence = { run: next.id, from: site, to }
    const why = draft.explain('run-under-way', `${rules.unit} goes from ${site} to ${to}`, evidence)
    draft.do({ kind: 'reply', wish, ok: true, why })
  }
}

/** A standby that is down holds up every write of a unit that waits for it: it is taken out, which is announced. */
function reduceInSync(draft: UnitDraft, lease: WriteLease): void {
  const { state } = draft
  if (!state.rules.reducesInSync || state.automation !== 'on' || lease.state !== 'held') return
  const left = lease.inSync.filter((site) => stateOf(state, site) !== 'down')
  if (left.length === lease.inSync.length) return
  draft.tell(
    `${lease.unit}@${lease.epoch}/in-sync/${left.join(',')}`,
    true,
    'in-sync-reduced',
    `${lease.unit}: acknowledged without ${lease.inSync.filter((site) => !left.includes(site)).join(', ')} from now on`,
  )
  draft.audit('in-sync.changed', { from: lease.inSync, to: left })
  draft.store(leaseKey(lease.unit), state.lease!.version, { ...lease, inSync: left })
}

function doubtOf(verdict: SiteVerdict | null): 'owner-fine' | 'owner-suspect' | 'no-quorum' | 'vetoed' {
  if (verdict?.code === 'vetoed' || verdict?.code === 'no-quorum') return verdict.code
  return verdict?.state === 'suspect' ? 'owner-suspect' : 'owner-fine'
}

function evidenceOf({ state, code, votes, slow }: SiteVerdict): Record<string, string | number> {
  const counted = votes.filter(({ use }) => use === 'counted' || use === 'veto')
  return {
    verdict: state,
    code,
    ...(slow === undefined
      ? {}
      : { slowBy: slow.by, slowMs: Math.round(slow.ms), usualMs: Math.round(slow.usualMs) }),
    votes: counted
      .map(({ observer, state: seen, causes }) => `${observer} ${seen} ${causes.join('+')}`.trim())
      .join(', '),
  }
}
