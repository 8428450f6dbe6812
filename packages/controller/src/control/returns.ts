import type { ReturningSite, SitePosition, SiteVerdict } from '@budao/model'
import { returnsByItself, stepFailback, type FailbackState } from '../failover/failback.ts'
import type { UnitState } from '../failover/unit-state.ts'

/** One that is refused is not asked again sooner, milliseconds. */
const askAgainMs = 60_000

/** What is known of a unit besides its own state. */
export interface ReturnFacts {
  readonly verdicts: readonly SiteVerdict[]
  readonly positions: readonly SitePosition[]
}

/** How far the sites that do not have a unit are on their way back to it. Every controller knows; who leads acts on it. */
export class Returns {
  readonly #stages: Map<string, Map<string, FailbackState>> = new Map()
  /** When a unit was last told to go home: one that is refused is not asked ten times a second. */
  readonly #toldAt: Map<string, number> = new Map()

  /** Looks at all sites of a unit once. */
  step({ rules, lease }: UnitState, { verdicts, positions }: ReturnFacts, now: number): void {
    if (lease === null || lease === undefined) return
    const stages = this.#stages.get(rules.unit) ?? new Map<string, FailbackState>()
    this.#stages.set(rules.unit, stages)
    for (const site of rules.sites) {
      const verdict = verdicts.find((each) => each.site === site)?.state ?? 'unknown'
      const position = positions.find((each) => each.site === site)
      const before = stages.get(site) ?? { stage: 'serving' as const, since: now }
      stages.set(
        site,
        stepFailback(before, { owner: lease.value.site, site, verdict, position }, rules.shadowMs, now),
      )
    }
  }

  /** Sites that do not have it. */
  of(unit: string, now: number): readonly ReturningSite[] {
    return [...(this.#stages.get(unit) ?? [])]
      .filter(([, { stage }]) => stage !== 'serving')
      .map(([site, { stage, since }]) => ({ site, stage, sinceMs: now - since }))
  }

  /** The site that is to have the unit back now, without a person, said once a minute; null: none is, or the policy is another one. */
  due({ rules, lease, run, wants, automation, movedAt, drained }: UnitState, now: number): string | null {
    const rests = run !== undefined && (run === null || run.value.outcome !== null) && wants === null
    if (automation !== 'on' || lease?.value.state !== 'held' || !rests || now - movedAt < rules.restMs)
      return null
    if (now - (this.#toldAt.get(rules.unit) ?? -Infinity) < askAgainMs) return null
    const owner = lease.value.site
    for (const [site, state] of this.#stages.get(rules.unit) ?? []) {
      if (drained.includes(site)) continue
      if (!returnsByItself(rules.failback, rules.sites, state, { owner, site })) continue
      this.#toldAt.set(rules.unit, now)
      return site
    }
    return null
  }
}
