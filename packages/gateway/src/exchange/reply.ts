import type { Reply } from '../filters/filter.ts'
import { errorCodes } from '../errors.ts'
import { jsonString } from './json-text.ts'

/**
 * An answer of the gateway's own: `{"error":"code","message":"…"}` as `application/json`, never stored by caches.
 * `code` is for programs and stays the same; `message` is one sentence for people and may change.
 * `fields` are more members of the body, after those two.
 */
export function errorReply(
  status: number,
  code: string,
  message: string,
  extraHeaders: Reply['headers'] = [],
  fields: Readonly<Record<string, string | number | boolean>> = {},
): Reply {
  let body = `{"error":${jsonString(code)},"message":${jsonString(message)}`
  for (const [name, value] of Object.entries(fields)) body += `,${jsonString(name)}:${JSON.stringify(value)}`
  return {
    status,
    headers: [['Content-Type', 'application/json'], ['Cache-Control', 'no-store'], ...extraHeaders],
    body: `${body}}`,
  }
}

/** 405 of a route that takes these methods only, such as `GET, HEAD`. */
export function wrongMethod(allowed: string): Reply {
  const { status } = errorCodes.method_not_allowed
  return errorReply(status, 'method_not_allowed', `This route answers ${allowed} only.`, [['Allow', allowed]])
}
