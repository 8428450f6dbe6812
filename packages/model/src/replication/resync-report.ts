/**
 * opening, clearing, loading, replaying: the site is filled; nobody writes here. waiting: for everything written here to be in
 * the log, and read by the other site. undoing: rows become what they are there. catching-up: what was written there meanwhile
 * is applied. comparing: sums, then rows. verified: both sites are equal. diverged: they are not. failed: see `why`.
 */
export type ResyncPhase =
  | 'opening'
  | 'clearing'
  | 'loading'
  | 'replaying'
  | 'waiting'
  | 'undoing'
  | 'catching-up'
  | 'comparing'
  | 'verified'
  | 'diverged'
  | 'failed'

/** A write of this site that the other has not taken: its epoch had ended. */
export interface LostWrite {
  readonly id: string
  readonly table: string
  readonly key: string
}

/** How a site is made equal to another one. */
export interface ResyncReport {
  /** bootstrap: all of it is replaced. restore: what did not make it is undone. */
  readonly kind: 'bootstrap' | 'restore'
  readonly from: string
  readonly phase: ResyncPhase
  /** Rows that are in, of about `rowsTotal`. */
  readonly rows: number
  readonly rowsTotal: number
  /** Writes of this site that did not make it: they are dead letters at `from`. */
  readonly lost: readonly LostWrite[]
  /** Rows that were undone for it. */
  readonly undone: number
  /** Rows that are not the same after all. */
  readonly different: number
  /** Rows that went on changing while they were compared. */
  readonly undecided: number
  readonly why: string
  readonly startedAt: string
  readonly endedAt: string | null
}

/** Whether it goes on. */
export function isUnderWay({ phase }: ResyncReport): boolean {
  return phase !== 'verified' && phase !== 'diverged' && phase !== 'failed'
}
