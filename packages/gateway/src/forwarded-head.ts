import type { Downstream } from './downstream.ts'
import type { RequestView } from './filters/filter.ts'
import type { RequestHead } from './http/request-head.ts'
import { isTraceparent, type RequestIdentity } from './request-identity.ts'

/** Writes the head that endpoints get: the client's, less what was meant for this hop, plus who asked and how. */
export class ForwardedHead {
  readonly #identity: RequestIdentity

  constructor(identity: RequestIdentity) {
    this.#identity = identity
  }

  requestId(head: RequestHead): string {
    return head.requestIdAt === -1 ? this.#identity.requestId() : head.fields.value(head.requestIdAt)
  }

  /** `path` is the client's, or what the route made of it. */
  text(
    path: string,
    request: RequestView & { readonly requestId: string },
    head: RequestHead,
    downstream: Downstream,
  ): string {
    const target = head.target === '*' ? '*' : request.query === '' ? path : `${path}?${request.query}`
    const hops =
      head.forwardedFor === ''
        ? downstream.remoteAddress
        : `${head.forwardedFor}, ${downstream.remoteAddress}`
    let text = `${head.method} ${target} HTTP/1.1\r\n${head.fields.passOn()}X-Forwarded-For: ${hops}\r\n`
    if (head.authority === '') text += `Host: ${downstream.listener.address}\r\n`
    if (head.forwardedProtoAt === -1) text += `X-Forwarded-Proto: ${downstream.scheme}\r\n`
    if (head.forwardedHostAt === -1 && head.authority !== '')
      text += `X-Forwarded-Host: ${head.authority}\r\n`
    if (head.requestIdAt === -1) text += `X-Request-Id: ${request.requestId}\r\n`
    if (!this.#isTraced(head)) text += `traceparent: ${this.#identity.traceparent()}\r\n`
    if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
    return `${text}\r\n`
  }

  /** A malformed traceparent must not be passed on beside a new one (W3C Trace Context §3.2): it is then dropped. */
  #isTraced(head: RequestHead): boolean {
    return head.traceparentAt !== -1 && isTraceparent(head.fields.value(head.traceparentAt))
  }
}

/** The name in an authority, lower case, without port. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':')
  const name = colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority
  return name.toLowerCase()
}
