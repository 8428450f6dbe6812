import { standbyOf } from './standby-start.ts'
import type { UnitDraft } from './unit-draft.ts'
import { stateOf } from './unit-state.ts'
import type { UnitState } from './unit-state.ts'
import { hasAnswered } from './verdict.ts'

/**
 * Keeps account of the sites that have been well since this controller began: their gateway was heard of, and observers found them well
 * after an answer. Watches take for up what they have not asked yet, which says nothing.
 */
export function noteSites(draft: UnitDraft): void {
  const { rules, bornAt, seenWell, heardAt, positions, verdicts } = draft.state
  if (bornAt === null) draft.set({ bornAt: draft.now })
  const heard = positions.filter(({ site }) => heardAt[site] === undefined)
  if (heard.length > 0)
    draft.set({ heardAt: { ...heardAt, ...Object.fromEntries(heard.map(({ site }) => [site, draft.now])) } })
  if (seenWell.length === rules.sites.length) return
  const fresh = rules.sites.filter(
    (site) =>
      !seenWell.includes(site) &&
      positions.some((position) => position.site === site) &&
      verdicts.some((verdict) => verdict.site === site && hasAnswered(verdict)),
  )
  if (fresh.length > 0) draft.set({ seenWell: [...seenWell, ...fresh] })
}

/** A holder has renewed: whatever observers make of its site, it runs. */
export function noteRenewal(draft: UnitDraft, site: string): void {
  const { seenWell } = draft.state
  if (!seenWell.includes(site)) draft.set({ seenWell: [...seenWell, site] })
}

/**
 * Until when a site may just be starting, as all of them do after a power failure or a first installation: nothing good was heard of it since
 * this controller began, which was less than `startMs` ago. Null: it is as it looks. Who is cold on purpose, or drained, is not waited for.
 */
export function startingUntil(state: UnitState, site: string, now: number): number | null {
  const { rules, bornAt, seenWell, drained } = state
  if (seenWell.includes(site) || drained.includes(site) || standbyOf(state, site) !== undefined) return null
  const health = stateOf(state, site)
  if (health === 'up' || health === 'degraded') return null
  const until = (bornAt ?? now) + rules.graceMs
  return now < until ? until : null
}

/** The same for a unit that was never anywhere: a site that came, and of which observers are not sure yet, is waited for as well. */
export function awaitedUntil(state: UnitState, site: string, now: number): number | null {
  const { rules, bornAt, drained } = state
  const until = (bornAt ?? now) + rules.graceMs
  const unsure = stateOf(state, site) === 'suspect' && !drained.includes(site) && now < until
  return unsure ? until : startingUntil(state, site, now)
}
