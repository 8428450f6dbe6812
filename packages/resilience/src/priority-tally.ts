import type { EndpointMember } from './endpoint-member.ts'
import type { PriorityCounts } from './priority.ts'

/**
 * How many endpoints each priority has. Of one that keeps a part of its weight that part is healthy, so that its priority
 * keeps a part of its load too, and the rest is degraded: it is asked for what nobody else can take.
 */
export class PriorityTally implements PriorityCounts {
  readonly healthy: number[]
  readonly degraded: number[]
  readonly total: number[]

  constructor(priorities: number) {
    this.healthy = Array.from<number>({ length: priorities }).fill(0)
    this.degraded = [...this.healthy]
    this.total = [...this.healthy]
  }

  /** `sheds`: less may be kept than all. */
  count(members: readonly EndpointMember[], sheds: boolean): void {
    readKept(members, sheds)
    this.healthy.fill(0)
    this.degraded.fill(0)
    this.total.fill(0)
    for (const { priority, usable, kept, weight, facts } of members) {
      if (usable) {
        this.healthy[priority]! += kept
        this.degraded[priority]! += 1 - kept
      }
      if (weight > 0 && !facts.draining) this.total[priority]!++
    }
  }
}

/** What every member keeps of its weight: all of it where no usable one keeps all, for then nothing is won by shedding. */
function readKept(members: readonly EndpointMember[], sheds: boolean): void {
  let whole = false
  for (const member of members) {
    member.kept = sheds ? member.facts.keptPercent / 100 : 1
    if (member.usable && member.kept === 1) whole = true
  }
  if (whole) return
  for (const member of members) member.kept = 1
}
