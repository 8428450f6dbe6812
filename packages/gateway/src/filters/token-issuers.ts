import { resolve } from 'node:path'
import type { JwtConfig, JwtIssuerConfig } from '@budao/model'
import { decodeJwt, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose'
import { KeyFile } from '../keys/key-file.ts'
import type { KeySource } from '../keys/key-source.ts'
import { isUrl, issuersOf } from '../keys/key-urls.ts'
import { RemoteKeys } from '../keys/remote-keys.ts'
import type { FilterEnv } from './filter.ts'

/** A token signed by a key not seen yet makes keys be looked for early, but not more often than this. */
const earlyRefreshMs = 1_000

/** There are no keys yet: the token may be good or bad. */
export class NoKeys extends Error {
  override readonly name = 'NoKeys'
}

interface Issuer {
  /** Undefined: of any. */
  readonly name: string | undefined
  readonly keys: KeySource
  readonly options: Omit<JWTVerifyOptions, 'currentDate'>
  refreshAt: number
}

/** Those who may have signed a token, each with its keys. */
export class TokenIssuers {
  readonly #env: FilterEnv
  readonly #issuers: readonly Issuer[]

  /** Rejects when a key file cannot be read or holds no usable key set. */
  static async open(config: JwtConfig, env: FilterEnv): Promise<TokenIssuers> {
    const issuers: Issuer[] = []
    try {
      for (const issuer of issuersOf(config)) {
        const keys = await openKeys(issuer.jwks, env)
        issuers.push({ name: issuer.issuer, keys, options: verifyOptions(issuer, config), refreshAt: 0 })
      }
    } catch (error) {
      for (const { keys } of issuers) keys.close()
      throw error
    }
    return new TokenIssuers(env, issuers)
  }

  private constructor(env: FilterEnv, issuers: readonly Issuer[]) {
    this.#env = env
    this.#issuers = issuers
  }

  /** Changes whenever the keys of any of them do. */
  get generation(): number {
    let sum = 0
    for (const { keys } of this.#issuers) sum += keys.generation
    return sum
  }

  /** What a good token says. Rejects with NoKeys, or with what jose finds wrong. */
  async verify(token: string): Promise<JWTPayload> {
    const issuer = this.#choose(token)
    try {
      return await this.#verifyWith(issuer, token)
    } catch (error) {
      const worthLooking = error instanceof errors.JWKSNoMatchingKey || error instanceof NoKeys
      if (!worthLooking || !(await this.#refresh(issuer))) throw error
      return this.#verifyWith(issuer, token)
    }
  }

  close(): void {
    for (const { keys } of this.#issuers) keys.close()
  }

  /** By the `iss` that the token claims: whether it is true, its signature says. */
  #choose(token: string): Issuer {
    const [first, ...others] = this.#issuers
    if (others.length === 0) return first!
    const claimed = decodeJwt(token).iss
    const chosen =
      this.#issuers.find(({ name }) => name !== undefined && name === claimed) ??
      this.#issuers.find(({ name }) => name === undefined)
    if (chosen !== undefined) return chosen
    throw new errors.JWTClaimValidationFailed('unexpected "iss" claim value', {}, 'iss', 'check_failed')
  }

  async #verifyWith({ keys, options }: Issuer, token: string): Promise<JWTPayload> {
    if (keys.find === null) throw new NoKeys('no keys have been fetched yet')
    const currentDate = new Date(this.#env.wallNow())
    return (await jwtVerify(token, keys.find, { ...options, currentDate })).payload
  }

  async #refresh(issuer: Issuer): Promise<boolean> {
    const now = this.#env.now()
    if (now < issuer.refreshAt) return false
    issuer.refreshAt = now + earlyRefreshMs
    return issuer.keys.refresh()
  }
}

async function openKeys(jwks: string, env: FilterEnv): Promise<KeySource> {
  if (isUrl(jwks)) return new RemoteKeys(env.remoteTexts, jwks)
  return KeyFile.open(resolve(env.baseDir, jwks), (message) =>
    env.warn(`filter jwt of route ${env.route}: ${message}`),
  )
}

function verifyOptions(
  { issuer, audience, algorithms }: JwtIssuerConfig,
  { clockSkew }: JwtConfig,
): Issuer['options'] {
  return {
    algorithms: [...algorithms],
    clockTolerance: clockSkew / 1000,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience: [...audience] }),
  }
}
