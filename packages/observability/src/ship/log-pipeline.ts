import { RecordBatch } from '../store/record-batch.ts'
import type { LogStore } from '../store/log-store.ts'
import type { ChunkTexts } from './chunk-lines.ts'
import type { LogInput } from './log-input.ts'
import { TailSet } from './tail-set.ts'
import type { FilePosition, TailedFile } from './tailed-file.ts'

/** What the outside gives the pipeline. */
export interface LogPipelineEnv {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  /** Whether what waits for sinks leaves room for more. */
  hasRoom(): boolean
  /** Every record, in the order it is appended: lines as they are in the store, good until it returns. */
  tap?(lines: Buffer): void
}

/** Counted since the start. */
export interface PipelineCounts {
  lines: number
  bytes: number
  /** Lines that were cut. */
  truncated: number
  /** Lines with bytes that are not of the encoding, or NUL. */
  damaged: number
  /** Appends that the disk did not take; each was tried again. */
  failed: number
}

/** What a turn came to. `more`: there is more to read at once. */
export type Turn = 'more' | 'idle' | 'blocked'

const lineEnd = 0x0a
/** Bytes of files in one append, at about. */
const batchBytes = 131_072
const lookMs = 100
const scanMs = 1_000
/** A rotation is heard of by its folder: with few generations kept there is little time. */
const askMs = 10

/**
 * From files into the store: each turn reads some of every file and appends lines with positions. It takes in no more than it has
 * appended, so a full disk or a sink that is away stops the reading, and the files are the buffer.
 */
export class LogPipeline {
  readonly tails: TailSet
  readonly counts: PipelineCounts = { lines: 0, bytes: 0, truncated: 0, damaged: 0, failed: 0 }
  /** Why nothing can be appended; null while it can. */
  problem: Error | null = null
  readonly #store: LogStore
  readonly #env: LogPipelineEnv
  readonly #buffer: Buffer
  readonly #batch = new RecordBatch()
  #positions: Record<string, FilePosition | null> = {}
  #bytes = 0
  #lookAt = 0
  #scanAt = 0
  #askAt = 0

  constructor(store: LogStore, inputs: readonly LogInput[], env: LogPipelineEnv) {
    this.#store = store
    this.#env = env
    const lineBytesMax = Math.max(0, ...inputs.map((input) => input.lineBytesMax))
    this.#buffer = Buffer.allocUnsafeSlow(lineBytesMax + 65_536)
    this.tails = new TailSet(inputs, store.log.positions as ReadonlyMap<string, FilePosition>, env.now())
  }

  /** Reads and appends for a while. */
  turn(): Turn {
    if (this.#pending && !this.#append()) return 'blocked'
    if (!this.#env.hasRoom()) return 'blocked'
    const now = this.#env.now()
    this.#find(now)
    let more = false
    for (const file of this.tails.files) {
      if (!this.#readOnce(file, now)) continue
      more = true
      if (this.#bytes < batchBytes) continue
      if (!this.#append()) return 'blocked'
      // With much to read a turn is long, and what was rotated away may be deleted soon.
      this.#find(this.#env.now())
    }
    if (this.#pending && !this.#append()) return 'blocked'
    return more ? 'more' : 'idle'
  }

  /** Soon after a change of a folder: looks again at once. */
  wake(): void {
    this.#scanAt = this.#lookAt = 0
  }

  close(): void {
    this.tails.close()
  }

  /** Which files there are, as often as is due. Nothing may be pending: what is read later is newer than what is found of a file now. */
  #find(now: number): void {
    if (now >= this.#scanAt || (now >= this.#askAt && this.tails.isStale)) {
      this.#scanAt = now + scanMs
      this.tails.scan(now)
    }
    if (now >= this.#askAt) this.#askAt = now + askMs
    if (now >= this.#lookAt) {
      this.#lookAt = now + lookMs
      this.tails.look(now)
    }
    this.#positions = this.tails.takeChanges()
  }

  get #pending(): boolean {
    for (const _ in this.#positions) return true
    return false
  }

  #readOnce(file: TailedFile, now: number): boolean {
    const last = this.tails.isOver(file, now)
    let read: ChunkTexts | null
    try {
      read = file.read(this.#buffer, now, last)
    } catch {
      this.tails.lose(file, now)
      return false
    }
    if (read === null) {
      if (last && file.unread <= 0) this.tails.finish(file, now)
      return false
    }
    if (read.consumed === 0) return false
    const observed = this.#env.wallNow()
    if (file.source === 0) file.source = this.#store.log.sourceNumber(file.input.originOf(file.base))
    const { source, input } = file
    for (const text of read.texts) if (text !== '') this.#batch.add(input.parse(text, source, observed))
    if (read.json !== null) this.#addJson(read.json, input, source, observed)
    this.counts.truncated += read.truncated
    this.counts.damaged += read.damaged
    this.counts.bytes += read.consumed
    this.#bytes += read.consumed
    this.#positions[file.id] = file.position
    return true
  }

  /** Lines that are copied where they can be, and parsed where not. */
  #addJson(json: Buffer, input: LogInput, source: number, observed: number): void {
    for (let from = 0; from < json.length;) {
      const next = this.#batch.addJson(json, from, source, observed, input.lineBytesMax)
      if (next >= 0) {
        from = next
        continue
      }
      const end = json.indexOf(lineEnd, from)
      const to = end < 0 ? json.length : end
      const { text, truncated } = input.reader.lineOf(json, from, to)
      if (text !== '') this.#batch.add(input.parse(text, source, observed))
      this.counts.truncated += truncated
      from = to + 1
    }
  }

  #append(): boolean {
    try {
      this.#store.append(this.#batch, this.#positions)
    } catch (error) {
      this.counts.failed++
      this.problem = error as Error
      return false
    }
    this.problem = null
    this.counts.lines += this.#batch.facts.lines
    this.#env.tap?.(this.#batch.bytes)
    this.#batch.clear()
    this.#positions = {}
    this.#bytes = 0
    return true
  }
}
