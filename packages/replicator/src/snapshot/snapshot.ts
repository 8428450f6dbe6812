import type { LogPosition, Row } from '@budao/model'
import type { RowVersion } from '../merge/row-version.ts'
import type { RowPlace } from '../site-database.ts'
import type { KeyRanges } from './key-ranges.ts'

/** A row as it lies at a site, with what it was merged from: enough for another site to go on from it. */
export interface KeptRow extends RowPlace {
  /** Null: it is not there. */
  readonly row: Row | null
  /** As it is stored: without the row of a register, which is `row`. Null: nothing was merged of it. */
  readonly version: RowVersion | null
  /** The row is another than replication left there. Absent: not that anybody knows. */
  readonly isAltered?: true
}

/** A row that is to be what it is at no site, or at another one only. */
export interface Repair {
  /** `keptDigest` of what was looked at: if it is another by now, nothing is done. */
  readonly found: string
  readonly right: KeptRow
}

/** An id that was done. */
export interface SeenId {
  readonly origin: string
  readonly id: string
  /** Wall-clock milliseconds. */
  readonly at: number
}

/** A dead letter as it is stored. */
export interface KeptLetter {
  readonly id: number
  readonly origin: string
  readonly txId: string
  readonly table: string
  readonly key: string
  readonly at: string
  readonly reason: string
  readonly detail: string
  readonly attempts: number
  readonly event: string
}

/**
 * What a snapshot consists of. rows: those of one table. tombstones: what is remembered of rows of it that are gone. seen: ids.
 * letters: events that wait there for a person.
 */
export type SnapshotPart =
  | { readonly kind: 'rows' | 'tombstones'; readonly table: string }
  | { readonly kind: 'seen' | 'letters' }

/** Some of a part. One of the lists is filled. */
export interface SnapshotChunk {
  readonly rows?: readonly KeptRow[]
  readonly seen?: readonly SeenId[]
  readonly letters?: readonly KeptLetter[]
  /** Where the next one begins; null: this was the last of its part. */
  readonly next: string | null
}

/** What is known at a site beside its rows. */
export interface SnapshotFacts {
  /** How far it had applied the logs of other sites. */
  readonly watermarks: readonly { readonly origin: string; readonly position: LogPosition }[]
  /** The lowest epoch that it accepts of each site, or of a unit there, by `epochName`; none of its own. */
  readonly epochs: readonly { readonly origin: string; readonly epoch: number }[]
  /** The last stamp of its clock. */
  readonly hlc: string
  /** About so many rows, for progress. */
  readonly rows: number
}

/** The database of one moment, read in chunks for as long as it is held. */
export interface SnapshotView {
  readonly facts: SnapshotFacts
  /** About `bytesMax` of a part behind `after`; null: from its beginning. */
  read(part: SnapshotPart, after: string | null, bytesMax: number): Promise<SnapshotChunk>
  close(): Promise<void>
}

/** How far the filling of this database is: kept in it, in the transactions that fill it. */
export interface LoadProgress {
  /** The site it is filled from. */
  readonly from: string
  /** Of the peer's snapshot. */
  readonly id: string
  /** Where the log of `from` stood before the snapshot was taken: what is behind is applied afterwards. */
  readonly positions: readonly LogPosition[]
  readonly facts: SnapshotFacts
  /** clearing: what was here is taken out. loading: parts arrive. replaying: this site's own changes that `from` had not applied. */
  readonly phase: 'clearing' | 'loading' | 'replaying'
  /** Of `partsOf`. */
  readonly part: number
  /** Cursor within the part. */
  readonly after: string | null
  readonly rows: number
  /** Highest number of this site's own changes that the snapshot knew of: the next ones begin behind it. */
  readonly ownSeq: number
}

/** Some rows of a table, and behind what the next ones are; null: there are none. */
export interface RowPage {
  readonly rows: readonly KeptRow[]
  readonly next: string | null
}

/** What a site's database does for snapshots: hands one out, takes one in. One implementation a provider. */
export interface Snapshots {
  /** Holds the database of this moment. */
  open(): Promise<SnapshotView>
  /** These rows as they are now, all of one moment. */
  rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]>
  /** About how many rows the replicated tables have. */
  count(): Promise<number>
  /** The filling that is under way; null: none. While there is one nothing is written here by `write`. */
  progress(): Promise<LoadProgress | null>
  /** Begins one, or writes down how far it is. */
  setProgress(progress: LoadProgress): Promise<void>
  /** Takes out some of what was here: false once there is nothing left. */
  clear(): Promise<boolean>
  /** Puts a chunk in, and writes down how far that is, in one transaction. */
  load(part: SnapshotPart, chunk: SnapshotChunk, progress: LoadProgress): Promise<void>
  /** The rows are in: from here on this database is at these positions of the logs. */
  finish(watermarks: SnapshotFacts['watermarks'], progress: LoadProgress): Promise<void>
  /** The filling is over. */
  end(): Promise<void>
  /** Makes rows what they are at another site, and forgets that these own ids were done; one transaction. */
  put(rows: readonly KeptRow[], forgetIds: readonly string[]): Promise<void>
  /** Where the log of a site is read from here on, whatever was before. */
  setWatermark(origin: string, position: LogPosition): Promise<void>
  /**
   * Makes rows what they are to be, where they still are what was looked at and no dead letter waits for them; it does not travel. Keys
   * of those that are now. Undefined: this database is repaired past the replicator.
   */
  repair?(repairs: readonly Repair[]): Promise<RowPlace[]>
  /** Undefined: this database is compared past the replicator. */
  readonly ranges?: KeyRanges
  /** The rows of a table behind `after`, in pages; null: from its first one. */
  pages(table: string, after: string | null): AsyncIterable<RowPage>
}

/** Parts in the order in which they are loaded: what was seen first, so that no row is older than what counts as done. */
export function partsOf(tables: readonly string[]): SnapshotPart[] {
  return [
    { kind: 'seen' },
    { kind: 'letters' },
    ...tables.flatMap((table): SnapshotPart[] => [
      { kind: 'rows', table },
      { kind: 'tombstones', table },
    ]),
  ]
}
