import type { Reply } from './filters/filter.ts'
import { statusText } from './status-text.ts'

export interface ReplyTextOptions {
  readonly keepAlive: boolean
  /** An HTTP/1.0 client must be told when its connection stays open. */
  readonly tellKeepAlive?: boolean
  /** The answer to HEAD has the length of a body and no body. */
  readonly toHead?: boolean
}

/** An answer of the gateway's own as it goes on the wire, in latin1: a body beyond ASCII is already its UTF-8 bytes. */
export function replyText(reply: Reply, options: ReplyTextOptions): string {
  const body = Buffer.from(reply.body, 'utf8').toString('latin1')
  let text = `HTTP/1.1 ${reply.status} ${statusText(reply.status)}\r\n`
  for (const [name, value] of reply.headers) text += `${name}: ${value}\r\n`
  if (reply.status !== 204 && reply.status !== 304) text += `Content-Length: ${body.length}\r\n`
  text += connectionLine(options.keepAlive, options.tellKeepAlive ?? false)
  const bodyless = options.toHead === true || reply.status === 204 || reply.status === 304
  return bodyless ? `${text}\r\n` : `${text}\r\n${body}`
}

export function connectionLine(keepAlive: boolean, tellKeepAlive: boolean): string {
  if (!keepAlive) return 'Connection: close\r\n'
  return tellKeepAlive ? 'Connection: keep-alive\r\n' : ''
}
