import type { Answer } from '../client/client.ts'
import type { Reply } from '../filters/filter.ts'
import { statusText } from './status-text.ts'

/** What the gateway or a filter says, as it goes to a client: a body beyond ASCII becomes its UTF-8 bytes. */
export function answerOf({ status, headers, body }: Reply): Answer {
  let lines = ''
  for (const [name, value] of headers) lines += `${name}: ${value}\r\n`
  return { status, reason: statusText(status), lines, body: Buffer.from(body, 'utf8').toString('latin1') }
}

/** A complete answer in HTTP/1.1. The answer to HEAD has the length of a body and no body. */
export function answerText(answer: Answer, connection: string, extra: string, toHead: boolean): string {
  const { status, body } = answer
  const bodyless = hasNoBody(status)
  const length = bodyless ? '' : `Content-Length: ${body.length}\r\n`
  const head = `HTTP/1.1 ${status} ${answer.reason}\r\n${answer.lines}${extra}${length}${connection}\r\n`
  return bodyless || toHead ? head : head + body
}

/** Statuses whose answers end behind the head, whatever its fields say. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 304
}

/** An HTTP/1.0 client must be told when its connection stays open. */
export function connectionLine(keepAlive: boolean, tellKeepAlive: boolean): string {
  if (!keepAlive) return 'Connection: close\r\n'
  return tellKeepAlive ? 'Connection: keep-alive\r\n' : ''
}
