import type { Told } from './alert-group.ts'

/** Somebody has seen an alert. Wall-clock time, milliseconds since 1970. */
export interface Acknowledgement {
  readonly by: string
  readonly at: number
  readonly reason: string
}

/** What is wanted when nobody acknowledges. */
export interface Escalation {
  readonly afterMs: number
  readonly severities: readonly string[]
}

/**
 * What becomes of a group that people were told of: `escalate` once it has fired so long without an acknowledgement, once for each time
 * that something new was told.
 */
export function escalationOf(
  told: Pick<Told, 'since' | 'escalated'>,
  escalation: Escalation,
  severity: string,
  acknowledged: boolean,
  now: number,
): 'wait' | 'escalate' | 'none' {
  if (acknowledged || told.escalated || !escalation.severities.includes(severity)) return 'none'
  return now - told.since >= escalation.afterMs ? 'escalate' : 'wait'
}
