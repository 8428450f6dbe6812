/** What a load generator needs of one answer. */
export interface ReadAnswer {
  readonly status: number
  /** The whole head in lower case, its lines ended by CRLF. */
  readonly head: string
  /** False: the server will close this connection. */
  readonly reusable: boolean
}

const headMax = 64 * 1024
const none = Buffer.alloc(0)

/**
 * Finds the ends of HTTP/1.1 answers to GET requests in a stream of bytes. Trusts the server: it says where an
 * answer ends, not whether the answer is well-formed.
 */
export class ResponseReader {
  readonly #onAnswer: (answer: ReadAnswer) => void
  #state: 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'trailer' | 'until-close' = 'head'
  #answer: ReadAnswer = { status: 0, head: '', reusable: false }
  /** Bytes of the body or chunk (with its CRLF) still to come. */
  #left = 0
  #rest: Buffer = none

  constructor(onAnswer: (answer: ReadAnswer) => void) {
    this.#onAnswer = onAnswer
  }

  /** True between the first byte of an answer and its last. */
  get reading(): boolean {
    return this.#state !== 'head' || this.#rest.length > 0
  }

  /** Takes the next bytes; they may be reused afterwards. Throws on what is no answer. */
  feed(bytes: Buffer): void {
    let chunk = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    this.#rest = none
    while (chunk.length > 0) {
      if (this.#state === 'until-close') return
      if (this.#state === 'length' || this.#state === 'chunk-data') {
        const taken = Math.min(this.#left, chunk.length)
        this.#left -= taken
        chunk = chunk.subarray(taken)
        if (this.#left > 0) return
        if (this.#state === 'length') this.#finish()
        else this.#state = 'chunk-size'
        continue
      }
      const end = chunk.indexOf(this.#state === 'head' ? '\r\n\r\n' : '\r\n')
      if (end < 0) {
        if (chunk.length > headMax)
          throw new Error(`expected an HTTP answer, got ${headMax} bytes without an end`)
        this.#rest = Buffer.from(chunk)
        return
      }
      const text = chunk.toString('latin1', 0, end)
      chunk = chunk.subarray(end + (this.#state === 'head' ? 4 : 2))
      if (this.#state === 'head') this.#takeHead(text)
      else if (this.#state === 'chunk-size') this.#takeChunkSize(text)
      else if (text === '') this.#finish()
    }
  }

  /** The server closed. True when that ended an answer, false when it broke one off or none was begun. */
  close(): boolean {
    if (this.#state !== 'until-close') return false
    this.#finish()
    return true
  }

  #takeHead(text: string): void {
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?![^ \r])/.exec(text)?.[1])
    if (Number.isNaN(status))
      throw new Error(`expected an HTTP answer, got ${JSON.stringify(text.slice(0, 40))}`)
    if (status < 200) return // 100 Continue and its like precede the answer.
    const head = `${text.toLowerCase()}\r\n`
    const length = field(head, 'content-length')
    const chunked = field(head, 'transfer-encoding') === 'chunked'
    const closes = field(head, 'connection') === 'close' || head.startsWith('http/1.0')
    const empty = status === 204 || status === 304 || (length === '0' && !chunked)
    const framed = empty || chunked || length !== undefined
    this.#answer = { status, head, reusable: framed && !closes }
    if (empty) this.#finish()
    else if (chunked) this.#state = 'chunk-size'
    else if (length !== undefined) {
      this.#left = Number(length)
      this.#state = 'length'
    } else this.#state = 'until-close'
  }

  #takeChunkSize(text: string): void {
    const size = Number.parseInt(text, 16)
    if (Number.isNaN(size)) throw new Error(`expected a chunk size, got ${JSON.stringify(text.slice(0, 40))}`)
    this.#left = size + 2
    this.#state = size === 0 ? 'trailer' : 'chunk-data'
  }

  #finish(): void {
    this.#state = 'head'
    this.#onAnswer(this.#answer)
  }
}

/** A field's value in a lower-case head; undefined when absent. */
export function field(head: string, name: string): string | undefined {
  const at = head.indexOf(`\r\n${name}:`)
  if (at < 0) return undefined
  return head.slice(at + name.length + 3, head.indexOf('\r\n', at + 2)).trim()
}
