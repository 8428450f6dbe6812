import type { Client, HttpVersion } from '../client/client.ts'
import type { Claims } from '../filters/filter.ts'
import { checkEditable } from '../http/fields.ts'
import { parseLength } from '../http/request-head.ts'
import { hostOf } from './forwarded-head.ts'
import type { Shadow } from '../service/shadow.ts'
import type { IssuedCookie } from './issued-cookie.ts'

const NO_MARKS: readonly string[] = []

/** A client's request as routing and filters see it, over the head that the client has received. Refilled with each. */
export class ReceivedRequest {
  method = ''
  host = ''
  path = ''
  query = ''
  clientIp = ''
  requestId = ''
  now = 0
  claims: Claims | null = null
  /** The release it belongs to, where its route splits; empty for stable. */
  release = ''
  /** Another release is shown a copy of it; null for most. */
  shadow: Shadow | null = null
  /** Header lines that give the client cookies of the gateway's. */
  protected cookieLines = ''
  readonly #client: Client
  #authority = ''
  #marks = NO_MARKS

  constructor(client: Client) {
    this.#client = client
  }

  get scheme(): 'http' | 'https' {
    return this.#client.scheme
  }

  get httpVersion(): HttpVersion {
    return this.#client.httpVersion
  }

  get listener(): string {
    return this.#client.listener.name
  }

  get peerTrusted(): boolean {
    return this.#client.listener.trustForwarded
  }

  /** Another gateway has passed it on to this one: it goes no further. */
  get rectified(): boolean {
    return this.#client.head.rectifiedAt !== -1
  }

  /** The epoch by which that one did so; 0 where it says none. */
  get epochHint(): number {
    const { epochAt, fields } = this.#client.head
    return epochAt === -1 ? 0 : Math.max(0, parseLength(fields.value(epochAt)))
  }

  header(name: string): string | undefined {
    return this.#client.head.fields.get(name)
  }

  setHeader(name: string, value: string): void {
    checkEditable(name)
    this.#client.head.fields.set(name, value)
  }

  addHeader(name: string, value: string): void {
    checkEditable(name)
    this.#client.head.fields.add(name, value)
  }

  removeHeader(name: string): void {
    checkEditable(name)
    this.#client.head.fields.remove(name)
  }

  get marks(): readonly string[] {
    return this.#marks
  }

  mark(word: string): void {
    this.#marks = [...this.#marks, word]
  }

  arrived(lower: string): boolean {
    return this.#client.head.fields.arrived(lower)
  }

  get toHead(): boolean {
    return this.method === 'HEAD'
  }

  get hasBody(): boolean {
    return this.#client.head.framing !== 'none'
  }

  /** The header lines that an endpoint would get, in latin1. */
  get forwardedLines(): string {
    return this.#client.head.fields.passOn()
  }

  protected get requestIdLine(): string {
    return `X-Request-Id: ${this.requestId}\r\n`
  }

  /** Another request begins, at `now`. */
  protected renew(now: number): void {
    this.now = now
    this.method = this.#client.head.method
    this.clientIp = clientIpOf(this.#client)
    this.claims = null
    this.release = ''
    this.shadow = null
    this.cookieLines = ''
    this.#marks = NO_MARKS
    const { authority } = this.#client.head
    if (authority === this.#authority) return
    this.#authority = authority
    this.host = hostOf(authority)
  }

  /** A client that has none is known by it from now on, also within this request. */
  protected giveCookie(cookie: IssuedCookie, fresh: () => string): void {
    const { fields } = this.#client.head
    const header = fields.get('cookie')
    if (!cookie.isMissing(header)) return
    const value = fresh()
    fields.set('cookie', cookie.added(header, value))
    this.cookieLines += cookie.line(value, this.scheme)
  }
}

/** The peer's address, or the last that a trusted proxy has seen. */
function clientIpOf({ head: { forwardedFor }, remoteAddress }: Client): string {
  if (forwardedFor === '') return remoteAddress
  return forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1).trim()
}
