import { FIELD_VALUE } from './bytes.ts'
import { readConnectionOptions } from './connection-options.ts'
import { Fields } from './fields.ts'
import { parseLength, type Framing } from './request-head.ts'

/** The head of one response from an endpoint. One object serves a connection for its life. */
export class ResponseHead {
  status = 0
  /** May be empty. */
  reason = ''
  framing: Framing = 'none'
  contentLength = 0
  /** Whether the endpoint keeps the connection open behind this response. */
  keepAlive = true
  /** Milliseconds the endpoint says it keeps an idle connection open (`Keep-Alive: timeout=5`); 0 when it does not say. */
  idleTimeoutMs = 0
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minor: 0 | 1 = 1
  /** The protocol that a 101 turns to, lower case; empty in every other answer. */
  upgrade = ''
  readonly fields: Fields = new Fields()
  #hasLength = false
  #hasEncoding = false
  #saysClose = false
  readonly #connectionLines: number[] = []

  /**
   * Reads a complete head: `text` from its first line to `end`, behind the empty line; more may follow. `toHead` says that the request was HEAD, whose answer has
   * no body. False when the head is not valid HTTP/1: such an answer and its connection cannot be trusted.
   */
  read(text: string, end: number, toHead: boolean, headersMax: number): boolean {
    const lineEnd = text.indexOf('\r')
    if (lineEnd < 12 || text.charCodeAt(lineEnd + 1) !== 0x0a) return false
    const minor = text.startsWith('HTTP/1.1 ') ? 1 : 0
    if (minor === 0 && !text.startsWith('HTTP/1.0 ')) return false
    const status = parseLength(text.slice(9, 12))
    if (status < 100 || status > 599) return false
    if (lineEnd > 12 && text.charCodeAt(12) !== 0x20) return false
    for (let i = 13; i < lineEnd; i++) if (FIELD_VALUE[text.charCodeAt(i)] !== 1) return false
    this.minor = minor
    this.status = status
    this.reason = text.slice(13, lineEnd)
    this.keepAlive = minor === 1
    this.idleTimeoutMs = 0
    this.contentLength = 0
    this.#hasLength = false
    this.#hasEncoding = false
    this.#saysClose = false
    this.upgrade = ''
    if (this.#connectionLines.length > 0) this.#connectionLines.length = 0
    const count = this.fields.read(text, lineEnd + 2, end, headersMax)
    if (count < 0 || !this.#readFields(count)) return false
    if (this.#hasLength && this.#hasEncoding) return false
    for (const index of this.#connectionLines) {
      const says = readConnectionOptions(this.fields, index)
      if (says === 'close') this.#saysClose = true
      else if (says === 'keep-alive') this.keepAlive = true
    }
    // RFC 9112 §6.1: chunked from an HTTP/1.0 server is faulty framing, to be read but not to be trusted any further.
    if (this.#saysClose || (minor === 0 && this.#hasEncoding)) this.keepAlive = false
    this.#frame(toHead)
    return true
  }

  #frame(toHead: boolean): void {
    const { status } = this
    if (toHead || status === 204 || status === 304 || status < 200) {
      this.framing = 'none'
      // A body where none may be would be read as the next answer.
      if (status === 204 && (this.#hasEncoding || this.contentLength > 0)) this.keepAlive = false
    } else if (this.#hasEncoding) this.framing = 'chunked'
    else if (this.#hasLength) this.framing = this.contentLength === 0 ? 'none' : 'length'
    else {
      this.framing = 'until-close'
      this.keepAlive = false
    }
  }

  #readFields(count: number): boolean {
    const fields = this.fields
    for (let i = 0; i < count; i++) {
      switch (fields.nameLength(i)) {
        case 7:
          if (fields.isNamed(i, 'upgrade')) this.#readUpgrade(i)
          break
        case 10:
          if (fields.isNamed(i, 'connection')) this.#readConnection(i)
          else if (fields.isNamed(i, 'keep-alive')) this.#readKeepAlive(i)
          break
        case 12:
          // The gateway says it, of the same request.
          if (fields.isNamed(i, 'x-request-id')) fields.drop(i)
          break
        case 14:
          if (fields.isNamed(i, 'content-length') && !this.#readLength(i)) return false
          break
        case 16:
          if (fields.isNamed(i, 'proxy-connection')) fields.drop(i)
          break
        case 17:
          if (fields.isNamed(i, 'transfer-encoding') && !this.#readEncoding(i)) return false
          break
      }
    }
    return true
  }

  #readConnection(index: number): void {
    this.fields.drop(index)
    if (this.fields.valueIs(index, 'keep-alive')) this.keepAlive = true
    else if (this.fields.valueIs(index, 'close')) this.#saysClose = true
    else this.#connectionLines.push(index)
  }

  #readUpgrade(index: number): void {
    this.fields.drop(index)
    if (this.status === 101) this.upgrade = this.fields.value(index).toLowerCase()
  }

  #readKeepAlive(index: number): void {
    this.fields.drop(index)
    const seconds = /(?:^|[,\s])timeout=(\d{1,5})/i.exec(this.fields.value(index))
    if (seconds !== null) this.idleTimeoutMs = Number(seconds[1]) * 1_000
  }

  #readLength(index: number): boolean {
    if (this.#hasLength) return false
    this.#hasLength = true
    this.contentLength = parseLength(this.fields.value(index))
    // A 204 with a length is a backend's slip; passing it on would make the client wait for a body.
    if (this.status === 204) this.fields.drop(index)
    return this.contentLength !== -1
  }

  #readEncoding(index: number): boolean {
    if (this.#hasEncoding || !this.fields.valueIs(index, 'chunked')) return false
    this.#hasEncoding = true
    this.fields.drop(index)
    return true
  }
}
