/** What a client wants: to log in by a code, or to renew its session. */
export type SessionRequest =
  | { readonly kind: 'login'; readonly provider: string; readonly code: string }
  | { readonly kind: 'refresh'; readonly token: string }

const CODE_MAX = 512
const TOKEN_MAX = 2_048

/** Reads the body of a request for a session. A text says what is wrong with it, without quoting it. */
export function parseSessionRequest(body: Buffer): SessionRequest | string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return 'expected JSON in UTF-8'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'expected an object with code or refreshToken'
  const { provider = '', code, refreshToken } = value as Readonly<Record<string, unknown>>
  if (typeof provider !== 'string') return 'provider: expected a text'
  if (code !== undefined && refreshToken !== undefined) return 'expected code or refreshToken, not both'
  if (refreshToken !== undefined) {
    const good = isVisible(refreshToken, TOKEN_MAX)
    return good ? { kind: 'refresh', token: refreshToken } : `refreshToken: expected ${expected(TOKEN_MAX)}`
  }
  return isVisible(code, CODE_MAX)
    ? { kind: 'login', provider, code }
    : `code: expected ${expected(CODE_MAX)}`
}

function isVisible(text: unknown, max: number): text is string {
  return typeof text === 'string' && text.length > 0 && text.length <= max && /^[\x21-\x7e]+$/.test(text)
}

function expected(max: number): string {
  return `1 to ${max} characters of visible ASCII`
}
