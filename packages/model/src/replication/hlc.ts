/**
 * A stamp of a hybrid logical clock (Kulkarni et al., 2014): wall-clock milliseconds and a counter, as 12 and 4
 * hexadecimal digits, so that the order of the texts is the order of the stamps.
 */
export type Hlc = string

/** A stamp further ahead of the local clock than this is not believed, milliseconds (CockroachDB's `max-offset`). */
export const hlcDriftMaxMs = 500

/** Before all stamps. */
export const hlcZero: Hlc = '0000000000000000'

const counterMax = 0xffff

/** The next stamp of this clock after `last`: later than it, and not before the wall clock. */
export function nextHlc(last: Hlc, wallMs: number): Hlc {
  const { wallMs: lastMs, counter } = parseHlc(last)
  if (wallMs > lastMs) return formatHlc(wallMs, 0)
  return counter < counterMax ? formatHlc(lastMs, counter + 1) : formatHlc(lastMs + 1, 0)
}

/**
 * What this clock's last stamp becomes when it sees `remote`: its own next stamp is later than both. Null: `remote` is
 * more than `driftMaxMs` ahead of the wall clock; the event is to be parked, and this clock does not follow.
 */
export function seenHlc(
  last: Hlc,
  remote: Hlc,
  wallMs: number,
  driftMaxMs: number = hlcDriftMaxMs,
): Hlc | null {
  if (hlcMs(remote) > wallMs + driftMaxMs) return null
  return remote > last ? remote : last
}

/** The wall-clock part, milliseconds since 1970. */
export function hlcMs(stamp: Hlc): number {
  return parseInt(stamp.slice(0, 12), 16)
}

/** Both parts of a stamp. */
export function parseHlc(stamp: Hlc): { readonly wallMs: number; readonly counter: number } {
  return { wallMs: hlcMs(stamp), counter: parseInt(stamp.slice(12), 16) }
}

/** A stamp of both parts. */
export function formatHlc(wallMs: number, counter: number): Hlc {
  return Math.floor(wallMs).toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0')
}

/** Whether a text is a stamp. */
export function isHlc(text: string): text is Hlc {
  return /^[0-9a-f]{16}$/.test(text)
}

/** Order of two writes everywhere the same: by stamp, then by the name of the site. Negative: `a` is earlier. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.hlc !== b.hlc) return a.hlc < b.hlc ? -1 : 1
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1
  return 0
}

/** When and where something was written. */
export interface Stamp {
  readonly hlc: Hlc
  readonly origin: string
}
