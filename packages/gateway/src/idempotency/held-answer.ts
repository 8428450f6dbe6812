import type { Answer } from '../client/client.ts'
import { keptLines } from '../exchange/header-lines.ts'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import type { ResponseHead } from '../http/response-head.ts'

/** An endpoint's answer that is held back until it is kept. */
export class HeldAnswer {
  /** As long as the answer is arriving. */
  readonly head: ResponseHead
  readonly status: number
  readonly reason: string
  readonly lines: string
  readonly #chunked: boolean
  readonly #bytesMax: number
  readonly #parts: Buffer[] = []
  #bytes = 0

  constructor(head: ResponseHead, bytesMax: number) {
    this.head = head
    this.status = head.status
    this.reason = head.reason
    this.lines = keptLines(head.fields.passOn())
    this.#chunked = head.framing === 'chunked'
    // What says that it will be too long need not be waited for.
    this.#bytesMax = head.framing === 'length' && head.contentLength > bytesMax ? 0 : bytesMax
  }

  /** Takes a copy of a part of the body, framing included. */
  take(bytes: Uint8Array, start: number, end: number): void {
    if (end === start) return
    this.#bytes += end - start
    this.#parts.push(Buffer.from(bytes.subarray(start, end)))
  }

  /** There is more than may be held. */
  get overfull(): boolean {
    return this.#bytes > this.#bytesMax
  }

  /** What has come of the body, as it came. */
  parts(): readonly Buffer[] {
    return this.#parts
  }

  /** All of it; only once the last byte has been taken. */
  whole(): Answer {
    const { status, reason, lines } = this
    return { status, reason, lines, body: this.#payload().toString('latin1') }
  }

  #payload(): Buffer {
    const body = Buffer.concat(this.#parts)
    if (!this.#chunked) return body
    const payload: Buffer[] = []
    new ChunkScanner({ allowExtensions: true }).scan(body, 0, body.length, (from, to) => {
      payload.push(body.subarray(from, to))
    })
    return Buffer.concat(payload)
  }
}
