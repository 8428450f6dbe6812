import { createHash, timingSafeEqual } from 'node:crypto'
import { hostName, isLoopback } from './address.ts'
import { ApiError } from './api-error.ts'

/** Bearer tokens. The operator's opens everything the viewer's does. */
export interface AdminTokens {
  readonly viewer?: string
  readonly operator?: string
}

/** What a route asks of its caller. */
export type Role = 'open' | 'viewer' | 'operator'

/** The headers on which access is decided. */
export interface Caller {
  readonly host: string | undefined
  readonly authorization: string | undefined
  readonly origin: string | undefined
  readonly contentType: string | undefined
}

/**
 * Why this caller may not use a route of this role, or null when it may.
 *
 * Without any token the address is loopback (the server refuses to start otherwise), and the danger is a web page
 * open in a browser on this machine. It can reach us under a name of its own that resolves to 127.0.0.1, hence the
 * check of Host; it can post a form across origins, hence the JSON content type, which a form cannot have.
 */
export function refusal(role: Role, caller: Caller, tokens: AdminTokens): ApiError | null {
  const tokenless = !tokens.viewer && !tokens.operator
  if (tokenless && !isLoopback(hostName(caller.host) ?? '')) {
    return new ApiError('host-refused', `the Host header must name this machine, got ${quote(caller.host)}`, {
      hint: 'Use http://127.0.0.1 or http://localhost, or configure admin.tokens.',
    })
  }
  if (role === 'open') return null
  const byToken = tokenless ? null : tokenRefusal(role, caller.authorization, tokens)
  if (byToken !== null || role === 'viewer') return byToken
  return forgeryRefusal(caller)
}

function tokenRefusal(role: Role, authorization: string | undefined, tokens: AdminTokens): ApiError | null {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) {
    return new ApiError('token-required', 'this needs a token', {
      hint: 'Send the header Authorization: Bearer TOKEN with a token of admin.tokens.',
    })
  }
  // Both are compared always, so that the time says nothing about which one was close.
  const operator = sameSecret(token, tokens.operator)
  const viewer = sameSecret(token, tokens.viewer)
  if (operator || (viewer && role === 'viewer')) return null
  if (!viewer) return new ApiError('token-refused', 'this token is not one of admin.tokens')
  return new ApiError('operator-required', 'a viewer token can read, but not change anything', {
    hint: 'Use the operator token of admin.tokens.',
  })
}

function forgeryRefusal({ host, origin, contentType }: Caller): ApiError | null {
  if (origin !== undefined && !URL.canParse(origin)) return foreignOrigin(origin)
  if (origin !== undefined && new URL(origin).host !== host?.toLowerCase()) return foreignOrigin(origin)
  if (/^application\/json(?: *;|$)/i.test(contentType ?? '')) return null
  return new ApiError(
    'json-required',
    `the content type must be application/json, got ${quote(contentType)}`,
    {
      hint: 'Send the header Content-Type: application/json.',
    },
  )
}

function foreignOrigin(origin: string): ApiError {
  return new ApiError('origin-refused', `pages of ${quote(origin)} may not change anything here`)
}

/** Hashing first makes both sides equally long, and the comparison blind to the secret's length. */
function sameSecret(given: string, secret: string | undefined): boolean {
  const same = timingSafeEqual(digest(given), digest(secret ?? ''))
  return same && secret !== undefined && secret !== ''
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const quote = (text: string | undefined): string =>
  text === undefined ? 'none' : JSON.stringify(text.slice(0, 100))
