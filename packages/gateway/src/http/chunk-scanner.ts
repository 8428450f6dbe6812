import { FIELD_VALUE, HEX, TOKEN } from './bytes.ts'

const CR = 0x0d
const LF = 0x0a

/** What the next byte must be part of. */
const State = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  lineStart: 6,
  name: 7,
  value: 8,
  valueLf: 9,
  endLf: 10,
  done: 11,
} as const

/**
 * Names that must not come in a trailer: they would decide framing, routing, authority or origin after the fact, wherever
 * a reader merges trailers into the headers (RFC 9110 §6.5.1). `_` counts as `-`, as some readers have it.
 */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
  'expect',
  'cache-control',
  'date',
  'location',
  'proxy-authorization',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'http2-settings',
  'max-forwards',
])

const TRAILER_BYTES_MAX = 8_192
const EXTENSION_BYTES_MAX = 256

/**
 * Finds the end of a chunked body and proves that it is well formed, byte for byte, without copying: a valid body is
 * passed on as it came. Strict: CRLF everywhere, sizes of 1 to 13 hexadecimal digits, no leading `+`, `0x` or space.
 */
export class ChunkScanner {
  /** Payload bytes of the body seen so far. */
  payloadBytes = 0
  readonly #allowExtensions: boolean
  #state: number = State.size
  #size = 0
  #digits = 0
  #overhead = 0
  #name = ''

  /** Chunk extensions carry nothing anybody needs and much that attackers use: allowed from endpoints only. */
  constructor(options: { readonly allowExtensions: boolean }) {
    this.#allowExtensions = options.allowExtensions
  }

  /** Payload bytes seen, and those that the current chunk still promises: what is too large is known before it arrives. */
  get announcedBytes(): number {
    return this.payloadBytes + this.#size
  }

  reset(): void {
    this.payloadBytes = 0
    this.#state = State.size
    this.#size = 0
    this.#digits = 0
    this.#overhead = 0
    this.#name = ''
  }

  /**
   * Scans `bytes` from `start` to `end`. Returns the index behind the body when it ends here, -1 when it goes on, -2
   * when it is malformed. `onPayload` is told the ranges of payload, for those who need the body without its framing.
   */
  scan(
    bytes: Uint8Array,
    start: number,
    end: number,
    onPayload?: (from: number, to: number) => void,
  ): number {
    let at = start
    while (at < end) {
      if (this.#state === State.data) {
        const taken = Math.min(this.#size, end - at)
        onPayload?.(at, at + taken)
        this.payloadBytes += taken
        this.#size -= taken
        at += taken
        if (this.#size === 0) this.#state = State.dataCr
        continue
      }
      if (!this.#step(bytes[at]!)) return -2
      at++
      if (this.#state === State.done) return at
    }
    return -1
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case State.size:
        return this.#stepSize(byte)
      case State.extension:
        if (byte === CR) this.#state = State.sizeLf
        else return FIELD_VALUE[byte] === 1 && ++this.#overhead <= EXTENSION_BYTES_MAX
        return true
      case State.sizeLf:
        this.#state = this.#size === 0 ? State.lineStart : State.data
        this.#overhead = 0
        this.#digits = 0
        return byte === LF
      case State.dataCr:
        this.#state = State.dataLf
        return byte === CR
      case State.dataLf:
        this.#state = State.size
        return byte === LF
      default:
        return ++this.#overhead <= TRAILER_BYTES_MAX && this.#stepTrailer(byte)
    }
  }

  #stepSize(byte: number): boolean {
    const digit = HEX[byte]!
    if (digit !== 255) {
      this.#size = this.#size * 16 + digit
      return ++this.#digits <= 13
    }
    if (this.#digits === 0) return false
    if (byte === CR) this.#state = State.sizeLf
    else if (byte === 0x3b && this.#allowExtensions) this.#state = State.extension
    else return false
    return true
  }

  #stepTrailer(byte: number): boolean {
    switch (this.#state) {
      case State.lineStart:
        if (byte === CR) {
          this.#state = State.endLf
          return true
        }
        this.#name = String.fromCharCode(byte)
        this.#state = State.name
        return TOKEN[byte] === 1
      case State.name:
        if (byte === 0x3a) {
          this.#state = State.value
          return !FORBIDDEN_TRAILERS.has(this.#name.toLowerCase().replaceAll('_', '-'))
        }
        this.#name += String.fromCharCode(byte)
        return TOKEN[byte] === 1
      case State.value:
        if (byte === CR) {
          this.#state = State.valueLf
          return true
        }
        return FIELD_VALUE[byte] === 1
      case State.valueLf:
        this.#state = State.lineStart
        return byte === LF
      default:
        this.#state = State.done
        return byte === LF
    }
  }
}
