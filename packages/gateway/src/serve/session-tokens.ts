import { createHmac, randomBytes } from 'node:crypto'
import type { SessionConfig } from '@budao/model'
import { compactJws } from '../keys/compact-jws.ts'
import { parsePrivateKeys, type SigningKey } from '../keys/private-keys.ts'
import { LookedFile } from './looked-files.ts'
import { openRefresh, type RefreshClaims, sealRefresh } from './refresh-token.ts'
import { openSecret, type Secret } from './secret.ts'
import type { ServeEnv } from './served.ts'

const DAY_S = 86_400
/** A hash that short can be guessed with its secret. */
const SECRET_LENGTH_MIN = 16

/** What a client gets. */
export interface IssuedSession {
  readonly token: string
  /** Seconds. */
  readonly expiresIn: number
  readonly user: string
  readonly refreshToken?: string
}

/** Issues the tokens of one route. */
export class SessionTokens {
  readonly #config: SessionConfig
  readonly #env: ServeEnv
  readonly #keys: LookedFile<readonly [SigningKey, ...SigningKey[]]>
  readonly #secret: Secret | null
  /** Refresh tokens of another kind of session are none here. */
  readonly #purpose: string

  /** Throws when a key or the secret cannot be used. */
  constructor(config: SessionConfig, env: ServeEnv) {
    this.#config = config
    this.#env = env
    this.#keys = new LookedFile(config.token.key, env, parsePrivateKeys)
    this.#secret = 'hash' in config.user ? openSecret(config.user.hash, env, SECRET_LENGTH_MIN) : null
    this.#purpose = JSON.stringify([config.token.issuer ?? '', config.token.audience ?? ''])
  }

  /** What stands outside for the one whom a provider calls `id`. */
  userOf(realm: string, id: string): string {
    if (this.#secret === null) return id
    // 128 bits: no two users will ever share one.
    return createHmac('sha256', this.#secret.value)
      .update(`${realm}\0${id}`)
      .digest()
      .subarray(0, 16)
      .toString('base64url')
  }

  begin(user: string, provider: string): Promise<IssuedSession> {
    const session = randomBytes(12).toString('base64url')
    return this.#issue({ user, provider, session, bornAt: this.#nowS() })
  }

  /** The same session with new tokens; null for a refresh token that is none, or too old. */
  async renew(token: string): Promise<(IssuedSession & { readonly provider: string }) | null> {
    const { refresh, provider } = this.#config
    if (refresh === false) return null
    const claims = openRefresh(token, this.#purpose, this.#keys.value)
    if (claims === null || claims.expiresAt <= this.#nowS() || !provider.includes(claims.provider))
      return null
    return { ...(await this.#issue(claims)), provider: claims.provider }
  }

  async #issue({
    user,
    provider,
    session,
    bornAt,
  }: Omit<RefreshClaims, 'expiresAt'>): Promise<IssuedSession> {
    const { token, refresh } = this.#config
    const [signing] = this.#keys.value
    const now = this.#nowS()
    const expiresIn = Math.ceil(token.ttl / 1_000)
    const claims = {
      ...(token.issuer === undefined ? {} : { iss: token.issuer }),
      ...(token.audience === undefined ? {} : { aud: token.audience }),
      sub: user,
      sid: session,
      provider,
      iat: now,
      exp: now + expiresIn,
    }
    const issued = { token: await compactJws(claims, 'JWT', signing), expiresIn, user }
    if (refresh === false) return issued
    const expiresAt = Math.min(now + refresh.idleDays * DAY_S, bornAt + refresh.maxDays * DAY_S)
    const sealed = sealRefresh({ user, provider, session, bornAt, expiresAt }, this.#purpose, signing)
    return { ...issued, refreshToken: sealed }
  }

  #nowS(): number {
    return Math.floor(this.#env.wallNow() / 1_000)
  }
}
