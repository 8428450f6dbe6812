import type { Row } from '@budao/model'

/** A row that two sites have differently, and have had so for longer than changes are under way. */
export interface VerifiedDifference {
  readonly table: string
  readonly key: string
  /** By site; null: it is not there. */
  readonly rows: Readonly<Record<string, Row | null>>
  /** What it is to be by the table's rule; null: it is to go; absent: it is left to a person. */
  readonly right?: Row | null
}

/** What came of comparing one table. */
export interface VerifiedTable {
  readonly table: string
  readonly rows: number
  readonly chunks: number
  /** Of files the first 1000 of them. */
  readonly different: readonly VerifiedDifference[]
  readonly differentCount: number
  /** Keys of rows that went on changing: to be looked at again. */
  readonly undecided: readonly string[]
  /** Keys of rows that were made equal; empty without `repair`. */
  readonly repaired: readonly string[]
}

/** How sites are compared. */
export interface VerifyRequest {
  /** Makes rows equal that differ. Otherwise nothing is changed. */
  readonly repair: boolean
  /** A row counts as different only when neither site has changed it for so long, milliseconds. Default 5000. */
  readonly settleMs?: number
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** How far a comparison is. */
export interface VerifyProgress {
  readonly table: string
  readonly rows: number
  /** About so many there are. */
  readonly rowsTotal: number
  /** Rows that differ at the moment; most are under way. */
  readonly suspects: number
}
