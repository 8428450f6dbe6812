import { normalizeTarget } from '../routing/path.ts'
import { RequestBody } from '../exchange/request-body.ts'
import { ChunkScanner } from './chunk-scanner.ts'
import type { Reading, ReadMessage } from './fuzz-readings.ts'
import { RequestHead } from './request-head.ts'

const HEAD_BYTES_MAX = 16_384
const HEADERS_MAX = 100

/** Reads streams with our head and body, piece by piece in the order a connection does, without any socket. */
export class OwnReader {
  readonly #head = new RequestHead({ trustForwarded: false })
  readonly #body = new RequestBody()

  /** Reads a stream that arrives in these pieces. */
  read(pieces: readonly string[]): Reading {
    const messages: ReadMessage[] = []
    let partial = ''
    let inBody = false
    for (const piece of pieces) {
      let bytes = Buffer.from(piece, 'latin1')
      while (bytes.length > 0) {
        if (inBody) {
          const end = this.#body.take(bytes, 0)
          if (typeof end !== 'number') return { messages, end: 'refused', code: end }
          bytes = bytes.subarray(end)
        } else {
          const arrived = partial + bytes.toString('latin1')
          const text = arrived.startsWith('\r\n') ? arrived.slice(2) : arrived
          const end = text.indexOf('\r\n\r\n') + 4
          partial = arrived
          if (end === 3) {
            if (text.length >= HEAD_BYTES_MAX || /(?<!\r)\n/.test(text))
              return { messages, end: 'refused', code: 'bad_header' }
            break
          }
          partial = ''
          const code =
            end > HEAD_BYTES_MAX
              ? 'head_too_large'
              : (this.#head.read(text, end, HEADERS_MAX) ?? this.#body.begin(this.#head, 0))
          if (code !== null) return { messages, end: 'refused', code }
          if (this.#head.target !== '*' && normalizeTarget(this.#head.target) === null)
            return { messages, end: 'refused', code: 'bad_target' }
          this.#body.keepUpTo(Infinity)
          inBody = true
          bytes = Buffer.from(text.slice(end), 'latin1')
          const wrong = this.#body.take(bytes, 0)
          if (typeof wrong !== 'number') return { messages, end: 'refused', code: wrong }
          bytes = bytes.subarray(wrong)
        }
        if (!this.#body.complete) continue
        messages.push(this.#message())
        inBody = false
        if (!this.#head.keepAlive) return { messages, end: 'closed', code: '' }
      }
    }
    if (inBody) messages.push(this.#message())
    return { messages, end: 'waiting', code: '' }
  }

  #message(): ReadMessage {
    const { method, target, fields, framing } = this.#head
    const framed = Buffer.concat([...this.#body.parts()])
    const { complete } = this.#body
    const headers = Array.from({ length: fields.count }, (_, i) => [fields.name(i), fields.value(i)] as const)
    if (framing !== 'chunked')
      return { method, target, headers, body: framed.toString('latin1'), trailers: [], complete }
    let body = ''
    let payloadEnd = 0
    new ChunkScanner({ allowExtensions: false }).scan(framed, 0, framed.length, (from, to) => {
      body += framed.toString('latin1', from, to)
      payloadEnd = to
    })
    const trailers = complete ? trailerFields(framed.toString('latin1', payloadEnd)) : []
    return { method, target, headers, body, trailers, complete }
  }
}

/** `text` begins behind the last byte of payload. */
function trailerFields(text: string): (readonly [name: string, value: string])[] {
  const lines = text.trimStart().split('\r\n').slice(1, -2)
  return lines.map(
    (line) =>
      [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).replace(/^[ \t]+|[ \t]+$/g, ''),
      ] as const,
  )
}
