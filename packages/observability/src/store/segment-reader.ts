import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { commitStart } from './segment-lines.ts'
import { segmentName, segmentNumbers } from './segment-log.ts'

/** A place between two batches. */
export interface LogPlace {
  readonly segment: number
  readonly offset: number
}

/** A piece of the log: whole batches. */
export interface LogPiece {
  readonly segment: number
  readonly offset: number
  readonly bytes: Buffer
  /** Where to go on. */
  readonly next: LogPlace
}

const defaultPieceBytes = 262_144
const commitBytes = Buffer.from(commitStart)
const lineEnd = 0x0a

/** Memory that is used again for each piece: one is good until the next. Otherwise each is something that a collection has to find. */
export class PieceMemory {
  /** Of a piece, at about. */
  readonly pieceBytes: number
  #buffer = Buffer.alloc(0)

  constructor(pieceBytes: number = defaultPieceBytes) {
    this.pieceBytes = pieceBytes
  }

  take(bytes: number): Buffer {
    // What one large batch took is not kept for ever.
    if (bytes > this.#buffer.length || this.#buffer.length > 4 * this.pieceBytes)
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, this.pieceBytes))
    return this.#buffer.subarray(0, bytes)
  }
}

/**
 * The batches behind a place, about 256 KiB of them unless the memory says otherwise; null when there is none yet. A place in a segment that is gone, or
 * behind the end of one that a crash shortened, becomes the next there is.
 */
export function readLog(folder: string, place: LogPlace, memory?: PieceMemory): LogPiece | null {
  const numbers = segmentNumbers(folder)
  let segment = numbers.find((number) => number >= place.segment)
  let offset = segment === place.segment ? place.offset : 0
  while (segment !== undefined) {
    const here = segment
    const piece = readSegment(join(folder, segmentName(here)), offset, memory)
    if (piece !== null)
      return { segment: here, offset, ...piece, next: { segment: here, offset: offset + piece.bytes.length } }
    // Only of a segment that has a successor the end is the end. The list was made before it was read.
    segment = numbers.find((number) => number > here)
    offset = 0
  }
  return null
}

/** Behind everything there is now. */
export function logEnd(folder: string): LogPlace {
  const segment = segmentNumbers(folder).at(-1)
  if (segment === undefined) return { segment: 0, offset: 0 }
  return { segment, offset: statSync(join(folder, segmentName(segment))).size }
}

/** Exactly these bytes of a segment; null where it is gone. */
export function readBlock(folder: string, segment: number, offset: number, length: number): Buffer | null {
  return readBytes(join(folder, segmentName(segment)), offset, length)
}

function readSegment(
  path: string,
  offset: number,
  memory: PieceMemory | undefined,
): { readonly bytes: Buffer } | null {
  for (let length = memory?.pieceBytes ?? defaultPieceBytes; ; length *= 4) {
    const bytes = readBytes(path, offset, length, memory)
    if (bytes === null || bytes.length === 0) return null
    // Without a commit the batch is larger than the piece, or not there yet.
    const end = endOfCommits(bytes)
    if (end > 0) return { bytes: bytes.subarray(0, end) }
    if (bytes.length < length) return null
  }
}

/** Behind the last commit that is whole; 0 where there is none. Line by line from the end: a search for its text takes six times as long. */
function endOfCommits(bytes: Buffer): number {
  for (let end = bytes.lastIndexOf(lineEnd); end > 0;) {
    const before = bytes.lastIndexOf(lineEnd, end - 1)
    if (commitBytes.compare(bytes, before + 1, before + 1 + commitBytes.length) === 0) return end + 1
    end = before
  }
  return 0
}

function readBytes(path: string, offset: number, length: number, memory?: PieceMemory): Buffer | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    // Who waits for more looks ten times a second, mostly for nothing.
    const size = Math.max(0, Math.min(length, fstatSync(file).size - offset))
    const bytes = memory?.take(size) ?? Buffer.allocUnsafe(size)
    let read = 0
    while (read < bytes.length) {
      const count = readSync(file, bytes, read, bytes.length - read, offset + read)
      if (count === 0) break
      read += count
    }
    return bytes.subarray(0, read)
  } finally {
    closeSync(file)
  }
}
