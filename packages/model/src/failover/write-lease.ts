/**
 * The right to accept writes of one unit, as the coordination store keeps it under `leaseKey(unit)`. It is the only
 * source of authority: whatever else was lost, this record says whose epoch it is. Every change is a compare-and-set
 * of the whole record, so two controllers cannot both move it on.
 *
 * A unit is what one lease covers: a whole service (`shop`), or with multi-active the part of it whose home is one
 * site (`shop/east`).
 */
export interface WriteLease {
  readonly unit: string
  /** From 1, one more with every grant; a write of a lower epoch is refused at the resource. */
  readonly epoch: number
  readonly site: string
  /**
   * granted: the site may take it, and has not yet: nobody accepts writes of this epoch so far.
   * held: `holder` has claimed it and accepts writes while it renews.
   * fenced: nobody may renew it any more; it ends by itself, or by the holder’s word.
   */
  readonly state: 'granted' | 'held' | 'fenced'
  /** The process that claimed it, unique for each start of a process; empty before. */
  readonly holder: string
  /** Raised with every renewal, so that a reader sees that there was one. */
  readonly renewal: number
  /** How long one renewal holds, milliseconds. */
  readonly ttlMs: number
  /** The holder stops so much earlier, and its successor starts so much later, milliseconds. */
  readonly guardMs: number
  /**
   * Other sites without whose durable answer the holder acknowledges no write: each has every acknowledged one. While it
   * is granted: those that have everything of the epoch before. The holder alone adds one, after it has begun to wait for
   * it; who takes one away must store that first.
   */
  readonly inSync: readonly string[]
  /** The last epoch that somebody claimed before this one, and may have written in; 0: none. */
  readonly heldBefore: number
  /**
   * Set by who claims: writes acknowledged in earlier epochs longer ago than this are all here, milliseconds; younger
   * ones may be missing. 0: none is. Null: nobody knows, or the unit has no earlier epoch.
   */
  readonly lossMs: number | null
}

/** How far two monotonic clocks may run apart: a thousandth, twenty times what quartz does. */
export const clockDriftMax = 1e-3

/** Where a unit’s lease is kept. */
export function leaseKey(unit: string): string {
  return `lease/${unit}`
}

/** The first grant of a unit, or the next one after `before` was fenced. `caughtUp`: the site has everything of before. */
export function grantedLease(
  unit: string,
  site: string,
  before: WriteLease | null,
  { ttlMs, guardMs }: Pick<WriteLease, 'ttlMs' | 'guardMs'>,
  caughtUp = false,
): WriteLease {
  const { epoch = 0, inSync = [], renewal = 0, heldBefore: earlier = 0 } = before ?? {}
  const heldBefore = renewal > 0 ? epoch : earlier
  return {
    unit,
    epoch: epoch + 1,
    site,
    state: 'granted',
    holder: '',
    renewal: 0,
    ttlMs,
    guardMs,
    inSync: caughtUp && !inSync.includes(site) ? [...inSync, site] : inSync,
    heldBefore,
    lossMs: null,
  }
}

/**
 * What the site’s process stores to take the lease, or to keep it; null if it must not. `lossMs` counts where it takes
 * what was granted. Another process of the same site takes over the epoch: both write to the same data.
 */
export function renewedLease(
  lease: WriteLease,
  site: string,
  holder: string,
  lossMs: number | null = null,
): WriteLease | null {
  if (lease.site !== site || lease.state === 'fenced') return null
  const taken = lease.state === 'granted' ? { state: 'held' as const, lossMs, inSync: [] } : {}
  return { ...lease, ...taken, holder, renewal: lease.renewal + 1 }
}

/** What a controller stores to let nobody renew any more. */
export function fencedLease(lease: WriteLease): WriteLease {
  return { ...lease, state: 'fenced' }
}
