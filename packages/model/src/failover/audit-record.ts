/** One line of the append-only audit log; each holds the hash of the one before, so that none can be changed unseen. */
export interface AuditRecord {
  /** 1, 2, 3, … without gaps. */
  readonly seq: number
  /** Wall-clock time, ISO 8601 in UTC. */
  readonly at: string
  /** A controller, or a person’s name. */
  readonly actor: string
  readonly action: AuditAction
  /** Unit, service or site. */
  readonly subject: string
  readonly term: number
  readonly epoch: number
  readonly detail: Readonly<Record<string, unknown>>
  /** Hash of the record before, 64 hexadecimal digits; zeros for the first. */
  readonly previous: string
  /** SHA-256 of everything above. */
  readonly hash: string
}

/** What can be recorded. */
export type AuditAction =
  | 'leader.elected'
  | 'leader.resigned'
  | 'verdict'
  | 'run.started'
  | 'run.step'
  | 'run.retargeted'
  | 'run.finished'
  | 'run.refused'
  | 'in-sync.changed'
  | 'standby.stopping'
  | 'failback.stage'
  | 'drain.refused'
  | 'drain.forced'
  | 'drain.started'
  | 'drain.ended'
  | 'acknowledged'
  | 'automation.changed'
  | 'rollout.started'
  | 'rollout.step'
  | 'rollout.paused'
  | 'rollout.resumed'
  | 'rollout.blocked'
  | 'rollout.aborted'
  | 'rollout.promoted'

/** What a reporter hands over; the chain adds `seq`, `previous` and `hash`. */
export type AuditDraft = Omit<AuditRecord, 'seq' | 'previous' | 'hash'>
