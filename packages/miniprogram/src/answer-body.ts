import type { TransportAnswer } from './transport.ts'

/**
 * What is wrong with the body of an answer that should be JSON; empty when nothing is. A page of a captive portal comes with
 * status 200, and a proxy that gives up in the middle leaves half an object: neither is data.
 */
export function jsonProblem({ status, body, headers }: TransportAnswer): string {
  // Statuses without a body, and errors whose text may be anybody's.
  if (status === 204 || status === 304 || status < 200 || status >= 300) return ''
  if (typeof body !== 'string') return 'expected JSON, got bytes'
  if (body === '') return 'expected JSON, got an empty body'
  try {
    JSON.parse(withoutMark(body))
    return ''
  } catch {
    const what = /^\s*</.test(body) ? 'a page' : `broken ${headers['content-type'] ?? 'JSON'}`
    return `expected JSON, got ${what}: ${body.slice(0, 40)}`
  }
}

/** The answer to a keyed write whose first attempt is still being carried out. */
export function isInProgress({ status, body }: { status: number; body: unknown }): boolean {
  return status === 409 && typeof body === 'string' && body.includes('"idempotency_in_progress"')
}

/** Whether another token may do: 401, or the 403 that a gateway gives one that is expired or signed by a key that is gone. */
export function isTokenRefused({ status, data }: { status: number; data: unknown }): boolean {
  if (status !== 403) return status === 401
  const error = typeof data === 'string' ? data : (data as { error?: unknown } | null)?.error
  return /\btoken_invalid\b/.test(String(error))
}

/** The platform has a cache of its own, below `request`, and says so: such an answer says nothing of a server. */
export function isFromBelow({ native }: TransportAnswer): boolean {
  return !!native && (native as { readonly fromCache?: boolean }).fromCache === true
}

/** The data of an answer: parsed where it is JSON, else as it came. */
export function dataOf({ body }: TransportAnswer): unknown {
  if (typeof body !== 'string') return body
  if (body === '') return undefined
  try {
    return JSON.parse(withoutMark(body))
  } catch {
    return body
  }
}

/** Some editors put a byte order mark before the file that a server then sends as it is. */
function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
