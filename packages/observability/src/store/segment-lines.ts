import { crc32 } from 'node:zlib'
import type { LogOrigin } from '../record/log-origin.ts'

/**
 * A segment is NDJSON. Its lines are of four kinds, told apart by how they begin:
 * - `{"segment":…}` the first: its number, and where every source was read up to before it
 * - `{"source":…}` what a number in later lines stands for
 * - `{"ts":…}` a record
 * - `{"commit":…}` what came since the last commit is whole, and sources are read up to here
 *
 * Records and positions are one append, so a source is never read twice and never skipped, whatever dies when.
 */
export type SegmentLine =
  | { readonly segment: number; readonly made: number; readonly positions: Readonly<Record<string, unknown>> }
  | ({ readonly source: number } & LogOrigin)
  | { readonly commit: Commit }

/** Ends a batch. */
export interface Commit {
  /** Records in it. */
  readonly lines: number
  /** CRC-32 of the bytes since the commit before, or since the first line. */
  readonly crc: number
  /** When it was appended, in milliseconds since 1970. */
  readonly at: number
  /** What changed: up to where each source is read, null for one that is forgotten. Opaque to the store. */
  readonly positions?: Readonly<Record<string, unknown>>
}

/** Text that a record's line begins with. */
export const recordStart = '{"ts":'

/** And that of a segment’s first, and of a batch’s last. */
export const segmentStart = '{"segment":'
export const commitStart = '{"commit":'

/** The line that ends a batch. */
export function commitLine(
  bytes: Buffer,
  lines: number,
  at: number,
  positions: Readonly<Record<string, unknown>>,
): string {
  const some = Object.keys(positions).length > 0
  const commit: Commit = { lines, crc: crc32(bytes), at, ...(some ? { positions } : {}) }
  return `${JSON.stringify({ commit })}\n`
}

/** What is good in the bytes of a segment. */
export interface SegmentCheck {
  /** Everything before is whole; what is behind was torn. */
  readonly end: number
  readonly number: number
  readonly made: number
  readonly lines: number
  /** Positions of its first line with every commit's changes. */
  readonly positions: Map<string, unknown>
  readonly sources: Map<number, LogOrigin>
}

const lineEnd = 0x0a
const commitBytes = Buffer.from(commitStart)
const sourceStart = Buffer.from('{"source":')

/** Looks for the last commit that is whole. Null when not even the first line is. */
export function checkSegment(bytes: Buffer): SegmentCheck | null {
  const firstEnd = bytes.indexOf(lineEnd)
  const first = firstEnd < 0 ? undefined : (parse(bytes, 0, firstEnd) as SegmentLine | undefined)
  if (first === undefined || !('segment' in first)) return null
  const positions = new Map(Object.entries(first.positions))
  const sources = new Map<number, LogOrigin>()
  let end = firstEnd + 1
  let lines = 0
  for (;;) {
    const at = nextCommit(bytes, end)
    const stop = at < 0 ? -1 : bytes.indexOf(lineEnd, at)
    if (stop < 0) break
    const found = parse(bytes, at, stop) as { readonly commit: Commit } | undefined
    const batch = bytes.subarray(end, at)
    if (found === undefined || crc32(batch) !== found.commit.crc) break
    for (const [source, origin] of sourcesIn(batch)) sources.set(source, origin)
    for (const [id, position] of Object.entries(found.commit.positions ?? {})) {
      if (position === null) positions.delete(id)
      else positions.set(id, position)
    }
    lines += found.commit.lines
    end = stop + 1
  }
  return { end, number: first.segment, made: first.made, lines, positions, sources }
}

/** The checksum that a batch’s last line says. */
export function crcOfCommit(line: string): number {
  return Number(/"crc":(\d+)/.exec(line)?.[1])
}

/** Sources that a piece of a segment declares. */
export function* sourcesIn(bytes: Buffer): Generator<readonly [number, LogOrigin]> {
  for (let at = bytes.indexOf(sourceStart); at >= 0;) {
    const stop = bytes.indexOf(lineEnd, at)
    if (stop < 0) return
    // The same text may stand in a record's message, never at the beginning of a line.
    if (at === 0 || bytes[at - 1] === lineEnd) {
      const line = parse(bytes, at, stop) as ({ readonly source: number } & LogOrigin) | undefined
      if (line !== undefined) yield [line.source, { resource: line.resource, attributes: line.attributes }]
    }
    at = bytes.indexOf(sourceStart, stop)
  }
}

function nextCommit(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(commitBytes, from)
  while (at > 0 && bytes[at - 1] !== lineEnd) at = bytes.indexOf(commitBytes, at + 1)
  return at
}

function parse(bytes: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', from, to))
  } catch {
    return undefined
  }
}
