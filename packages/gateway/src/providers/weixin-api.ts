import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type WeixinConfig, wordIn } from '@budao/model'
import type { FetchedToken, IdentityEnv, IdentityProvider, LoginOutcome } from '../serve/identity.ts'
import { Origins } from '../serve/origins.ts'
import { type CallResult, OutgoingCalls, type OutgoingCall } from '../serve/outgoing-call.ts'
import { openSecret, type Secret } from '../serve/secret.ts'

const ANSWER_BYTES_MAX = 16_384

/** What the server's codes mean for a login (auth.code2Session). */
const loginCodes: Readonly<Record<string, Extract<LoginOutcome, { kind: 'refused' }>>> = {
  '-1': { kind: 'refused', code: 'login_unavailable', reason: 'errcode -1: the server is busy' },
  '40029': { kind: 'refused', code: 'login_code_invalid', reason: 'errcode 40029: the code is not valid' },
  '40163': { kind: 'refused', code: 'login_code_invalid', reason: 'errcode 40163: the code has been used' },
  '45011': { kind: 'refused', code: 'login_rate_limited', reason: 'errcode 45011: too many logins a minute' },
  '40226': { kind: 'refused', code: 'login_blocked', reason: 'errcode 40226: a user of high risk' },
}

/** Codes that say: AppID, secret or address list of the app are wrong. */
const misconfigured: ReadonlySet<number> = new Set([
  40_001, 40_013, 40_125, 40_164, 41_002, 41_004, 50_002, 89_503,
])

/**
 * The server side of a WeChat mini program: logins and the app's access token. Addresses are asked in their order; the next one when the one before
 * could not be reached. A code goes to a second address only when it provably has not left to the first.
 */
export class WeixinApi implements IdentityProvider {
  readonly #config: WeixinConfig
  readonly #env: IdentityEnv
  readonly #secret: Secret
  readonly #calls: OutgoingCalls
  readonly #origins: Origins
  #underWay = 0

  /** Throws when the secret or the certificate authority cannot be read. */
  constructor(config: WeixinConfig, env: IdentityEnv) {
    this.#config = config
    this.#env = env
    this.#secret = openSecret(config.secret, env, 1)
    const { caFile } = config
    this.#calls = new OutgoingCalls({
      connectMs: config.connectTimeout,
      timeoutMs: config.timeout,
      bytesMax: ANSWER_BYTES_MAX,
      ...(caFile === undefined ? {} : { ca: readFileSync(resolve(env.baseDir, caFile), 'utf8') }),
    })
    this.#origins = new Origins(config.urls)
  }

  async login(code: string, deadlineAt: number): Promise<LoginOutcome> {
    if (this.#underWay >= this.#config.concurrency) return unavailable('too many logins are under way')
    this.#underWay++
    try {
      return await this.#login(code, deadlineAt)
    } finally {
      this.#underWay--
    }
  }

  /** The app's access token, which stays the same until shortly before its end, whoever asks; a text says why there is none. */
  async accessToken(): Promise<FetchedToken | string> {
    let problem = 'no address'
    const json = JSON.stringify({
      grant_type: 'client_credential',
      appid: this.#config.appId,
      secret: this.#secret.value,
    })
    // Asking twice does no harm: whatever went wrong, the next address is asked.
    for (const place of this.#origins.order(this.#env.now())) {
      const result = await this.#call(place, { method: 'POST', path: '/cgi-bin/stable_token', json })
      const read = readToken(result)
      if (typeof read !== 'string') return read
      problem = read
      this.#origins.failed(place, this.#env.now())
    }
    return problem
  }

  close(): void {
    this.#calls.close()
  }

  async #login(code: string, deadlineAt: number): Promise<LoginOutcome> {
    const query = new URLSearchParams({
      appid: this.#config.appId,
      secret: this.#secret.value,
      js_code: code,
      grant_type: 'authorization_code',
    })
    let reason = ''
    for (const place of this.#origins.order(this.#env.now())) {
      if (this.#env.now() >= deadlineAt) return unavailable(reason || 'the time for an answer is over')
      const result = await this.#call(place, {
        method: 'GET',
        path: `/sns/jscode2session?${query.toString()}`,
      })
      if (result.kind !== 'not-sent') return this.#readLogin(result)
      ;({ reason } = result)
    }
    return unavailable(reason)
  }

  async #call(place: number, call: Omit<OutgoingCall, 'origin'>): Promise<CallResult> {
    const result = await this.#calls.make({ ...call, origin: this.#origins.all[place]! })
    this.#env.onCall(place, result.kind)
    if (result.kind === 'not-sent') this.#origins.failed(place, this.#env.now())
    else if (result.kind === 'answer') this.#origins.answered(place)
    return result
  }

  #readLogin(result: CallResult): LoginOutcome {
    const answer = readAnswer(result)
    if (typeof answer === 'string') return unavailable(answer)
    const { openid, errcode = 0 } = answer
    if (typeof openid === 'string' && openid !== '')
      return { kind: 'user', realm: `weixin:${this.#config.appId}`, id: openid }
    return (
      wordIn(loginCodes, String(errcode)) ?? {
        kind: 'refused',
        code: 'login_unavailable',
        reason: `errcode ${Number(errcode)}`,
        misconfigured: misconfigured.has(Number(errcode)),
      }
    )
  }
}

function unavailable(reason: string): LoginOutcome {
  return { kind: 'refused', code: 'login_unavailable', reason }
}

function readToken(result: CallResult): FetchedToken | string {
  const answer = readAnswer(result)
  if (typeof answer === 'string') return answer
  const { access_token: token, expires_in: seconds, errcode = 0 } = answer
  if (typeof token !== 'string' || token === '' || typeof seconds !== 'number' || !(seconds > 0))
    return Number(errcode) === 0 ? 'an answer without a token' : `errcode ${Number(errcode)}`
  return { token, lifeMs: seconds * 1_000 }
}

/** The object in an answer; a text says why there is none. What the server wrote is not quoted: it may hold secrets. */
function readAnswer(result: CallResult): Readonly<Record<string, unknown>> | string {
  if (result.kind !== 'answer') return result.reason
  if (result.status !== 200) return `status ${result.status}`
  try {
    const value: unknown = JSON.parse(result.body)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // As good as no object.
  }
  return 'an answer that is not JSON'
}
