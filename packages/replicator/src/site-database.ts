import type { Applier, ChangeDraft, ChangeEvent, ChangeSource, Conflict, DeadLetter } from '@budao/model'
import type { Snapshots } from './snapshot/snapshot.ts'

/** The database of this site as the replicator uses it. One implementation a provider. */
export interface SiteDatabase {
  /** Changes made here. */
  readonly source: ChangeSource
  /** Changes made elsewhere. */
  readonly applier: Applier
  /**
   * Writes a row and its event in one transaction; all drafts together or none. An event whose id was written before is
   * null. Throws `WriteRefusedError`, or what the database has against it. Undefined: applications write by themselves.
   */
  readonly write?: (drafts: readonly ChangeDraft[]) => Promise<(ChangeEvent | null)[]>
  /** Writes a heartbeat that travels like any change. */
  beat(beat: Heartbeat): Promise<void>
  /** Changes that wait to be put into the log, and how full that makes the outbox, percent. */
  backlog(): Promise<{ readonly events: number; readonly percent: number }>
  /** Hands out all of it to another site, or is filled from one. */
  readonly snapshots: Snapshots
  /** Resolves once everything that was committed here before the call is confirmed to be in the log. */
  drained(signal: AbortSignal): Promise<void>
  readonly letters: DeadLetters
  readonly conflicts: Conflicts
  /** Tables that wait for a person, each with the reason. */
  paused(): ReadonlyMap<string, string>
  /**
   * From here on nothing of `origin` below this epoch is accepted, and of this site nothing is written below it. `unit`: of
   * that alone. Never goes back.
   */
  fence(origin: string, epoch: number, unit?: string): Promise<void>
  /** This site writes in this epoch from here on, or `unit` alone. Never goes back. */
  claim(epoch: number, unit?: string): Promise<void>
  /** All that was fenced and claimed here, by `epochName`. */
  epochs(): Promise<ReadonlyMap<string, number>>
  /** Forgets tombstones and ids from before this wall-clock time. */
  clean(olderThan: number): Promise<void>
  /** Whether an error of it says that it is away or busy: what is tried again later may be done. Undefined: none does. */
  readonly isPassing?: (error: unknown) => boolean
  close(): Promise<void>
}

/** What travels every moment so that silence is noticed. */
export interface Heartbeat {
  /** Rises with each. */
  readonly n: number
  /** Wall-clock milliseconds at its site. */
  readonly at: number
  /** The newest mark that each peer has sent: everything written here before it was heard goes before this heartbeat. */
  readonly heard?: Readonly<Record<string, string>>
}

/** Events that wait for a person. */
export interface DeadLetters {
  count(): Promise<number>
  /** How many wait of each site, those of an epoch that is over counted apart. */
  countBySite(): Promise<readonly LettersOfSite[]>
  /** Ids of a site’s writes that came after their epoch had ended, the oldest first. */
  ended(limit: number, origin: string): Promise<readonly string[]>
  /** Behind `after`, the oldest first. */
  list(after: number, limit: number): Promise<DeadLetter[]>
  /** Tries them again in their order: all, or those of one key. */
  retry(only?: RowPlace): Promise<RetryResult>
  /** Writes of an epoch that had ended, which their site has taken back: they are kept for a person, and differ no more. */
  setUndone(origin: string, ids: readonly number[]): Promise<void>
  /** Gives a letter up: its event counts as seen, the row here stands. False: there is no such letter. */
  drop(id: number): Promise<boolean>
}

/** Events of one site that wait at another. */
export interface LettersOfSite {
  readonly origin: string
  readonly count: number
  /** Of them, writes of an epoch that is over. */
  readonly oldEpoch: number
}

/** Decisions between two changes. */
export interface Conflicts {
  count(): Promise<number>
  /** Behind `after`, the oldest first. */
  list(after: number, limit: number): Promise<Conflict[]>
  /** Writes the row that lost as a new change of this site. Null: there is no such conflict, or it was undone. */
  undo(id: number): Promise<ChangeEvent | null>
}

/** Where a row is. */
export interface RowPlace {
  readonly table: string
  readonly key: string
}

/** What a retry came to. */
export interface RetryResult {
  readonly applied: number
  /** Letters that are left, of all keys. */
  readonly left: number
}
