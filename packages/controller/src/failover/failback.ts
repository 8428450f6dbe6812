import type { FailbackStage, SitePosition, SiteVerdict } from '@budao/model'

/** One site of one unit on its way back. */
export interface FailbackState {
  readonly stage: FailbackStage
  /** Monotonic milliseconds. */
  readonly since: number
}

/** What is known of the site now. */
export interface FailbackFacts {
  /** The site that has the work. */
  readonly owner: string
  readonly site: string
  readonly verdict: SiteVerdict['state']
  readonly position: SitePosition | undefined
}

/**
 * So far behind is caught up, milliseconds. What is known of a site that lacks nothing is up to 1.5 s old: its replication hears of the other site each
 * 250 ms, its node asks twice a second, and tells twice a second. One second more, so that no late turn takes a site back to the start.
 */
export const caughtUpMs = 2500

/**
 * The next stage, from what is known; one at a time, and back to the start where something speaks against it. It never
 * moves anything itself: `ready` is what a person, or the policy `failback: automatic`, waits for. Nothing is ready
 * before a comparison found no difference. `shadowMs`: so long a shadow must have agreed.
 */
export function stepFailback(
  state: FailbackState,
  { owner, site, verdict, position }: FailbackFacts,
  shadowMs: number,
  now: number,
): FailbackState {
  const to = (stage: FailbackStage): FailbackState => (stage === state.stage ? state : { stage, since: now })
  if (owner === site) return to('serving')
  if (verdict !== 'up' && verdict !== 'degraded') return to('fenced')
  const caughtUp =
    position !== undefined &&
    position.lagMs !== null &&
    position.lagMs <= caughtUpMs &&
    position.divergence === 0
  switch (state.stage) {
    case 'serving':
      return to('fenced')
    case 'fenced':
      return to('catching-up')
    case 'catching-up':
      return caughtUp ? to('shadow') : state
    case 'shadow':
      if (!caughtUp) return to('catching-up')
      return now - state.since >= shadowMs ? to('ready') : state
    case 'ready':
      return caughtUp ? state : to('catching-up')
  }
}

/** What the site’s agent is to be told when it enters a stage, if anything. */
export function failbackOrder(stage: FailbackStage): 'fence' | 'catch-up' | 'shadow' | null {
  if (stage === 'fenced') return 'fence'
  if (stage === 'catching-up') return 'catch-up'
  return stage === 'shadow' ? 'shadow' : null
}

/** Whether the work goes back by itself: the policy says so, and the site is preferred to the one that has it. */
export function returnsByItself(
  policy: 'manual' | 'automatic',
  order: readonly string[],
  state: FailbackState,
  { owner, site }: Pick<FailbackFacts, 'owner' | 'site'>,
): boolean {
  return policy === 'automatic' && state.stage === 'ready' && order.indexOf(site) < order.indexOf(owner)
}
