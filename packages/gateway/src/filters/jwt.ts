import { resolve } from 'node:path'
import type { JwtConfig } from '@budao/model'
import { errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose'
import { errorReply } from '../reply.ts'
import type { Filter, FilterEnv, FilterRequest, Reply } from './filter.ts'
import { KeyFile } from './key-file.ts'
import { TokenCache } from './token-cache.ts'

/** A verified token is believed so long without looking at its signature again, at most until it expires. */
const cachedMs = 60_000
const cacheEntries = 1_000
/** A token signed by a key not seen yet makes the file be read early, but not more often than this. */
const earlyRefreshMs = 1_000

/** Rejects when the key file cannot be read or holds no usable key set. */
export async function createJwtFilter(config: JwtConfig, env: FilterEnv): Promise<Filter> {
  const path = resolve(env.baseDir, config.jwks)
  const keys = await KeyFile.open(path, (message) => env.warn(`filter jwt of route ${env.route}: ${message}`))
  return new JwtFilter(config, env, keys)
}

/**
 * Lets requests pass that carry a valid bearer token: 401 without one, 403 with a bad one. Claims are forwarded as
 * headers; the client's own copies of those headers are removed from every request.
 */
class JwtFilter implements Filter {
  readonly name = 'jwt'
  readonly #env: FilterEnv
  readonly #keys: KeyFile
  readonly #options: Omit<JWTVerifyOptions, 'currentDate'>
  readonly #skewMs: number
  readonly #forward: readonly (readonly [claim: string, header: string])[]
  readonly #verified: TokenCache<readonly ForwardedHeader[]> = new TokenCache(cacheEntries)
  #generation = 0
  #earlyRefreshAt = 0

  constructor(config: JwtConfig, env: FilterEnv, keys: KeyFile) {
    this.#env = env
    this.#keys = keys
    this.#options = {
      algorithms: [...config.algorithms],
      clockTolerance: config.clockSkew / 1000,
      ...(config.issuer === undefined ? {} : { issuer: config.issuer }),
      ...(config.audience === undefined ? {} : { audience: config.audience }),
    }
    this.#skewMs = config.clockSkew
    this.#forward = Object.entries(config.forwardClaims)
  }

  onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    for (const [, header] of this.#forward) request.removeHeader(header)
    const token = bearerToken(request.header('authorization'))
    if (token === undefined) return missing

    if (this.#generation !== this.#keys.generation) {
      this.#generation = this.#keys.generation
      this.#verified.clear()
    }
    const headers = this.#verified.get(token, request.now)
    if (headers === undefined) return this.#verify(request, token)
    setHeaders(request, headers)
    return undefined
  }

  close(): void {
    this.#keys.close()
  }

  async #verify(request: FilterRequest, token: string): Promise<Reply | undefined> {
    const { now, requestId } = request
    const generation = this.#keys.generation
    let payload: JWTPayload
    try {
      payload = await this.#payload(token)
    } catch (error) {
      return refusal(error)
    }
    const headers = forwardedHeaders(this.#forward, payload)
    const untilExpiry =
      payload.exp === undefined ? cachedMs : payload.exp * 1000 + this.#skewMs - this.#env.wallNow()
    // Keys that were taken away while we waited must not leave a token behind.
    if (generation === this.#keys.generation && generation === this.#generation) {
      this.#verified.set(token, headers, now + Math.min(cachedMs, untilExpiry))
    }
    // The client may have gone meanwhile, and its object may stand for somebody else's request by now.
    if (request.requestId === requestId && request.now === now) setHeaders(request, headers)
    return undefined
  }

  async #payload(token: string): Promise<JWTPayload> {
    const options = { ...this.#options, currentDate: new Date(this.#env.wallNow()) }
    try {
      return (await jwtVerify(token, this.#keys.find, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#refreshEarly())) throw error
      return (await jwtVerify(token, this.#keys.find, options)).payload
    }
  }

  async #refreshEarly(): Promise<boolean> {
    const now = this.#env.now()
    if (now < this.#earlyRefreshAt) return false
    this.#earlyRefreshAt = now + earlyRefreshMs
    return this.#keys.refresh()
  }
}

type ForwardedHeader = readonly [name: string, value: string]

const missing: Reply = errorReply(401, 'token_missing', 'This route needs a bearer token.', [
  ['WWW-Authenticate', 'Bearer'],
])

/** Undefined also for another scheme: such a client was never asked for a token. */
function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const token = authorization.slice(7).trim()
  return token === '' ? undefined : token
}

const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'The token has expired.',
  ERR_JWKS_NO_MATCHING_KEY: 'No key of this gateway has signed the token.',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'The signature of the token is wrong.',
  ERR_JOSE_ALG_NOT_ALLOWED: 'The signature algorithm of the token is not accepted.',
}

/** Whatever fails while a token is read is the token's fault: nothing here waits for anything but the key file. */
function refusal(error: unknown): Reply {
  const claim =
    error instanceof errors.JWTClaimValidationFailed ? `The claim ${error.claim} is not accepted.` : undefined
  const code = error instanceof errors.JOSEError ? error.code : ''
  return errorReply(403, 'token_invalid', reasons[code] ?? claim ?? 'The token is malformed.')
}

function setHeaders(request: FilterRequest, headers: readonly ForwardedHeader[]): void {
  for (const [name, value] of headers) request.setHeader(name, value)
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
