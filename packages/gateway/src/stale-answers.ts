import type { Answer } from './client.ts'
import type { RequestView } from './filters/filter.ts'
import { ChunkScanner } from './http/chunk-scanner.ts'
import type { ResponseHead } from './http/response-head.ts'

/** All stale answers of one route in one thread together. */
const TOTAL_BYTES_MAX = 16 * 1_024 * 1_024

/** What a stale answer is looked up by. */
export interface StaleRequest extends RequestView {
  /** The client said who it is: its answers are its own. */
  readonly credentialed: boolean
}

/** A good answer kept for bad times. */
export interface StaleAnswer extends Answer {
  /** Monotonic milliseconds. */
  readonly storedAt: number
}

/**
 * The last good answers of one route, served when no endpoint answers (RFC 5861, stale-if-error). Only what anybody
 * may see is kept: answers 200 to GET requests without credentials that neither set cookies nor call themselves private.
 */
export class StaleAnswers {
  readonly bytesMax: number
  readonly #ageMs: number
  /** In order of storing: the oldest is the first to go. */
  readonly #answers: Map<string, StaleAnswer> = new Map()
  #bytes = 0

  /** `ageMs`: older answers are not served. `bytesMax`: larger answers are not kept. */
  constructor(options: { readonly ageMs: number; readonly bytesMax: number }) {
    this.#ageMs = options.ageMs
    this.bytesMax = options.bytesMax
  }

  /** Takes over what another one holds, as if it had been put here. */
  inherit(before: StaleAnswers): void {
    for (const [key, answer] of before.#answers) {
      this.#answers.set(key, answer)
      this.#bytes += sizeOf(answer)
    }
  }

  wants(request: StaleRequest, head: ResponseHead): boolean {
    if (head.status !== 200 || request.method !== 'GET' || head.contentLength > this.bytesMax) return false
    if (request.credentialed) return false
    const { fields } = head
    if (fields.get('set-cookie') !== undefined) return false
    const vary = fields.get('vary')
    if (vary !== undefined && !/^\s*accept-encoding\s*$/i.test(vary)) return false
    return !/\b(?:private|no-store)\b/i.test(fields.get('cache-control') ?? '')
  }

  /** `body` as it came, in latin1, with its chunks if it has any. */
  put(request: StaleRequest, head: ResponseHead, body: string, now: number): void {
    const key = keyOf(request)
    this.#remove(key)
    head.fields.remove('content-length')
    const answer: StaleAnswer = {
      status: 200,
      reason: head.reason,
      lines: `${head.fields.passOn()}Warning: 110 - "Response is Stale"\r\nX-Budao-Fallback: stale\r\n`,
      body: head.framing === 'chunked' ? withoutChunks(body) : body,
      storedAt: now,
    }
    this.#answers.set(key, answer)
    this.#bytes += sizeOf(answer)
    while (this.#bytes > TOTAL_BYTES_MAX) this.#remove(this.#answers.keys().next().value!)
  }

  get(request: StaleRequest, now: number): StaleAnswer | undefined {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    if (request.credentialed) return undefined
    const key = keyOf(request)
    const answer = this.#answers.get(key)
    if (answer === undefined || now - answer.storedAt <= this.#ageMs) return answer
    this.#remove(key)
    return undefined
  }

  #remove(key: string): void {
    const answer = this.#answers.get(key)
    if (answer === undefined) return
    this.#answers.delete(key)
    this.#bytes -= sizeOf(answer)
  }
}

function sizeOf({ lines, body }: StaleAnswer): number {
  return lines.length + body.length
}

function withoutChunks(body: string): string {
  const bytes = Buffer.from(body, 'latin1')
  let payload = ''
  new ChunkScanner({ allowExtensions: true }).scan(bytes, 0, bytes.length, (from, to) => {
    payload += body.slice(from, to)
  })
  return payload
}

function keyOf(request: RequestView): string {
  return `${request.scheme}://${request.host}${request.path}?${request.query} ${request.header('accept-encoding') ?? ''}`
}
