/** Somebody has seen an alert. Wall-clock time, milliseconds since 1970. */
export interface Acknowledgement {
  readonly by: string
  readonly at: number
  readonly reason: string
}

/** A group that was told and waits for a person. Monotonic milliseconds. */
export interface Waiting {
  readonly toldAt: number
  readonly escalatedAt: number | null
}

/** What is wanted when nobody acknowledges. */
export interface Escalation {
  readonly afterMs: number
  readonly severities: readonly string[]
}

/**
 * What becomes of a group that people wait for: `escalate` once it has fired so long without an acknowledgement, once for each
 * time it is told anew.
 */
export function escalationOf(
  waiting: Waiting,
  escalation: Escalation,
  severity: string,
  acknowledged: boolean,
  now: number,
): 'wait' | 'escalate' | 'none' {
  if (acknowledged || waiting.escalatedAt !== null || !escalation.severities.includes(severity)) return 'none'
  return now - waiting.toldAt >= escalation.afterMs ? 'escalate' : 'wait'
}
