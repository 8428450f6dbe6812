import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeFrame, findFrame, type Frame } from './frame.ts'

/** Between two places that are remembered in a segment, bytes. */
const indexEveryBytes = 64 * 1024
const chunkBytes = 1024 * 1024

/**
 * One file of a log: entries from `base` on, without gaps. Only the last one of a log grows. Places in it are remembered
 * sparsely, of older files once somebody reads them.
 */
export class Segment {
  readonly base: number
  readonly path: string
  readonly file: FileHandle
  /** Offset behind the last entry. */
  end: number
  bytes: number
  /** When its last entry was written, wall-clock milliseconds. */
  writtenAt: number
  /** Offset and place of an entry about every 64 KiB; null: not looked at yet. */
  #index: { offset: number; at: number }[] | null

  private constructor(
    path: string,
    base: number,
    file: FileHandle,
    end: number,
    bytes: number,
    writtenAt: number,
  ) {
    this.path = path
    this.base = base
    this.file = file
    this.end = end
    this.bytes = bytes
    this.writtenAt = writtenAt
    this.#index = bytes === 0 ? [] : null
  }

  static async create(folder: string, base: number, now: number): Promise<Segment> {
    const path = join(folder, segmentName(base))
    return new Segment(path, base, await open(path, 'wx+'), base, 0, now)
  }

  /** An older file: it ends where the next one begins. */
  static async openSealed(folder: string, base: number, end: number): Promise<Segment> {
    const path = join(folder, segmentName(base))
    const file = await open(path, 'r')
    const { size, mtimeMs } = await file.stat()
    return new Segment(path, base, file, end, size, mtimeMs)
  }

  /**
   * The last file. What a crash left half written is cut off; it was never acknowledged. Throws where something is broken
   * that was on the disk before: that is no crash, and nothing here can repair it.
   */
  static async recover(folder: string, base: number): Promise<Segment> {
    const path = join(folder, segmentName(base))
    const file = await open(path, 'r+')
    const { size, mtimeMs } = await file.stat()
    const segment = new Segment(path, base, file, base, 0, mtimeMs)
    try {
      for await (const frame of segment.#scan(size)) segment.grow(frame.size)
      if (segment.bytes < size) {
        await segment.#mayBeCut(size)
        await file.truncate(segment.bytes)
        await file.datasync()
      }
    } catch (error) {
      await file.close()
      throw error
    }
    return segment
  }

  /** An entry of so many bytes now stands at the end. */
  grow(size: number): void {
    this.#index ??= []
    const last = this.#index.at(-1)
    if (last === undefined || this.bytes - last.at >= indexEveryBytes)
      this.#index.push({ offset: this.end, at: this.bytes })
    this.bytes += size
    this.end++
  }

  /** Whole frames from `from` to before `to`, of at most `bytesMax` unless the first is larger. */
  async read(from: number, to: number, bytesMax: number): Promise<Buffer> {
    await this.#remember()
    const start = this.#index!.findLast(({ offset }) => offset <= from)?.at ?? 0
    let bytes = await this.#bytes(start, Math.min(this.bytes - start, bytesMax + indexEveryBytes))
    let first = -1
    let at = 0
    for (;;) {
      const frame = decodeFrame(bytes, at)
      if (frame === 'broken')
        throw new Error(`${this.path}: broken at byte ${start + at}: restore it or resync`)
      if (frame === 'short') {
        // One entry is larger than what was read.
        if (first >= 0 || start + bytes.length >= this.bytes) break
        bytes = await this.#bytes(start, Math.min(this.bytes - start, bytes.length * 4))
        continue
      }
      if (frame.offset >= to) break
      if (frame.offset >= from) {
        if (first < 0) first = at
        else if (at + frame.size - first > bytesMax) break
      }
      at += frame.size
    }
    if (first < 0) throw new Error(`${this.path}: entry ${from} is missing: restore the file or resync`)
    return bytes.subarray(first, at)
  }

  async #remember(): Promise<void> {
    if (this.#index !== null) return
    const index: { offset: number; at: number }[] = []
    let at = 0
    for await (const frame of this.#scan(this.bytes)) {
      const last = index.at(-1)
      if (last === undefined || at - last.at >= indexEveryBytes) index.push({ offset: frame.offset, at })
      at += frame.size
    }
    if (at < this.bytes) throw new Error(`${this.path}: broken at byte ${at}: restore it or resync`)
    this.#index = index
  }

  /** Good frames from the beginning until one is not. */
  async *#scan(size: number): AsyncGenerator<Frame> {
    let at = 0
    let want = chunkBytes
    let expected = this.base
    while (at < size) {
      const bytes = await this.#bytes(at, Math.min(want, size - at))
      let used = 0
      for (;;) {
        const frame = decodeFrame(bytes, used)
        if (frame === 'broken') return
        if (frame === 'short') break
        if (frame.offset !== expected++) return
        used += frame.size
        yield frame
      }
      if (used === 0 && bytes.length === size - at) return
      want = used === 0 ? bytes.length * 4 : chunkBytes
      at += used
    }
  }

  /** Looks behind a broken place for an entry that says the place had been on the disk. */
  async #mayBeCut(size: number): Promise<void> {
    const tail = await this.#bytes(this.bytes, size - this.bytes)
    for (let at = findFrame(tail, 0); at >= 0; at = findFrame(tail, at + 1)) {
      const frame = decodeFrame(tail, at)
      if (typeof frame === 'string' || frame.synced <= this.end) continue
      throw new Error(
        `${this.path}: entry ${this.end} at byte ${this.bytes} is broken, and was whole before entry ${frame.offset} was ` +
          'written: the disk has lost it; restore the file, or move the log away and resync the peers',
      )
    }
  }

  async #bytes(at: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await this.file.read(bytes, 0, length, at)
    return bytesRead === length ? bytes : bytes.subarray(0, bytesRead)
  }
}

/** The name of the file whose first entry is `base`. */
export function segmentName(base: number): string {
  return `${String(base).padStart(16, '0')}.log`
}

/** The first entry of a file by its name; null: it is no segment. */
export function segmentBase(name: string): number | null {
  return /^\d{16}\.log$/.test(name) ? Number(name.slice(0, 16)) : null
}
