import type { JwtConfig } from '@budao/model'
import { errors, type JWTPayload } from 'jose'
import { errorReply } from '../exchange/reply.ts'
import type { Claims, Filter, FilterEnv, FilterRequest, Reply } from './filter.ts'
import { NoKeys, TokenIssuers } from './token-issuers.ts'
import { TokenCache } from './token-cache.ts'
import { tokenReader } from './token-place.ts'

/** A verified token is believed so long without looking at its signature again, at most until it expires. */
const cachedMs = 60_000
const cacheEntries = 1_000
/** No honest token is longer; checking one costs time in proportion. */
const tokenBytesMax = 16_384

/** Rejects when a key file cannot be read or holds no usable key set. */
export async function createJwtFilter(config: JwtConfig, env: FilterEnv): Promise<Filter> {
  return new JwtFilter(config, env, await TokenIssuers.open(config, env))
}

/** What is kept of a verified token. */
interface Verified {
  readonly claims: Claims
  readonly headers: readonly ForwardedHeader[]
}

/**
 * Lets requests pass that carry a valid token: 401 without one, 403 with a bad one. Claims are forwarded as headers; the
 * client's own copies of those headers are removed from every request.
 */
class JwtFilter implements Filter {
  readonly name = 'jwt'
  readonly #env: FilterEnv
  readonly #issuers: TokenIssuers
  readonly #tokenOf: (request: FilterRequest) => string | undefined
  readonly #skewMs: number
  readonly #required: readonly (readonly [claim: string, values: readonly string[]])[]
  readonly #forward: readonly (readonly [claim: string, header: string])[]
  readonly #verified: TokenCache<Verified> = new TokenCache(cacheEntries)
  #generation = 0

  constructor(config: JwtConfig, env: FilterEnv, issuers: TokenIssuers) {
    this.#env = env
    this.#issuers = issuers
    this.#tokenOf = tokenReader(config.from)
    this.#skewMs = config.clockSkew
    this.#required = Object.entries(config.requireClaims)
    this.#forward = Object.entries(config.forwardClaims)
  }

  onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    for (const [, header] of this.#forward) request.removeHeader(header)
    const token = this.#tokenOf(request)
    if (token === undefined) return missing
    if (token.length > tokenBytesMax) return invalid('The token is too long.')

    const { generation } = this.#issuers
    if (this.#generation !== generation) {
      this.#generation = generation
      this.#verified.clear()
    }
    const verified = this.#verified.get(token, request.now)
    if (verified === undefined) return this.#verify(request, token)
    pass(request, verified)
    return undefined
  }

  close(): void {
    this.#issuers.close()
  }

  async #verify(request: FilterRequest, token: string): Promise<Reply | undefined> {
    const { now, requestId } = request
    const { generation } = this.#issuers
    let payload: JWTPayload
    try {
      payload = await this.#issuers.verify(token)
    } catch (error) {
      return error instanceof NoKeys ? unavailable : invalid(refusal(error))
    }
    const lacking = this.#required.find(([claim, values]) => !hasOne(payload, claim, values))
    if (lacking !== undefined) return insufficient(lacking[0])
    const verified = { claims: payload, headers: forwardedHeaders(this.#forward, payload) }
    const untilExpiry =
      payload.exp === undefined ? cachedMs : payload.exp * 1000 + this.#skewMs - this.#env.wallNow()
    // Keys that were taken away while we waited must not leave a token behind.
    if (generation === this.#issuers.generation && generation === this.#generation) {
      this.#verified.set(token, verified, now + Math.min(cachedMs, untilExpiry))
    }
    // The client may have gone meanwhile, and its object may stand for somebody else's request by now.
    if (request.requestId === requestId && request.now === now) pass(request, verified)
    return undefined
  }
}

type ForwardedHeader = readonly [name: string, value: string]

function pass(request: FilterRequest, { claims, headers }: Verified): void {
  request.claims = claims
  for (const [name, value] of headers) request.setHeader(name, value)
}

const missing: Reply = errorReply(401, 'token_missing', 'This route needs a bearer token.', [
  ['WWW-Authenticate', 'Bearer'],
])

const unavailable: Reply = errorReply(
  503,
  'token_keys_unavailable',
  'Tokens cannot be checked at the moment; try again.',
  [['Retry-After', '5']],
)

/** The words of RFC 6750. */
function invalid(message: string): Reply {
  return errorReply(403, 'token_invalid', message, [['WWW-Authenticate', 'Bearer error="invalid_token"']])
}

function insufficient(claim: string): Reply {
  return errorReply(403, 'token_insufficient', `The claim ${claim} does not allow this.`, [
    ['WWW-Authenticate', 'Bearer error="insufficient_scope"'],
  ])
}

const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JWKS_NO_MATCHING_KEY: 'No key of this gateway has signed the token.',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'The signature of the token is wrong.',
  ERR_JOSE_ALG_NOT_ALLOWED: 'The signature algorithm of the token is not accepted.',
}

/** Whatever fails while a token is read is the token's fault: that there are no keys has been said before. */
function refusal(error: unknown): string {
  const claim =
    error instanceof errors.JWTClaimValidationFailed ? `The claim ${error.claim} is not accepted.` : undefined
  const code = error instanceof errors.JOSEError ? error.code : ''
  return reasons[code] ?? claim ?? 'The token is malformed.'
}

/** A claim has a value as it is, as an item of a list, or as a word of a text such as `scope`. */
function hasOne(payload: JWTPayload, claim: string, values: readonly string[]): boolean {
  const found = Object.hasOwn(payload, claim) ? payload[claim] : undefined
  const list: readonly unknown[] = Array.isArray(found)
    ? found
    : typeof found === 'string'
      ? [found, ...found.split(' ')]
      : [found]
  return list.some((item) => isPlain(item) && values.includes(String(item)))
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function forwardedHeaders(
  forward: readonly (readonly [string, string])[],
  payload: JWTPayload,
): ForwardedHeader[] {
  const headers: ForwardedHeader[] = []
  for (const [claim, header] of forward) {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined
    if (value !== undefined && value !== null) headers.push([header, claimText(value)])
  }
  return headers
}

/**
 * A claim as a header's value: texts, numbers and booleans as they are, other values as JSON. `%` and what is not
 * visible ASCII is percent-encoded as UTF-8: a signed claim may still hold line ends, or spaces that get lost.
 */
function claimText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.toWellFormed().replace(/[^\x21-\x24\x26-\x7e]+/g, encodeURIComponent)
}
