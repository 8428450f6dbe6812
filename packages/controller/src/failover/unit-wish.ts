import type { ExplanationCode, FailoverRun } from '@budao/model'
import { runKey } from '@budao/model'
import { chooseTarget } from './target-choice.ts'
import type { UnitDraft } from './unit-draft.ts'
import type { UnitWish } from './unit-event.ts'
import { stateOf } from './unit-state.ts'

/** Takes up what a person wants, or refuses it with the reason; a planned move begins only where it can end well. */
export function takeWish(draft: UnitDraft, wish: UnitWish, run: FailoverRun | null): void {
  const { state } = draft
  const { lease, rules } = state
  const refuse = (code: ExplanationCode, message: string): void => {
    const why = { code, unit: rules.unit, message, evidence: {} }
    draft.do({ kind: 'reply', wish: wish.id, ok: false, why })
    draft.audit('run.refused', { wish: wish.wish, code, message }, wish.by)
  }
  if (state.storing !== null || (run !== null && run.outcome === null)) {
    return refuse('run-under-way', `${rules.unit} is being moved already`)
  }
  if (wish.wish === 'acknowledge') {
    if (run === null) return refuse('wish-refused', `${rules.unit} was never moved`)
    draft.store(runKey(rules.unit), state.run!.version, { ...run, acknowledged: true })
    draft.audit('acknowledged', { run: run.id, reason: wish.reason ?? '' }, wish.by)
    draft.do({
      kind: 'reply',
      wish: wish.id,
      ok: true,
      why: {
        code: 'moved',
        unit: rules.unit,
        message: `${run.id} is acknowledged`,
        evidence: { run: run.id },
      },
    })
    return
  }
  if (lease === null || lease === undefined) return refuse('no-lease', `nobody writes ${rules.unit} yet`)
  if (!rules.sites.includes(wish.to)) {
    return refuse('wish-refused', `unknown site: expected one of ${rules.sites.join(', ')}, found ${wish.to}`)
  }
  if (wish.to === lease.value.site) return refuse('wish-refused', `${rules.unit} is at ${wish.to} already`)
  if (wish.reason.trim() === '') return refuse('wish-refused', 'a move needs a reason')
  const owner = stateOf(state, lease.value.site)
  if (wish.run === 'failover' && wish.force !== true && (owner === 'up' || owner === 'degraded')) {
    const instead = 'a switchover loses nothing; force the failover if what only it has may be lost'
    return refuse('wish-refused', `${lease.value.site} is well: ${instead}`)
  }
  const why = chooseTarget(state, lease.value.site, { forced: true }).refused[wish.to]
  if (why !== undefined) return refuse('no-target', `${wish.to} cannot take ${rules.unit}: ${why}`)
  const divergence = state.positions.find(({ site }) => site === wish.to)?.divergence ?? 0
  if (wish.run !== 'failover' && divergence > 0) {
    // Its data would refuse the claim, and nobody would write meanwhile.
    const differs = `${divergence} of its writes differ from ${lease.value.site}`
    return refuse('no-target', `${wish.to} cannot take ${rules.unit}: ${differs}`)
  }
  draft.set({
    wants: {
      kind: wish.run,
      to: wish.to,
      by: wish.by,
      reason: wish.reason,
      verdict: null,
      wish: wish.id,
      person: wish.unattended !== true,
    },
  })
}
