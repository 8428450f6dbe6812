import type { ErrorCode } from '../errors.ts'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import type { RequestHead } from '../http/request-head.ts'

/**
 * The body of one request: where it ends, and what of it is kept for another attempt. It is kept whole while it is
 * small; once it has grown past `keptMax` and begun to leave, only one attempt is possible.
 */
export class RequestBody {
  /** The last byte has arrived. */
  complete = true
  /** Bytes that arrived, framing included. */
  bytes = 0
  /** False once bytes have been let go: the request cannot be sent again. */
  replayable = true
  #parts: Buffer[] = []
  #keptBytes = 0
  #keptMax = 0
  #bodyMax = 0
  #remaining = 0
  #scanner: ChunkScanner | null = null
  #chunked = false
  /** Since when its speed is measured, and how much had arrived by then; -1 before the first look. */
  #measuredAt = -1
  #measuredBytes = 0

  /** `bodyMax` 0 is no limit. */
  begin(head: RequestHead, bodyMax: number): ErrorCode | null {
    this.complete = head.framing === 'none'
    this.bytes = 0
    this.replayable = true
    this.#keptBytes = 0
    this.#keptMax = 0
    this.#bodyMax = bodyMax === 0 ? Infinity : bodyMax
    this.#remaining = head.contentLength
    this.#chunked = head.framing === 'chunked'
    this.#measuredAt = -1
    if (this.#parts.length > 0) this.#parts = []
    if (this.#chunked) {
      this.#scanner ??= new ChunkScanner({ allowExtensions: false })
      this.#scanner.reset()
    }
    return head.contentLength > this.#bodyMax ? 'body_too_large' : null
  }

  /** Takes a body that is there already, to be sent as often as need be. */
  hold(body: Buffer): void {
    this.complete = true
    this.#chunked = false
    this.bytes = body.length
    this.replayable = true
    this.#keptBytes = body.length
    this.#keptMax = body.length
    this.#parts = body.length === 0 ? [] : [body]
  }

  /** Takes no more than this, framing aside, of the body. False when it is known to be longer. */
  limit(bytes: number): boolean {
    this.#bodyMax = Math.min(this.#bodyMax, bytes)
    const announced = this.#chunked ? this.#scanner!.announcedBytes : this.bytes + this.#remaining
    return announced <= this.#bodyMax
  }

  keepUpTo(bytes: number): void {
    this.#keptMax = bytes
  }

  /** It is small enough to be held whole, says so in advance, and has not arrived yet. */
  get shortlyWhole(): boolean {
    return !this.complete && !this.#chunked && this.#keptBytes + this.#remaining <= this.#keptMax
  }

  /**
   * Whether so little has arrived since the first look, or since `measureAnew`, that somebody holds the request open on
   * purpose: less than `bytesPerSecond` behind `graceMs`. 0 is never.
   */
  isTooSlow(now: number, bytesPerSecond: number, graceMs: number): boolean {
    if (this.#measuredAt === -1) {
      this.#measuredAt = now
      this.#measuredBytes = this.bytes
      return false
    }
    const wanted = (bytesPerSecond * (now - this.#measuredAt - graceMs)) / 1_000
    return this.bytes - this.#measuredBytes < wanted
  }

  /** The client was made to wait: that time is not its own. */
  measureAnew(): void {
    this.#measuredAt = -1
  }

  /** More is held than should be while there is nowhere to send it. */
  get overfull(): boolean {
    return this.#keptBytes > this.#keptMax
  }

  /** Takes what belongs to the body from `start` on. Returns where the body ends in `bytes`, or what is wrong with it. */
  take(bytes: Buffer, start: number): number | ErrorCode {
    if (this.complete) return start
    let end: number
    if (this.#chunked) {
      const scanner = this.#scanner!
      end = scanner.scan(bytes, start, bytes.length)
      if (end === -2) return 'bad_chunk'
      if (scanner.announcedBytes > this.#bodyMax) return 'body_too_large'
      if (end === -1) end = bytes.length
      else this.complete = true
    } else {
      end = Math.min(bytes.length, start + this.#remaining)
      this.#remaining -= end - start
      this.complete = this.#remaining === 0
    }
    this.bytes += end - start
    this.#keptBytes += end - start
    this.#parts.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
    return end
  }

  /** All that has arrived, for a new attempt. Only while `replayable`. */
  parts(): readonly Buffer[] {
    return this.#parts
  }

  /** All of a complete body, free of chunks. Only while `replayable`. */
  payload(): Buffer {
    const body = Buffer.concat(this.#parts)
    if (!this.#chunked) return body
    const payload: Buffer[] = []
    new ChunkScanner({ allowExtensions: false }).scan(body, 0, body.length, (from, to) => {
      payload.push(body.subarray(from, to))
    })
    return Buffer.concat(payload)
  }

  /** What is held has been sent: let it go when it is too large to keep for another attempt. */
  sent(): void {
    if (this.replayable && !this.overfull) return
    this.replayable = false
    this.#parts = []
    this.#keptBytes = 0
  }

  /** The request is over. */
  release(): void {
    if (this.#parts.length > 0) this.#parts = []
  }
}
