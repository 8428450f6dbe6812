import type { ErrorCode } from '../errors.ts'
import { isTraceparent } from '../exchange/request-identity.ts'
import { isAuthority } from './authority.ts'
import { equalsIgnoringCase, TARGET, TOKEN } from './bytes.ts'
import { readConnectionOptions } from './connection-options.ts'
import { Fields } from './fields.ts'
import { isUnderscoreTwin } from './underscore-twins.ts'

/** How the end of a body is known. */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close'

/** Forwarded methods. TRACE and CONNECT stay out on purpose: one reflects credentials, the other asks for a tunnel. */
const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']

const UPGRADE_OPTION = /(?:^|[\t ,])upgrade(?:[\t ,]|$)/i

/**
 * The head of one request, read strictly: whatever two readers could understand differently is refused (RFC 9112
 * §11.2 smuggling). Stricter than Node's own parser, never laxer. One object serves a connection for its life.
 */
export class RequestHead {
  method = ''
  /** Origin-form, or `*`; an absolute-form target arrives here without its scheme and authority. */
  target = ''
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minor: 0 | 1 = 1
  /** Whether the request line has the target just as `target` has it. */
  lineInOriginForm = true
  /** As sent, with port; empty only in HTTP/1.0. */
  authority = ''
  framing: Framing = 'none'
  /** Bytes of a body framed by length. */
  contentLength = 0
  keepAlive = true
  expectsContinue = false
  /** Indexes of headers that the gateway adds to or keeps when the peer is trusted; -1 when absent. */
  forwardedHostAt = -1
  forwardedProtoAt = -1
  requestIdAt = -1
  /** A malformed one, and a second one, is dropped and not found here (W3C Trace Context §3.2). */
  traceparentAt = -1
  /** `X-Budao-Timeout`, or else `grpc-timeout`; the first of several. */
  timeoutAt = -1
  /** `X-Budao-Epoch` of a gateway that passes a write on; the first of several. */
  epochAt = -1
  /** `X-Budao-Rectified`: which gateway passes it on, and for which service. */
  rectifiedAt = -1
  /** `X-Budao-Attempt` says that this is not the first attempt. */
  isRepeated = false
  /** What a trusted peer says of the hops before it; always dropped from the lines, to be written anew with the peer added. */
  forwardedFor = ''
  /** The one protocol that the client wants to go on with, lower case; empty when it names none or several. */
  upgrade = ''
  readonly fields: Fields = new Fields()
  readonly #trustForwarded: boolean
  readonly #trustCertificate: boolean
  #hasHost = false
  #hasLength = false
  #hasEncoding = false
  #saysClose = false
  #saysUpgrade = false
  #upgradeLines = 0
  /** Connection headers that name more than `close` or `keep-alive`: read last, when every header is known. */
  readonly #connectionLines: number[] = []
  /** The last authority found valid: on a kept connection the next one nearly always equals it. */
  #validAuthority = ''

  /** Where the peer is not trusted, what it says of those before it is dropped, so that nobody takes it for the truth. */
  constructor(options: { readonly trustForwarded: boolean; readonly trustCertificate?: boolean }) {
    this.#trustForwarded = options.trustForwarded
    this.#trustCertificate = options.trustCertificate ?? options.trustForwarded
  }

  /**
   * Reads a complete head: `text` from its first line to `end`, behind the empty line; more may follow. Returns the
   * code of what is wrong with it, null when nothing is.
   */
  read(text: string, end: number, headersMax: number): ErrorCode | null {
    const lineEnd = text.indexOf('\r')
    const wrongLine = this.#readLine(text, lineEnd)
    if (wrongLine !== null) return wrongLine
    const count = this.fields.read(text, lineEnd + 2, end, headersMax)
    if (count === -1) return 'bad_header'
    if (count === -2) return 'head_too_large'

    this.framing = 'none'
    this.contentLength = 0
    this.keepAlive = this.minor === 1
    this.expectsContinue = false
    this.forwardedFor = ''
    this.forwardedHostAt = -1
    this.forwardedProtoAt = -1
    this.requestIdAt = -1
    this.traceparentAt = -1
    this.timeoutAt = -1
    this.epochAt = -1
    this.rectifiedAt = -1
    this.isRepeated = false
    this.#hasHost = false
    this.#hasLength = false
    this.#hasEncoding = false
    this.#saysClose = false
    this.#saysUpgrade = false
    this.#upgradeLines = 0
    this.upgrade = ''
    if (this.#connectionLines.length > 0) this.#connectionLines.length = 0
    const wrongField = this.#readFields(count)
    if (wrongField !== null) return wrongField
    if (this.#hasLength && this.#hasEncoding) return 'bad_framing'
    for (const index of this.#connectionLines) {
      if (UPGRADE_OPTION.test(this.fields.value(index))) this.#saysUpgrade = true
      const says = readConnectionOptions(this.fields, index)
      if (says === 'close') this.#saysClose = true
      else if (says === 'keep-alive') this.keepAlive = true
    }
    // Whatever else the lines say, and in whatever order.
    if (this.#saysClose) this.keepAlive = false
    if (this.upgrade !== '') this.#checkUpgrade()
    return this.#checkHost()
  }

  #readLine(text: string, lineEnd: number): ErrorCode | null {
    const methodEnd = text.indexOf(' ')
    if (methodEnd < 1 || methodEnd > lineEnd) return 'bad_request_line'
    const targetEnd = lineEnd - 9
    if (
      targetEnd <= methodEnd ||
      text.charCodeAt(targetEnd) !== 0x20 ||
      text.charCodeAt(lineEnd + 1) !== 0x0a
    )
      return 'bad_request_line'
    if (!text.startsWith('HTTP/', targetEnd + 1)) return 'bad_request_line'
    if (text.startsWith('1.1', targetEnd + 6)) this.minor = 1
    else if (text.startsWith('1.0', targetEnd + 6)) this.minor = 0
    else return 'version_not_supported'

    this.method = knownMethod(text, methodEnd)
    for (let i = methodEnd + 1; i < targetEnd; i++) if (TARGET[text.charCodeAt(i)] !== 1) return 'bad_target'
    this.target = text.slice(methodEnd + 1, targetEnd)
    if (this.target.length === 0) return 'bad_request_line'
    if (this.method === '') return isToken(text, methodEnd) ? 'method_not_supported' : 'bad_request_line'
    this.lineInOriginForm = this.target.charCodeAt(0) === 0x2f
    if (this.lineInOriginForm) return null
    return this.target === '*' && this.method === 'OPTIONS'
      ? null
      : isAbsolute(this.target)
        ? null
        : 'bad_target'
  }

  #readFields(count: number): ErrorCode | null {
    const fields = this.fields
    for (let i = 0; i < count; i++) {
      let wrong: ErrorCode | null = null
      // The length of a name decides for most headers that they are none of those the gateway must read.
      switch (fields.nameLength(i)) {
        case 2:
          if (fields.isNamed(i, 'te')) fields.drop(i)
          break
        case 4:
          if (fields.isNamed(i, 'host')) wrong = this.#readHost(i)
          break
        case 6:
          if (fields.isNamed(i, 'expect')) wrong = this.#readExpect(i)
          break
        case 7:
          if (fields.isNamed(i, 'upgrade')) this.#readUpgrade(i)
          break
        case 9:
          if (fields.isNamed(i, 'forwarded') || fields.isNamed(i, 'x-real-ip')) this.#keepIfTrusted(i)
          else wrong = this.#checkTwin(i)
          break
        case 10:
          if (fields.isNamed(i, 'connection')) this.#readConnection(i)
          else if (fields.isNamed(i, 'keep-alive')) fields.drop(i)
          break
        case 11:
          if (fields.isNamed(i, 'traceparent')) this.#readTraceparent(i)
          else wrong = this.#checkCertificate(i, 'client-cert')
          break
        case 12:
          if (fields.isNamed(i, 'x-request-id')) this.#readRequestId(i)
          else if (fields.isNamed(i, 'grpc-timeout')) this.#readTimeout(i)
          else if (fields.isNamed(i, 'x-budao-unit')) fields.drop(i)
          else wrong = this.#checkTwin(i)
          break
        case 13:
          if (fields.isNamed(i, 'x-budao-epoch')) this.epochAt = this.#readOnce(i, this.epochAt)
          else wrong = this.#checkTwin(i)
          break
        case 14:
          if (fields.isNamed(i, 'content-length')) wrong = this.#readLength(i)
          else if (fields.isNamed(i, 'http2-settings')) fields.drop(i)
          else wrong = this.#checkTwin(i)
          break
        case 15:
          if (fields.isNamed(i, 'x-forwarded-for')) {
            fields.drop(i)
            if (this.#trustForwarded)
              this.forwardedFor += this.forwardedFor === '' ? fields.value(i) : `, ${fields.value(i)}`
          } else if (fields.isNamed(i, 'x-budao-timeout')) this.#readTimeout(i)
          else if (fields.isNamed(i, 'x-budao-attempt')) this.#readAttempt(i)
          else wrong = this.#checkTwin(i)
          break
        case 16:
          if (fields.isNamed(i, 'proxy-connection')) this.#readProxyConnection(i)
          else if (fields.isNamed(i, 'x-forwarded-host')) {
            if (this.#keepIfTrusted(i)) this.forwardedHostAt = i
          } else wrong = this.#checkTwin(i)
          break
        case 17:
          if (fields.isNamed(i, 'transfer-encoding')) wrong = this.#readEncoding(i)
          else if (fields.isNamed(i, 'x-forwarded-proto')) {
            if (this.#keepIfTrusted(i)) this.forwardedProtoAt = i
          } else if (fields.isNamed(i, 'x-budao-rectified'))
            this.rectifiedAt = this.#readOnce(i, this.rectifiedAt)
          else wrong = this.#checkCertificate(i, 'client-cert-chain')
          break
        case 19:
          if (fields.isNamed(i, 'proxy-authorization')) fields.drop(i)
          break
        case 21:
          wrong = this.#checkCertificate(i, 'x-client-cert-subject')
          break
        case 25:
          wrong = this.#checkCertificate(i, 'x-client-cert-fingerprint')
          break
      }
      if (wrong !== null) return wrong
    }
    return null
  }

  /** Drops a header that only a trusted peer may send; true when it stays. */
  #keepIfTrusted(index: number): boolean {
    if (!this.#trustForwarded) this.fields.drop(index)
    return this.#trustForwarded
  }

  /** What says whose certificate was verified is dropped (RFC 9440 §2.4), unless a trusted peer has verified it. */
  #checkCertificate(index: number, name: string): ErrorCode | null {
    if (!this.fields.isNamed(index, name)) return this.#checkTwin(index)
    if (!this.#trustCertificate) this.fields.drop(index)
    return null
  }

  #readRequestId(index: number): void {
    if (this.#trustForwarded && this.requestIdAt === -1 && this.fields.value(index) !== '')
      this.requestIdAt = index
    else this.fields.drop(index)
  }

  #readTraceparent(index: number): void {
    if (this.traceparentAt === -1 && isTraceparent(this.fields.value(index))) this.traceparentAt = index
    else this.fields.drop(index)
  }

  /** Dropped, to be written anew with what is left of it. */
  #readTimeout(index: number): void {
    this.fields.drop(index)
    if (
      this.timeoutAt === -1 ||
      (this.fields.nameLength(this.timeoutAt) === 12 && this.fields.nameLength(index) === 15)
    )
      this.timeoutAt = index
  }

  /** Dropped: endpoints believe what is written here. The first of several counts. */
  #readOnce(index: number, before: number): number {
    this.fields.drop(index)
    return before === -1 ? index : before
  }

  /** Dropped: whom the next hop should believe is decided here. */
  #readAttempt(index: number): void {
    this.fields.drop(index)
    if (parseLength(this.fields.value(index)) > 1) this.isRepeated = true
  }

  #readHost(index: number): ErrorCode | null {
    if (this.#hasHost) return 'bad_host'
    this.#hasHost = true
    this.authority = this.fields.value(index)
    return null
  }

  #checkHost(): ErrorCode | null {
    if (!this.#hasHost) {
      this.authority = ''
      if (this.minor === 1) return 'bad_host'
    } else if (this.authority === '' || this.authority !== this.#validAuthority) {
      if (!isAuthority(this.authority)) return 'bad_host'
      this.#validAuthority = this.authority
    }
    if (this.target.charCodeAt(0) === 0x2f || this.target === '*') return null

    const start = this.target.indexOf('://') + 3
    const slash = this.target.indexOf('/', start)
    const mark = this.target.indexOf('?', start)
    const end = Math.min(slash === -1 ? this.target.length : slash, mark === -1 ? this.target.length : mark)
    if (end === start || !equalsIgnoringCase(this.target, start, end, this.authority.toLowerCase()))
      return 'bad_host'
    this.target = this.target.charCodeAt(end) === 0x2f ? this.target.slice(end) : `/${this.target.slice(end)}`
    return null
  }

  #readExpect(index: number): ErrorCode | null {
    if (!this.fields.valueIs(index, '100-continue')) return 'bad_expectation'
    this.fields.drop(index)
    // RFC 9110 §10.1.1: from an HTTP/1.0 client the expectation must be ignored.
    this.expectsContinue = this.minor === 1
    return null
  }

  /** Several protocols to choose from would be several messages to several readers: then it is none. */
  #readUpgrade(index: number): void {
    this.fields.drop(index)
    this.#upgradeLines++
    if (this.#upgradeLines === 1) this.upgrade = this.fields.value(index).toLowerCase()
  }

  /** Without `Connection: upgrade` the header was not meant for this hop. */
  #checkUpgrade(): void {
    if (this.#upgradeLines > 1 || this.minor === 0 || !this.#saysUpgrade || !isToken(this.upgrade))
      this.upgrade = ''
  }

  #readLength(index: number): ErrorCode | null {
    if (this.#hasLength) return 'bad_framing'
    this.#hasLength = true
    const length = parseLength(this.fields.value(index))
    if (length === -1) return 'bad_framing'
    this.contentLength = length
    this.framing = length === 0 ? 'none' : 'length'
    return null
  }

  #readEncoding(index: number): ErrorCode | null {
    // A blank behind `chunked` makes it another coding to some readers, and to Node’s where it is a tab.
    if (this.#hasEncoding || this.minor === 0 || !this.fields.endsTight(index)) return 'bad_framing'
    if (!this.fields.valueIs(index, 'chunked')) return 'transfer_encoding_not_supported'
    this.#hasEncoding = true
    this.framing = 'chunked'
    this.fields.drop(index)
    return null
  }

  #readConnection(index: number): void {
    this.fields.drop(index)
    if (this.fields.valueIs(index, 'keep-alive')) this.keepAlive = true
    else if (this.fields.valueIs(index, 'close')) this.#saysClose = true
    else this.#connectionLines.push(index)
  }

  /** Never standardised; some readers close for it as for Connection, so what comes behind it is not taken. */
  #readProxyConnection(index: number): void {
    this.fields.drop(index)
    if (/close/i.test(this.fields.value(index))) this.#saysClose = true
  }

  #checkTwin(index: number): ErrorCode | null {
    return isUnderscoreTwin(this.fields.name(index)) ? 'bad_header' : null
  }
}

/** Digits only, at most 15 of them so that the number is exact; -1 for anything else. */
export function parseLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

function knownMethod(text: string, end: number): string {
  for (const method of METHODS) {
    if (method.length === end && text.startsWith(method)) return method
  }
  return ''
}

function isToken(text: string, end = text.length): boolean {
  for (let i = 0; i < end; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false
  return true
}

function isAbsolute(target: string): boolean {
  return equalsIgnoringCase(target, 0, 7, 'http://') || equalsIgnoringCase(target, 0, 8, 'https://')
}
