import { cookieValue } from './request-values.ts'

/** A cookie that the gateway gives to clients that have none, so that they are known again. Its value says nothing. */
export class IssuedCookie {
  readonly name: string
  readonly #attributes: string

  /** `ttlMs` 0: as long as the browser is open. */
  constructor(name: string, ttlMs: number) {
    this.name = name
    const age = ttlMs === 0 ? '' : `; Max-Age=${Math.ceil(ttlMs / 1_000)}`
    this.#attributes = `; Path=/${age}; HttpOnly; SameSite=Lax`
  }

  /** Whether a Cookie header lacks it. */
  isMissing(header: string | undefined): boolean {
    return (cookieValue(header, this.name) ?? '') === ''
  }

  /** A Cookie header with it. */
  added(header: string | undefined, value: string): string {
    return `${header === undefined || header === '' ? '' : `${header}; `}${this.name}=${value}`
  }

  /** The header line that gives it. */
  line(value: string, scheme: 'http' | 'https'): string {
    return `Set-Cookie: ${this.name}=${value}${this.#attributes}${scheme === 'https' ? '; Secure' : ''}\r\n`
  }
}
