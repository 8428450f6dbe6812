import type { ResyncReport } from './resync-report.ts'

/** What a replicator says of itself. Times in milliseconds. */
export interface ReplicatorReport {
  readonly site: string
  readonly outgoing: LoopState & {
    /** Events put into the log since the start. */
    readonly events: number
    /** Events that are not in the log yet. */
    readonly backlog: number
    readonly outboxPercent: number
    /** Null: the log has no limit of ours. */
    readonly logPercent: number | null
  }
  readonly peers: readonly PeerReport[]
  readonly incoming: readonly IncomingReport[]
  readonly deadLetters: number
  /** Writes that came after their epoch had ended: acknowledged where they were made, perhaps, and not applied here. */
  readonly ended: readonly EndedWrites[]
  readonly conflicts: number
  /** By table, with the reason. */
  readonly paused: Readonly<Record<string, string>>
  readonly alarms: readonly ReplicationAlarm[]
  /** How this site is, or was last, made equal to another one. */
  readonly resync?: ResyncReport | null
}

/** How far a peer is with this site's changes; told from its answers, by this site's clock. */
export interface PeerReport {
  readonly site: string
  /** Entries of the log, heartbeats included, that it has not said to have. */
  readonly behind: number
  /** Age of the oldest write that it may not have; 0: it has all. */
  readonly rpoMs: number
  /** From log to database and back; null: not measured yet. */
  readonly lagP50Ms: number | null
  readonly lagP99Ms: number | null
  /** Since its last answer. */
  readonly silentMs: number
  /** `sync` writes are acknowledged without it. */
  readonly degraded: boolean
  /** Writes of this site that it refused, since their epoch had ended; null: it has not said so yet. */
  readonly refused: number | null
}

/** What comes from another site. */
export interface IncomingReport extends LoopState {
  readonly site: string
  /** Since its last heartbeat was applied: younger writes of it may be missing here. */
  readonly silentMs: number
  /** Everything committed there longer ago than this is here; null: unknown. */
  readonly lagMs: number | null
  readonly applied: number
  readonly duplicates: number
  readonly conflicts: number
  readonly parked: number
}

/** Writes of one site that came after their epoch had ended. */
export interface EndedWrites {
  readonly origin: string
  readonly count: number
  /** Of the oldest, at most `endedIdsMax`. */
  readonly ids: readonly string[]
}

/** So many are told by their ids. */
export const endedIdsMax = 100

/**
 * running: changes flow, or there are none. retrying: something cannot be asked for the moment. log-full: the log is at its
 * limit. stopped: changes are missing; going on would hide that, so a person has to resync. resyncing: nothing is applied while
 * the database is filled or put right from another site.
 */
export interface LoopState {
  readonly state: 'running' | 'retrying' | 'log-full' | 'stopped' | 'resyncing'
  /** Empty while running. */
  readonly why: string
}

/** Something that a person should know, as long as it lasts. */
export interface ReplicationAlarm {
  readonly code: ReplicationAlarmCode
  /** A site, table or log. */
  readonly subject: string
  readonly message: string
}

/** Everything that a person can be told. */
export const replicationAlarmCodes = [
  'peer-stands-still',
  'origin-silent',
  'stopped',
  'log-full',
  'log-filling',
  'outbox-filling',
  'degraded',
  'writes-ended',
  'dead-letters',
  'table-paused',
] as const

/**
 * peer-stands-still: a peer has not said for 5 s that it applied anything, heartbeats included. origin-silent: nothing of a
 * site has arrived for 5 s. stopped: changes are missing. log-full, log-filling, outbox-filling: at the limit, or beyond 80 %
 * of it. degraded: writes are acknowledged without a peer. writes-ended: writes of an epoch that had ended wait for a person.
 * dead-letters, table-paused: a person is waited for.
 */
export type ReplicationAlarmCode = (typeof replicationAlarmCodes)[number]

/** Of these nothing is served or kept any more as it should be. */
export const criticalAlarms: readonly ReplicationAlarmCode[] = ['stopped', 'log-full', 'writes-ended']

/** Whether all directions flow, and nobody is waited for. */
export function replicationIsHealthy({ alarms }: Pick<ReplicatorReport, 'alarms'>): boolean {
  return alarms.length === 0
}

/** What a process knows of the replicator of its site. */
export interface ReplicationStatus {
  /** Where it answers; it may be part of the process. */
  readonly url: string
  /** As it was told last; null: it has not answered since this process began. */
  readonly report: ReplicatorReport | null
  /** Since that was told, milliseconds. */
  readonly ageMs: number
  /** Why it does not answer; empty: it does. */
  readonly problem: string
}
