import { hasNoBody } from '../exchange/answer-text.ts'
import type { Answer, ClientResponse } from './client.ts'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import { addHttp2Fields } from '../http/http2-head.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { Http2Client } from './http2-client.ts'
import { hasHsts, hstsLine } from '../tls/hsts.ts'

/** Answers on one stream of HTTP/2: the body loses its framing of HTTP/1.1, and trailers with it. */
export class Http2Response implements ClientResponse {
  bytes = 0
  readonly keepAlive = true
  readonly #client: Http2Client
  /** Empty for most. */
  readonly #hsts: string
  #fields: string[] | null = null
  #scanner: ChunkScanner | null = null
  #chunked = false
  /** Statuses whose body the other side would not read. */
  #bodyless = false

  constructor(client: Http2Client) {
    this.#client = client
    this.#hsts = hstsLine(client.listener)
  }

  begin(head: ResponseHead, _keepAlive: boolean, extra: string): void {
    this.bytes = 0
    this.#bodyless = head.status === 205
    this.#chunked = head.framing === 'chunked'
    if (this.#chunked) {
      this.#scanner ??= new ChunkScanner({ allowExtensions: true })
      this.#scanner.reset()
    }
    this.#fields = [':status', String(head.status)]
    const lines = head.fields.passOn()
    addHttp2Fields(this.#fields, lines)
    if (this.#hsts !== '' && !hasHsts(lines)) addHttp2Fields(this.#fields, this.#hsts)
    addHttp2Fields(this.#fields, extra)
  }

  write(_text: string | undefined, bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    const payload = this.#bodyless ? NOTHING : this.#payload(bytes, start, end)
    const fields = this.#fields
    this.#fields = null
    this.bytes += payload.length
    return this.#client.send(fields, payload, last)
  }

  send(answer: Answer, _keepAlive: boolean, extra: string): void {
    const { status, lines, body } = answer
    const fields = [':status', String(status)]
    addHttp2Fields(fields, lines)
    if (this.#hsts !== '' && !hasHsts(lines)) addHttp2Fields(fields, this.#hsts)
    addHttp2Fields(fields, extra)
    this.bytes = body.length
    const bodyless = hasNoBody(status)
    if (!bodyless) fields.push('content-length', String(body.length))
    const payload = bodyless || this.#client.head.method === 'HEAD' ? NOTHING : Buffer.from(body, 'latin1')
    this.#client.send(fields, payload, true)
  }

  /** A copy: the stream keeps it until the client takes it. */
  #payload(bytes: Uint8Array, start: number, end: number): Buffer {
    if (!this.#chunked) return Buffer.from(bytes.subarray(start, end))
    const payload = Buffer.allocUnsafe(end - start)
    let length = 0
    this.#scanner!.scan(bytes, start, end, (from, to) => {
      payload.set(bytes.subarray(from, to), length)
      length += to - from
    })
    return payload.subarray(0, length)
  }
}

const NOTHING = Buffer.alloc(0)
