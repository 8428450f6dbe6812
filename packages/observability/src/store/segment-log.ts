import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { LogOrigin } from '../record/log-origin.ts'
import type { RecordBatch } from './record-batch.ts'
import type { LogPlace } from './segment-reader.ts'
import { checkSegment, commitLine, type SegmentLine } from './segment-lines.ts'

/** Where a log is, and how large its pieces are. */
export interface SegmentLogOptions {
  readonly folder: string
  /** A segment is closed before it would be larger. Default 16 MiB. */
  readonly segmentBytes?: number
  /** A segment is closed when it is so old. Default one hour. */
  readonly segmentMs?: number
  /** Milliseconds since 1970. */
  now(): number
  warn(message: string): void
}

/** One file of the log. */
export interface Segment {
  readonly number: number
  /** Milliseconds since 1970. */
  readonly made: number
  /** Of the last append. */
  changed: number
  /** All of them whole. */
  bytes: number
}

/** The name of a segment’s file. */
export function segmentName(number: number): string {
  return `log-${String(number).padStart(8, '0')}.ndjson`
}

/** Numbers of the segments in a folder, ascending. */
export function segmentNumbers(folder: string): number[] {
  return readdirSync(folder)
    .map((name) => /^log-(\d{8,})\.ndjson$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .toSorted((a, b) => a - b)
}

/**
 * Records and the positions of their sources, appended together. Everything blocks: it belongs into a thread of its own.
 * Only one may write to a folder.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #segmentBytes: number
  readonly #segmentMs: number
  readonly #segments: Segment[]
  readonly #positions: Map<string, unknown>
  /** What sources are, by number, and the number by what they are. */
  readonly #origins: Map<number, LogOrigin>
  readonly #numbers: Map<string, number>
  /** Those that the segment appended to knows already. */
  #declared: Set<number>
  #file: number | null = null
  #unsynced = false

  /** Opens the log and cuts off what a crash tore. Throws where the folder cannot be used. */
  static open(options: SegmentLogOptions): SegmentLog {
    const { folder, warn } = options
    mkdirSync(folder, { recursive: true, mode: 0o750 })
    const segments: Segment[] = []
    const numbers = segmentNumbers(folder)
    let positions = new Map<string, unknown>()
    let declared = new Map<number, LogOrigin>()
    for (const number of numbers) {
      const path = join(folder, segmentName(number))
      const { size, mtimeMs } = statSync(path)
      const segment: Segment = { number, made: mtimeMs, changed: mtimeMs, bytes: size }
      if (number !== numbers.at(-1)) {
        segments.push(segment)
        continue
      }
      const check = checkSegment(readFileSync(path))
      if (check === null) {
        // Died before its first line was whole: the one before has all positions.
        rmSync(path)
        const before = segments.at(-1)
        const last = before && checkSegment(readFileSync(join(folder, segmentName(before.number))))
        if (last) positions = last.positions
        continue
      }
      if (check.end < size) {
        warn(`${path}: ${size - check.end} bytes behind the last commit are cut off`)
        // At once: the next append may begin another segment, and readers take whatever a commit line ends.
        truncateSync(path, check.end)
      }
      segments.push({ ...segment, made: check.made, bytes: check.end })
      positions = check.positions
      declared = check.sources
    }
    return new SegmentLog(options, segments, positions, declared)
  }

  private constructor(
    options: SegmentLogOptions,
    segments: Segment[],
    positions: Map<string, unknown>,
    declared: Map<number, LogOrigin>,
  ) {
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? 16 * 1_048_576
    this.#segmentMs = options.segmentMs ?? 3_600_000
    this.#segments = segments
    this.#positions = positions
    this.#origins = new Map(declared)
    this.#numbers = new Map([...declared].map(([number, origin]) => [originKey(origin), number]))
    this.#declared = new Set(declared.keys())
  }

  /** Up to where each source has been read, as of the last append. */
  get positions(): ReadonlyMap<string, unknown> {
    return this.#positions
  }

  /** Oldest first; the last one is appended to. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** The number that a source’s lines refer to it by. */
  sourceNumber(origin: LogOrigin): number {
    const key = originKey(origin)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = Math.max(0, ...this.#origins.keys()) + 1
    this.#numbers.set(key, number)
    this.#origins.set(number, origin)
    return number
  }

  /** What such a number stands for. */
  origin(source: number): LogOrigin {
    return this.#origins.get(source)!
  }

  /**
   * Appends records, and what their sources are read up to by then: all of it or nothing. Throws when
   * the disk does not take it; the same may be tried again.
   */
  append({ bytes: records, facts }: RecordBatch, positions: Readonly<Record<string, unknown>>): LogPlace {
    const segment = this.#segmentFor(records.length)
    let declarations = ''
    const undeclared = [...facts.sources].filter((source) => !this.#declared.has(source))
    for (const source of undeclared)
      declarations += `${JSON.stringify({ source, ...this.origin(source) } satisfies SegmentLine)}\n`
    const bytes = declarations === '' ? records : Buffer.concat([Buffer.from(declarations), records])
    const commit = Buffer.from(commitLine(bytes, facts.lines, this.#options.now(), positions))
    const offset = segment.bytes
    this.#write(segment, bytes, commit)
    for (const source of undeclared) this.#declared.add(source)
    for (const [id, position] of Object.entries(positions)) {
      if (position === null) this.#positions.delete(id)
      else this.#positions.set(id, position)
    }
    return { segment: segment.number, offset }
  }

  /** Has what was appended on the disk. */
  sync(): void {
    if (this.#file === null || !this.#unsynced) return
    fdatasyncSync(this.#file)
    this.#unsynced = false
  }

  /** Takes away the oldest segment, unless it is the one that is appended to. */
  removeOldest(): Segment | undefined {
    if (this.#segments.length < 2) return undefined
    const segment = this.#segments.shift()!
    rmSync(join(this.#options.folder, segmentName(segment.number)), { force: true })
    return segment
  }

  close(): void {
    this.sync()
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }

  #segmentFor(bytes: number): Segment {
    const last = this.#segments.at(-1)
    const now = this.#options.now()
    const full = last !== undefined && last.bytes > 0 && last.bytes + bytes > this.#segmentBytes
    if (last === undefined || full || now - last.made > this.#segmentMs) return this.#begin(now)
    if (this.#file === null) {
      this.#file = openSync(this.#path(last), 'r+')
    }
    return last
  }

  /** Under another name until its first line is whole: a segment that is there has all positions. */
  #begin(made: number): Segment {
    this.close()
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    const segment: Segment = { number, made, changed: made, bytes: 0 }
    const path = this.#path(segment)
    const first: SegmentLine = { segment: number, made, positions: Object.fromEntries(this.#positions) }
    const file = openSync(`${path}.new`, 'w', 0o640)
    try {
      segment.bytes = writeAll(file, Buffer.from(`${JSON.stringify(first)}\n`), 0)
      fdatasyncSync(file)
      renameSync(`${path}.new`, path)
    } catch (error) {
      closeSync(file)
      throw error
    }
    this.#file = file
    this.#declared = new Set()
    this.#segments.push(segment)
    return segment
  }

  #write(segment: Segment, bytes: Buffer, commit: Buffer): void {
    const file = this.#file!
    try {
      const end = segment.bytes + bytes.length
      writeAll(file, bytes, segment.bytes)
      writeAll(file, commit, end)
      segment.bytes = end + commit.length
      segment.changed = this.#options.now()
      this.#unsynced = true
    } catch (error) {
      // A full disk still lets go of what it took.
      ftruncateSync(file, segment.bytes)
      throw error
    }
  }

  #path({ number }: Pick<Segment, 'number'>): string {
    return join(this.#options.folder, segmentName(number))
  }
}

function originKey({ resource, attributes }: LogOrigin): string {
  return JSON.stringify([resource, attributes])
}

function writeAll(file: number, bytes: Buffer, position: number): number {
  let written = 0
  while (written < bytes.length)
    written += writeSync(file, bytes, written, bytes.length - written, position + written)
  return written
}
