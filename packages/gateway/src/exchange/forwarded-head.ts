import type { CallOrigin } from '../upstream/backend-call.ts'
import type { Client } from '../client/client.ts'
import type { RequestView } from '../filters/filter.ts'
import type { RequestHead } from '../http/request-head.ts'
import { isTraceparent, type RequestIdentity } from './request-identity.ts'
import type { Span } from '../tracing/span.ts'

/** Writes the head that endpoints get: the client's, less what was meant for this hop, plus who asked and how. */
export class ForwardedHead {
  readonly #identity: RequestIdentity
  #keptAuthority = ''
  #keptOrigin = ''

  constructor(identity: RequestIdentity) {
    this.#identity = identity
  }

  requestId(head: RequestHead): string {
    return head.requestIdAt === -1 ? this.#identity.requestId() : head.fields.value(head.requestIdAt)
  }

  /** `path` is the client's, or what the route made of it. */
  text(
    path: string,
    request: RequestView & {
      readonly requestId: string
      readonly upgrade: string
      readonly span: Span | null
    },
    head: RequestHead,
    client: Client,
  ): string {
    let text = lineStands(path, request.query, head)
      ? head.fields.passOn(0)
      : `${head.method} ${targetOf(path, request.query, head)} HTTP/1.1\r\n${head.fields.passOn()}`
    text += this.#origin(head, client)
    if (head.requestIdAt === -1) text += `X-Request-Id: ${request.requestId}\r\n`
    if (request.span === null && !this.#isTraced(head))
      text += `traceparent: ${this.#identity.traceparent()}\r\n`
    if (request.upgrade !== '') text += `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`
    if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
    return `${text}\r\n`
  }

  /** The same with the header lines that `Fields.keep` has kept. */
  arrivedText(...[path, request, head, client]: Parameters<ForwardedHead['text']>): string {
    head.fields.swapKept()
    const text = this.text(path, request, head, client)
    head.fields.swapKept()
    return text
  }

  /** The same for a call of the gateway's own on this request's behalf. Calls made with one origin are in one trace. */
  callOrigin(
    request: RequestView & { readonly requestId: string; readonly span: Span | null },
    head: RequestHead,
    client: Client,
  ): CallOrigin {
    const { fields, forwardedFor, forwardedProtoAt, forwardedHostAt } = head
    const { remoteAddress, scheme, listener } = client
    const asked = head.authority === '' ? listener.address : head.authority
    const traced = request.span !== null || this.#isTraced(head)
    const state = traced ? fields.get('tracestate') : undefined
    return {
      authority: fields.get('host') ?? asked,
      scheme,
      clientIp: request.clientIp,
      lines:
        `X-Forwarded-For: ${forwardedFor === '' ? '' : `${forwardedFor}, `}${remoteAddress}\r\n` +
        `X-Forwarded-Proto: ${forwardedProtoAt === -1 ? scheme : fields.value(forwardedProtoAt)}\r\n` +
        `X-Forwarded-Host: ${forwardedHostAt === -1 ? asked : fields.value(forwardedHostAt)}\r\n` +
        `X-Request-Id: ${request.requestId}\r\n` +
        `traceparent: ${traced ? fields.get('traceparent') : this.#identity.traceparent()}\r\n` +
        (state === undefined ? '' : `tracestate: ${state}\r\n`),
    }
  }

  /** Who asked and how. The same for every request of a connection that asks one host, so it is kept. */
  #origin(head: RequestHead, client: Client): string {
    const { authority, forwardedFor, forwardedProtoAt, forwardedHostAt } = head
    const plain = forwardedFor === '' && forwardedProtoAt === -1 && forwardedHostAt === -1 && authority !== ''
    if (plain && authority === this.#keptAuthority) return this.#keptOrigin
    const { remoteAddress, scheme, listener } = client
    const hops = forwardedFor === '' ? remoteAddress : `${forwardedFor}, ${remoteAddress}`
    const lines = [`X-Forwarded-For: ${hops}\r\n`]
    if (authority === '' && head.fields.get('host') === undefined) lines.push(`Host: ${listener.address}\r\n`)
    if (forwardedProtoAt === -1) lines.push(`X-Forwarded-Proto: ${scheme}\r\n`)
    if (forwardedHostAt === -1 && authority !== '') lines.push(`X-Forwarded-Host: ${authority}\r\n`)
    const origin = lines.join('')
    if (plain) {
      this.#keptAuthority = authority
      this.#keptOrigin = origin
    }
    return origin
  }

  /** A malformed traceparent must not be passed on beside a new one (W3C Trace Context §3.2): it is then dropped. */
  #isTraced(head: RequestHead): boolean {
    return head.traceparentAt !== -1 && isTraceparent(head.fields.value(head.traceparentAt))
  }
}

/** Whether the request line can be passed on as it came. The query always is; the path may have been normalised or rewritten. */
function lineStands(path: string, query: string, head: RequestHead): boolean {
  const length = query === '' ? path.length : path.length + 1 + query.length
  return (
    head.minor === 1 && head.lineInOriginForm && length === head.target.length && head.target.startsWith(path)
  )
}

function targetOf(path: string, query: string, head: RequestHead): string {
  if (head.target === '*') return '*'
  return query === '' ? path : `${path}?${query}`
}

/** The name in an authority, lower case, without port. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':')
  const name = colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority
  return name.toLowerCase()
}
