import { answerText, connectionLine } from '../exchange/answer-text.ts'
import type { Answer, ClientResponse } from './client.ts'
import type { Downstream } from './downstream.ts'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { hasHsts, hstsLine } from '../tls/hsts.ts'

/** How a body must be rewritten because the two hops frame it differently. */
type Conversion = 'none' | 'to-chunked' | 'from-chunked'

/**
 * Answers on a connection of HTTP/1: the head is held back until the first bytes of the body, so that both leave in
 * one write.
 */
export class Http1Response implements ClientResponse {
  /** Framing included. */
  bytes = 0
  keepAlive = true
  /** The client knows the end of the body only by the end of the connection. */
  unframed = false
  readonly #downstream: Downstream
  /** Empty for most. */
  readonly #hsts: string
  #headText = ''
  #conversion: Conversion = 'none'
  #scanner: ChunkScanner | null = null

  constructor(downstream: Downstream) {
    this.#downstream = downstream
    this.#hsts = hstsLine(downstream.listener)
  }

  begin(head: ResponseHead, keepAlive: boolean, extra: string): void {
    const request = this.#downstream.head
    this.bytes = 0
    this.keepAlive = keepAlive
    this.unframed = false
    this.#conversion = 'none'
    let framing = ''
    if (head.framing === 'chunked') {
      if (request.minor === 1) framing = 'Transfer-Encoding: chunked\r\n'
      else {
        this.#conversion = 'from-chunked'
        this.#scanner ??= new ChunkScanner({ allowExtensions: true })
        this.#scanner.reset()
        this.unframed = true
      }
    } else if (head.framing === 'until-close') {
      if (request.minor === 1) {
        this.#conversion = 'to-chunked'
        framing = 'Transfer-Encoding: chunked\r\n'
      } else this.unframed = true
    }
    if (this.unframed) this.keepAlive = false
    const connection = connectionLine(this.keepAlive, request.minor === 0)
    // A status line that lacks the space behind its code is not passed on as it came.
    const lines =
      head.minor === 1 && head.reason !== ''
        ? head.fields.passOn(0)
        : `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields.passOn()}`
    const hsts = this.#hsts === '' || hasHsts(lines) ? '' : this.#hsts
    this.#headText = `${lines}${framing}${hsts}${extra}${connection}\r\n`
  }

  write(text: string | undefined, bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    const head = this.#headText
    this.#headText = ''
    if (this.#conversion === 'none') return this.#send(head, text, bytes, start, end)
    if (this.#conversion === 'to-chunked') return this.#sendChunk(head, bytes, start, end, last)
    return this.#sendPayload(head, bytes, start, end)
  }

  send(answer: Answer, keepAlive: boolean, extra: string): void {
    const { minor, method } = this.#downstream.head
    this.bytes = answer.body.length
    this.keepAlive = keepAlive
    this.unframed = false
    const hsts = this.#hsts === '' || hasHsts(answer.lines) ? '' : this.#hsts
    const connection = connectionLine(keepAlive, minor === 0)
    this.#downstream.writeText(answerText(answer, connection, hsts + extra, method === 'HEAD'))
  }

  #send(head: string, text: string | undefined, bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes += end - start
    if (text !== undefined) return head === '' && text === '' ? true : this.#downstream.writeText(head + text)
    return this.#downstream.writeBytes(head, bytes, start, end)
  }

  #sendChunk(head: string, bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
    const chunk = payload === '' ? '' : `${payload.length.toString(16)}\r\n${payload}\r\n`
    const text = head + chunk + (last ? '0\r\n\r\n' : '')
    this.bytes += text.length - head.length
    return text === '' ? true : this.#downstream.writeText(text)
  }

  #sendPayload(head: string, bytes: Uint8Array, start: number, end: number): boolean {
    let payload = ''
    this.#scanner!.scan(bytes, start, end, (from, to) => {
      payload += Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
    })
    this.bytes += payload.length
    return head + payload === '' ? true : this.#downstream.writeText(head + payload)
  }
}
