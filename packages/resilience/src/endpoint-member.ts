import type { EndpointFacts } from './endpoint-facts.ts'

/** One endpoint of a set, as one thread sees it. */
export interface EndpointMember {
  readonly priority: number
  readonly weight: number
  readonly site: string
  readonly facts: EndpointFacts
  usable: boolean
  /** The weight its balancer goes by: 0 while it is out. */
  share: number
  /** When it came back after this thread had seen it out; -Infinity before that. */
  usableSince: number
  ejectedUntil: number
}

/** Usable but for an ejection. */
export function isFit({ weight, facts }: EndpointMember): boolean {
  return weight > 0 && !facts.draining && facts.health.usable
}
