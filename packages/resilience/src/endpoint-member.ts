import type { EndpointFacts } from './endpoint-facts.ts'

/** One endpoint of a set, as one thread sees it. */
export interface EndpointMember {
  readonly priority: number
  readonly weight: number
  readonly site: string
  readonly facts: EndpointFacts
  usable: boolean
  /** The part of its weight that it keeps, above 0: 1 unless its site is slow and others are not. */
  kept: number
  /** The weight its balancer goes by: 0 while it is out. */
  share: number
  /** When it came back after this thread had seen it out; -Infinity before that. */
  usableSince: number
  ejectedUntil: number
}

/** Whom a request that has failed before may go to. */
export type Fit = 'other-site' | 'usable' | 'untried' | 'any'

/** Whether that endpoint is one, `avoid` being those that were tried. */
export function fits(
  fit: Exclude<Fit, 'any'>,
  members: readonly EndpointMember[],
  index: number,
  avoid: readonly number[],
): boolean {
  if (avoid.includes(index)) return false
  if (fit === 'untried') return true
  const { usable, site } = members[index]!
  if (!usable || fit === 'usable') return usable
  for (let n = 0; n < avoid.length; n++) if (members[avoid[n]!]?.site === site) return false
  return true
}

/** Usable but for an ejection. */
export function isFit({ weight, facts }: EndpointMember): boolean {
  return weight > 0 && !facts.draining && facts.health.usable
}
