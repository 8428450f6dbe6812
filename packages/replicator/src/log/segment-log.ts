import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type AckLevel,
  type EventLog,
  type LogBounds,
  LogFullError,
  type LogPosition,
  type LogReader,
  LogTruncatedError,
  type ReadOptions,
  type Transaction,
  truncation,
} from '@budao/model'
import { writeTransaction } from './entry-text.ts'
import { encodeFrame, placeFrame } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { Segment, segmentBase } from './segment.ts'

/** Where a log lies, and how much of it is kept. */
export interface SegmentLogOptions {
  readonly folder: string
  /** A file of it is closed beyond this, bytes. Default 64 MiB. */
  readonly segmentBytes?: number
  /** Most it may take on the disk, bytes. Default 4 GiB. */
  readonly bytesMax?: number
  /** Entries older than this are removed, read or not, milliseconds. Default 7 days. */
  readonly keepMs?: number
  /** Wall-clock milliseconds. */
  readonly now?: () => number
  /** The log has passed 80 % of `bytesMax`, or is below it again. */
  readonly onFill?: (percent: number) => void
}

/** Appends wait beyond so many bytes that are not written yet. */
const pendingBytesMax = 16 * 1024 * 1024
const writeBytesMax = 4 * 1024 * 1024
const alarmPercent = 80

interface Pending {
  readonly frame: Buffer
  /** Told once it is on the disk; null: nobody waits. */
  readonly done: Waiting | null
}

interface Waiting {
  readonly resolve: (position: LogPosition) => void
  readonly reject: (error: unknown) => void
}

/**
 * The embedded event log: one partition in segment files. What arrives while the disk is busy is written and synced
 * together, so that the price of a sync is shared. Readers see only what is on the disk: a peer never has what this site
 * could still lose.
 */
export class SegmentLog implements EventLog {
  readonly partitions = 1
  readonly #options: Required<Omit<SegmentLogOptions, 'onFill'>>
  readonly #onFill: (percent: number) => void
  readonly #logId: string
  readonly #segments: Segment[]
  /** Offset behind the last entry that is on the disk. */
  #durable: number
  /** Offset of the next entry that is appended. */
  #next: number
  /** Everybody who needs them has the entries below. */
  #released = 0
  #pending: Pending[] = []
  #pendingBytes = 0
  #room: (() => void)[] = []
  #writing: Promise<void> | null = null
  #failed: Error | null = null
  #alarmed = false
  #closed = false
  readonly #grown: Set<() => void> = new Set()

  private constructor(
    options: SegmentLogOptions & Required<Omit<SegmentLogOptions, 'onFill'>>,
    logId: string,
    segments: Segment[],
  ) {
    this.#options = options
    this.#onFill = options.onFill ?? (() => {})
    this.#logId = logId
    this.#segments = segments
    this.#durable = segments.at(-1)!.end
    this.#next = this.#durable
  }

  /** Opens or begins the log. Throws where entries that were on the disk are broken. */
  static async open(given: SegmentLogOptions): Promise<SegmentLog> {
    const options = {
      segmentBytes: 64 * 1024 * 1024,
      bytesMax: 4 * 1024 ** 3,
      keepMs: 7 * 86_400_000,
      now: Date.now,
      ...given,
    }
    await mkdir(options.folder, { recursive: true })
    const logId = await identity(options.folder)
    const bases = (await readdir(options.folder))
      .map((name) => segmentBase(name))
      .filter((base) => base !== null)
      .toSorted((a, b) => a - b)
    const segments: Segment[] = []
    try {
      for (const [index, base] of bases.entries()) {
        const next = bases[index + 1]
        segments.push(
          next === undefined
            ? await Segment.recover(options.folder, base)
            : await Segment.openSealed(options.folder, base, next),
        )
      }
      if (segments.length === 0) segments.push(await Segment.create(options.folder, 0, options.now()))
      await syncFolder(options.folder)
    } catch (error) {
      for (const { file } of segments) await file.close()
      throw error
    }
    return new SegmentLog(options, logId, segments)
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get logId(): string {
    return this.#logId
  }

  async append(transactions: readonly Transaction[], ack: AckLevel): Promise<readonly LogPosition[]> {
    if (transactions.length === 0) return []
    while (this.#pendingBytes > pendingBytesMax && !this.#closed) {
      await new Promise<void>((resolve) => this.#room.push(resolve))
    }
    if (this.#closed) throw new Error('the event log is closed')
    if (this.#failed !== null) throw this.#failed
    if (this.#isFull()) {
      throw new LogFullError(
        `the event log holds ${this.bytes} bytes that not all peers have read, expected at most ${this.#options.bytesMax}: ` +
          'bring the peer back, or raise replication.log.bytesMax',
      )
    }
    const frames = transactions.map((each) => encodeFrame(writeTransaction(each)))
    const last = frames.length - 1
    const durable = new Promise<LogPosition>((resolve, reject) => {
      for (const [index, frame] of frames.entries()) {
        this.#pending.push({ frame, done: index === last ? { resolve, reject } : null })
        this.#pendingBytes += frame.length
      }
      this.#next += frames.length
    })
    const position = this.#position(this.#next - 1)
    this.#writing ??= this.#write()
    if (ack === 'durable') return [await durable]
    durable.catch(() => {})
    return [position]
  }

  async bounds(_partition: number = 0): Promise<LogBounds> {
    return this.#bounds()
  }

  read(from: LogPosition, { bytesMax = 1024 * 1024 }: ReadOptions = {}): LogReader {
    return new FrameReader({ from, bytesMax, frames: (at, size, signal) => this.frames(at, size, signal) })
  }

  /**
   * Frames as they lie on the disk from `from` on, at least one; waits until there is one. Empty once `signal` says so or the
   * log closes. Throws `LogTruncatedError`.
   */
  async frames(from: LogPosition, bytesMax: number, signal: AbortSignal): Promise<Buffer> {
    for (;;) {
      const bounds = this.#bounds()
      if (truncation(from, bounds) !== null) throw new LogTruncatedError(from, bounds)
      if (signal.aborted || this.#closed) return Buffer.alloc(0)
      if (from.offset === this.#durable) {
        await this.#growth(signal)
        continue
      }
      const segment = this.#segments.findLast(({ base }) => base <= from.offset)!
      try {
        return await segment.read(from.offset, this.#durable, bytesMax)
      } catch (error) {
        // It was removed just now: the bounds say so.
        if (this.#segments.includes(segment)) throw error
      }
    }
  }

  /** All who need them have the entries below `offset`: their files may go when the disk is needed. */
  release(offset: number): void {
    this.#released = Math.max(this.#released, offset)
  }

  /** Removes what is older than is kept. Called now and then. */
  async clean(): Promise<void> {
    const oldest = this.#options.now() - this.#options.keepMs
    while (this.#segments.length > 1 && this.#segments[0]!.writtenAt < oldest) await this.#removeOldest()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    for (const resolve of this.#room.splice(0)) resolve()
    await this.#writing
    for (const { file } of this.#segments) await file.close()
  }

  #bounds(): LogBounds {
    return { logId: this.#logId, first: this.#segments[0]!.base, end: this.#durable }
  }

  #position(offset: number): LogPosition {
    return { logId: this.#logId, partition: 0, offset }
  }

  #isFull(): boolean {
    return this.bytes + this.#pendingBytes >= this.#options.bytesMax && !this.#oldestMayGo()
  }

  #oldestMayGo(): boolean {
    return this.#segments.length > 1 && this.#segments[1]!.base <= this.#released
  }

  /** Writes what is pending, again and again until nothing is. */
  async #write(): Promise<void> {
    // The turn of whoever appended first ends before: what others append in it goes along.
    await Promise.resolve()
    while (this.#pending.length > 0 && this.#failed === null) {
      const batch = this.#take()
      try {
        await this.#writeBatch(batch)
      } catch (error) {
        // Nobody knows what is on the disk now. Opening the log again finds out.
        this.#failed = error as Error
        for (const { done } of [...batch, ...this.#pending]) done?.reject(error)
        this.#pending = []
        this.#pendingBytes = 0
      }
    }
    this.#writing = null
  }

  #take(): Pending[] {
    let bytes = 0
    let count = 0
    while (count < this.#pending.length && (count === 0 || bytes < writeBytesMax)) {
      bytes += this.#pending[count++]!.frame.length
    }
    return this.#pending.splice(0, count)
  }

  async #writeBatch(batch: readonly Pending[]): Promise<void> {
    const segment = await this.#writable()
    const frames = batch.map(({ frame }) => frame)
    const before = segment.bytes
    for (const frame of frames) {
      placeFrame(frame, segment.end, this.#durable)
      segment.grow(frame.length)
    }
    const bytes = segment.bytes - before
    await writeAll(segment, frames, before)
    await segment.file.datasync()
    segment.writtenAt = this.#options.now()
    const first = this.#durable
    this.#durable = segment.end
    this.#pendingBytes -= bytes
    for (const [index, { done }] of batch.entries()) done?.resolve(this.#position(first + index))
    for (const resolve of this.#room.splice(0)) resolve()
    this.#wake()
    await this.#lookAtFill()
  }

  async #writable(): Promise<Segment> {
    const last = this.#segments.at(-1)!
    if (last.bytes < this.#options.segmentBytes) return last
    const next = await Segment.create(this.#options.folder, last.end, this.#options.now())
    await syncFolder(this.#options.folder)
    this.#segments.push(next)
    return next
  }

  async #lookAtFill(): Promise<void> {
    while (this.bytes >= this.#options.bytesMax * (alarmPercent / 100) && this.#oldestMayGo()) {
      await this.#removeOldest()
    }
    const percent = (this.bytes / this.#options.bytesMax) * 100
    if (percent >= alarmPercent !== this.#alarmed) {
      this.#alarmed = !this.#alarmed
      this.#onFill(percent)
    }
  }

  async #removeOldest(): Promise<void> {
    const oldest = this.#segments.shift()!
    await rm(oldest.path)
    await oldest.file.close()
  }

  #growth(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#grown.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#grown.add(done)
      signal.addEventListener('abort', done)
    })
  }

  #wake(): void {
    for (const done of this.#grown) done()
  }
}

async function writeAll(segment: Segment, frames: readonly Buffer[], at: number): Promise<void> {
  const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames)
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await segment.file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

/** The id of this life of the log, made when it begins. */
async function identity(folder: string): Promise<string> {
  const path = join(folder, 'log.json')
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as { id: string }).id
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const id = randomUUID()
  const file = await open(`${path}.new`, 'w')
  await file.writeFile(JSON.stringify({ id }))
  await file.sync()
  await file.close()
  await rename(`${path}.new`, path)
  return id
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
