import type { Told } from './alert-group.ts'
import type { ToldRecord } from './engine-options.ts'

/** What was told, by the wall clock; `epoch` is what monotonic 0 is by it. */
export function toRecord({ firing, resolved, at, since, escalated }: Told, epoch: number): ToldRecord {
  return {
    firing: [...firing].map(([id, startsAt]) => [id, Math.round(startsAt + epoch)] as const),
    resolved: [...resolved],
    at: Math.round(at + epoch),
    since: Math.round(since + epoch),
    escalated,
  }
}

/**
 * The same back. `graceMs`: two processes see one beginning so far apart, and one that was told by the other is not new here.
 */
export function ofRecord(
  { firing, resolved, at, since, escalated }: ToldRecord,
  epoch: number,
  graceMs: number,
): Told {
  return {
    firing: new Map(firing.map(([id, startsAt]) => [id, startsAt - epoch + graceMs])),
    resolved: new Set(resolved),
    at: at - epoch,
    since: since - epoch,
    escalated,
  }
}
