import { appendFile, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BudaoEvent } from '@budao/model'

/** How the audit file is doing. */
export interface EventFileStatus {
  readonly path: string
  /** Failed attempts to write or read, since start. */
  readonly failures: number
  /** The last failure, null while the last attempt went well. */
  readonly lastError: string | null
  /** Events waiting to be written. At most 2000. */
  readonly pending: number
  /** Events that never reached the file, because too many were waiting. */
  readonly dropped: number
}

interface EventFileOptions {
  readonly fileBytesMax: number
  readonly filesMax: number
  readonly onFailure: (error: Error) => void
}

const pendingMax = 2_000
const retryMs = 1_000
const tailBytesMax = 2 * 1024 * 1024

/**
 * One JSON object a line in `events.ndjson`, older ones in `events.1.ndjson`, `events.2.ndjson`, …
 * Writes are asynchronous and batched: a disk that hangs must not stop requests from being served.
 */
export class EventFile {
  readonly #dir: string
  readonly #path: string
  readonly #options: EventFileOptions
  #pending: string[] = []
  #writing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #size = -1
  #torn = false
  #failures = 0
  #dropped = 0
  #lastError: string | null = null
  #closed = false

  constructor(dir: string, options: EventFileOptions) {
    this.#dir = dir
    this.#path = join(dir, 'events.ndjson')
    this.#options = options
  }

  get status(): EventFileStatus {
    return {
      path: this.#path,
      failures: this.#failures,
      lastError: this.#lastError,
      pending: this.#pending.length,
      dropped: this.#dropped,
    }
  }

  /** The newest events of an earlier run, ascending, at most `limit`. Lines that are not events are skipped. */
  async readTail(limit: number): Promise<BudaoEvent[]> {
    const events: BudaoEvent[] = []
    for (let index = 0; index < this.#options.filesMax && events.length < limit; index++) {
      const tail = await this.#readEnd(this.#name(index))
      if (index === 0) this.#torn = tail !== '' && !tail.endsWith('\n')
      events.unshift(...tail.split('\n').flatMap(parseEvent))
    }
    return ascending(events).slice(-limit)
  }

  append(event: BudaoEvent): void {
    if (this.#closed) return
    this.#pending.push(`${JSON.stringify(event)}\n`)
    if (this.#pending.length > pendingMax) {
      this.#pending.shift()
      this.#dropped++
    }
    // While the disk refuses, the retry timer paces the attempts, not the stream of events.
    if (this.#retry === undefined) this.#start()
  }

  /** Resolves after one attempt at everything pending. */
  async flush(): Promise<void> {
    await this.#writing
    if (this.#pending.length > 0) {
      this.#start()
      await this.#writing
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
    clearTimeout(this.#retry)
  }

  #start(): void {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined))
  }

  async #write(): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    // Lets everything reported in this turn of the loop share one write.
    await Promise.resolve()
    while (this.#pending.length > 0) {
      const lines = this.#pending
      this.#pending = []
      try {
        await this.#writeLines(lines.join(''))
        this.#lastError = null
      } catch (error) {
        this.#putBack(lines)
        this.#fail(error)
        return
      }
    }
  }

  async #writeLines(text: string): Promise<void> {
    if (this.#size < 0) {
      await mkdir(this.#dir, { recursive: true })
      this.#size = await sizeOf(this.#path)
    }
    if (this.#size > 0 && this.#size + text.length > this.#options.fileBytesMax) await this.#rotate()
    // A line torn by a crash or a full disk ends here, so that it spoils no other.
    const whole = this.#torn ? `\n${text}` : text
    this.#torn = true
    await appendFile(this.#path, whole, { mode: 0o640 })
    this.#torn = false
    this.#size += Buffer.byteLength(whole)
  }

  async #rotate(): Promise<void> {
    const last = this.#options.filesMax - 1
    await rm(this.#name(last), { force: true })
    for (let index = last - 1; index >= 0; index--) {
      await rename(this.#name(index), this.#name(index + 1)).catch(ignoreMissing)
    }
    this.#size = 0
    this.#torn = false
  }

  #name(index: number): string {
    return index === 0 ? this.#path : join(this.#dir, `events.${index}.ndjson`)
  }

  #putBack(lines: string[]): void {
    const all = [...lines, ...this.#pending]
    this.#pending = all.slice(-pendingMax)
    this.#dropped += all.length - this.#pending.length
  }

  #fail(error: unknown): void {
    this.#size = -1
    this.#failures++
    const failure = error instanceof Error ? error : new Error(String(error))
    const first = this.#lastError === null
    this.#lastError = failure.message
    if (!this.#closed) {
      this.#retry = setTimeout(() => this.#start(), retryMs)
      this.#retry.unref()
    }
    // Once per run of failures: a full disk would otherwise fill the log as well.
    if (first) this.#options.onFailure(failure)
  }

  async #readEnd(path: string): Promise<string> {
    try {
      await using file = await open(path, 'r')
      const { size } = await file.stat()
      const length = Math.min(size, tailBytesMax)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
      return buffer.toString('utf8', 0, bytesRead)
    } catch (error) {
      if (!isMissing(error)) this.#fail(error)
      return ''
    }
  }
}

function parseEvent(line: string): BudaoEvent[] {
  if (line === '') return []
  try {
    const event: Partial<BudaoEvent> | null = JSON.parse(line)
    const texts = [event?.kind, event?.at, event?.message]
    const whole = Number.isSafeInteger(event?.seq) && texts.every((text) => typeof text === 'string')
    return whole ? [event as BudaoEvent] : []
  } catch {
    // Torn by a crash, or cut by where the tail began: expected, and worth nothing.
    return []
  }
}

/** Drops repeats: a write that failed half-way is written again whole. */
function ascending(events: BudaoEvent[]): BudaoEvent[] {
  const bySeq = new Map(events.map((event) => [event.seq, event]))
  return [...bySeq.values()].toSorted((a, b) => a.seq - b.seq)
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    ignoreMissing(error)
    return 0
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
