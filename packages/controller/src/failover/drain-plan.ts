import { chooseTarget } from './target-choice.ts'
import { isStartable, isWell } from './standby-start.ts'
import type { UnitState } from './unit-state.ts'

/** What draining a site means for each unit that is there. */
export type DrainPlan =
  | {
      readonly ok: true
      /** Units that are to be moved first, each with a wish of its own; once all are away the site is drained. */
      readonly moves: readonly { readonly unit: string; readonly to: string }[]
      /** Units that are left without a site because a person forced it. */
      readonly lost: readonly string[]
    }
  | { readonly ok: false; readonly refused: readonly { readonly unit: string; readonly why: string }[] }

/**
 * Whether a whole site may be taken out of service, and what has to move before. Never the last healthy site of a unit,
 * unless a person forces it with a reason.
 */
export function planDrain(
  site: string,
  units: readonly UnitState[],
  { force, reason }: { readonly force: boolean; readonly reason: string },
): DrainPlan {
  const moves: { unit: string; to: string }[] = []
  const refused: { unit: string; why: string }[] = []
  for (const state of units) {
    const { rules, lease } = state
    if (!rules.sites.includes(site)) continue
    const left = rules.sites.filter(
      (each) =>
        each !== site &&
        !state.drained.includes(each) &&
        (isWell(state, each) || (lease?.value.site === site && isStartable(state, each))),
    )
    if (left.length < rules.minSites) {
      const names = left.length === 0 ? 'no healthy site' : `only ${left.join(', ')}`
      refused.push({ unit: rules.unit, why: `${names} would be left` })
    } else if (lease?.value.site === site) {
      const { target } = chooseTarget(state, site, { forced: true })
      if (target === null) refused.push({ unit: rules.unit, why: 'nobody can take it' })
      else moves.push({ unit: rules.unit, to: target })
    }
  }
  if (refused.length === 0) return { ok: true, moves, lost: [] }
  if (force && reason.trim() !== '') return { ok: true, moves, lost: refused.map(({ unit }) => unit) }
  return { ok: false, refused }
}
