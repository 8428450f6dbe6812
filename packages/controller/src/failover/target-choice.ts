import { isStartable, isWell, standbyOf } from './standby-start.ts'
import { stateOf } from './unit-state.ts'
import type { UnitState } from './unit-state.ts'

/** Why a site may not take over. */
export type TargetRefusal =
  | 'not-up'
  | 'start-failed'
  | 'drained'
  | 'lags'
  | 'not-in-sync'
  | 'position-unknown'
  | 'capacity'

/** The site to move to, and why the others are not it. */
export interface TargetChoice {
  readonly target: string | null
  readonly refused: Readonly<Record<string, TargetRefusal>>
}

/**
 * Where a unit goes when `from` is lost. Health first, then data: one that has every acknowledged write, then the order
 * of preference; a site whose data is behind further than allowed takes nothing by itself. `forced`: a person has said
 * where, and data may be behind. `warm`: only what needs not be started first; otherwise that comes after all others.
 */
export function chooseTarget(
  state: UnitState,
  from: string,
  { forced = false, warm = false }: { readonly forced?: boolean; readonly warm?: boolean } = {},
): TargetChoice {
  const { rules, drained, positions } = state
  const inSync = state.lease?.value.inSync ?? []
  const refused: Record<string, TargetRefusal> = {}
  const able = rules.sites.filter((site) => {
    if (site === from) return false
    const known = positions.find((position) => position.site === site)
    const why = refusal()
    if (why !== null) refused[site] = why
    return why === null

    function refusal(): TargetRefusal | null {
      if (!isWell(state, site)) {
        if (warm || !isStartable(state, site)) return 'not-up'
        if (state.failedStarts[site] !== undefined) return 'start-failed'
      }
      if (drained.includes(site)) return 'drained'
      if (forced) return null
      if (rules.lossless) return inSync.includes(site) ? null : 'not-in-sync'
      if (rules.lagMaxMs !== null && !inSync.includes(site)) {
        if (known === undefined || known.lagMs === null) return 'position-unknown'
        // What the owner wrote since it fell silent nobody knows: the lag at that moment is what counts.
        if (known.lagMs - silentMs(state, from) > rules.lagMaxMs) return 'lags'
      }
      const capacity = known?.capacityPercent ?? 100
      return capacity < rules.minCapacityPercent ? 'capacity' : null
    }
  })
  const rank = (site: string): number =>
    (isWell(state, site) ? (stateOf(state, site) === 'up' ? 0 : 2) : starting(site) ? 4 : 6) +
    (inSync.includes(site) ? 0 : 1)
  const starting = (site: string): boolean => standbyOf(state, site)?.state === 'starting'
  // The sort is stable: within a rank the order of preference stands.
  const [target = null] = able.toSorted((a, b) => rank(a) - rank(b))
  return { target, refused }
}

/** In words, for people. */
export function listOf(refused: TargetChoice['refused']): string {
  const reasons = Object.entries(refused).map(([site, why]) => `${site} ${why}`)
  return reasons.length === 0 ? 'there is no other site' : reasons.join(', ')
}

/** For how long nobody had had an answer from a site when the positions were told; 0: unknown. */
function silentMs({ verdicts, verdictsAt, positionsAt }: UnitState, site: string): number {
  const votes = verdicts.find((verdict) => verdict.site === site)?.votes ?? []
  const ages = votes
    .filter(({ use, domain }) => use === 'counted' && domain !== site)
    .map((vote) => vote.silentMs ?? 0)
  return ages.length === 0 ? 0 : Math.max(0, Math.min(...ages) + positionsAt - verdictsAt)
}
