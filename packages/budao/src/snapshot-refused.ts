import type { EventDraft } from '@budao/model'

/** The event of a changed configuration that is not taken; snapshot `inForce` goes on. */
export function snapshotRefused(path: string, problems: readonly string[], inForce: number): EventDraft {
  return {
    kind: 'snapshot.refused',
    severity: 'critical',
    subject: path,
    message: `The changed configuration was refused; snapshot ${inForce} goes on.`,
    evidence: { problems: problems.join('\n'), inForce },
  }
}
