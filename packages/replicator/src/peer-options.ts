import type { EventLog } from '@budao/model'

/** What came from another site. */
export interface Followed {
  /** Entries of its log that are here. */
  readonly applied: number
  /** Why changes of it are missing here for good; empty: none are known to be. */
  readonly missing: string
}

/** Another site. */
export interface PeerOptions {
  readonly site: string
  /** Its replicator. */
  readonly url: string
  readonly token?: string
  /** Its log, read from here. */
  readonly log: Pick<EventLog, 'bounds' | 'read'>
  readonly partitions: number
}
