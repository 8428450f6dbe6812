import { setTimeout as sleep } from 'node:timers/promises'
import { LogFile, LogStdout, type LogTarget } from './log-target.ts'

const flushBytes = 65_536
const flushMs = 200
const pendingBytesMax = 1_048_576
/** A pipe nobody reads from for now is tried again after this time. */
const busyMs = 20

/** What the outside gives an access log. */
export interface AccessLogEnv {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  warn(message: string): void
}

/**
 * Lines on their way to a file or to standard output, written in batches of 64 KiB or after 200 ms. At most 1 MiB
 * waits for a slow disk; lines beyond that, and those of a write that failed, are dropped and counted, and the count
 * is a line of its own as soon as writing goes on. Nobody waits for it and nothing it does throws.
 */
export class AccessLog {
  readonly #target: LogTarget
  readonly #env: AccessLogEnv
  readonly #closeMs: number
  #pending = ''
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #dropped = 0
  #failing = false
  /** The last write that failed left part of a line behind. */
  #cut = false
  #closed = false

  /** Opens `path` for appending; null is standard output. Rejects when it cannot be opened. */
  static async open(path: string | null, env: AccessLogEnv): Promise<AccessLog> {
    return new AccessLog(path === null ? new LogStdout() : await LogFile.open(path, env), env)
  }

  /** `closeMs`: how long `close` waits for what is not written yet. */
  constructor(target: LogTarget, env: AccessLogEnv, { closeMs = 2_000 }: { readonly closeMs?: number } = {}) {
    this.#target = target
    this.#env = env
    this.#closeMs = closeMs
  }

  /** Lines dropped that no line has told of yet. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes one line, in ASCII and with its line end. */
  write(line: string): void {
    if (this.#closed || this.#pending.length + line.length > pendingBytesMax) {
      this.#dropped++
      return
    }
    this.#pending += line
    if (this.#pending.length >= flushBytes) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref()
  }

  /** Starts writing what waits. Resolves when all of it is written or dropped; never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing === undefined && this.#hasWork()) this.#writing = this.#writeAll()
    return this.#writing ?? Promise.resolve()
  }

  /** Writes what waits, for at most 2 s, and lets go of the file. Later lines are dropped. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const deadline = new AbortController()
    const late = sleep(this.#closeMs, undefined, { signal: deadline.signal }).catch(() => {})
    await Promise.race([this.flush().then(() => this.#target.close()), late])
    deadline.abort()
    if (this.#dropped > 0)
      this.#env.warn(`${this.#dropped} lines could not be written to ${this.#target.name}`)
  }

  #hasWork(): boolean {
    return this.#pending !== '' || (this.#closed && this.#dropped > 0 && !this.#failing)
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#hasWork()) {
        const lines = this.#pending
        const dropped = this.#dropped
        this.#pending = ''
        const start = `${this.#cut ? '\n' : ''}${dropped === 0 ? '' : this.#notice(dropped)}`
        const bytes = Buffer.from(start + lines, 'latin1')
        const written = await this.#writeBatch(bytes)
        // Cut right before its line end a notice is whole: the next batch begins with that.
        if (written >= start.length - 1) this.#dropped -= dropped
        this.#dropped += countLines(bytes, Math.max(written, start.length))
      }
    } finally {
      // Here and not behind the promise: no line may come between the last look and this.
      this.#writing = undefined
    }
  }

  /** Returns how many bytes are sure to be written. */
  async #writeBatch(bytes: Buffer): Promise<number> {
    let written = 0
    try {
      await this.#target.prepare()
      while (written < bytes.length) {
        const count = await this.#target.write(bytes.subarray(written))
        if (count === 0) await sleep(busyMs, undefined, { ref: false })
        written += count
      }
      this.#cut = false
      if (this.#failing) this.#env.warn(`${this.#target.name} takes lines again`)
      this.#failing = false
    } catch (error) {
      if (written > 0) this.#cut = bytes[written - 1] !== lineEnd
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#failing) this.#env.warn(`${this.#target.name}: ${reason}; lines are dropped and counted`)
      this.#failing = true
    }
    return written
  }

  #notice(dropped: number): string {
    const timestamp = new Date(this.#env.wallNow()).toISOString()
    return `{"timestamp":"${timestamp}","budao.event":"access_log.dropped","budao.dropped_lines":${dropped}}\n`
  }
}

const lineEnd = 0x0a

/** Lines that end behind `start`: each is lost, the one that was cut included. */
function countLines(bytes: Buffer, start: number): number {
  let count = 0
  for (let at = bytes.indexOf(lineEnd, start); at >= 0; at = bytes.indexOf(lineEnd, at + 1)) count++
  return count
}
