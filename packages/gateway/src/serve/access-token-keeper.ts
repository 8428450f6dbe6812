import type { AccessToken, EventDraft } from '@budao/model'
import { retryAfter, tokenRenewal } from '@budao/resilience'
import type { TokenProvider } from '../providers/open-identity.ts'

const RETRY_MS = 1_000
const RETRY_MAX_MS = 60_000

export interface AccessTokenEnv {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  /** From 0 to below 1. */
  random(): number
  report(event: EventDraft): void
  onChange(): void
}

/** What is known of one provider's token, for metrics. */
export interface AccessTokenReport {
  readonly provider: string
  /** Until the token ends; 0 when there is none. */
  readonly leftMs: number
  readonly fetched: number
  readonly failed: number
}

/**
 * Keeps one provider's access token: fetches it at once, anew before its end, and after a failure again and again, later each
 * time. The last one stays in use until it ends. It never asks for another token while one is good: that would end it for everybody else.
 */
export class AccessTokenKeeper {
  readonly #name: string
  readonly #provider: TokenProvider
  readonly #env: AccessTokenEnv
  #token: AccessToken | null = null
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #failures = 0
  #fetched = 0
  #failed = 0

  constructor(name: string, provider: TokenProvider, env: AccessTokenEnv) {
    this.#name = name
    this.#provider = provider
    this.#env = env
    void this.#fetch()
  }

  /** Null while there is none that is good. */
  get token(): AccessToken | null {
    return this.#token !== null && this.#token.expiresAt > this.#env.wallNow() ? this.#token : null
  }

  report(): AccessTokenReport {
    const leftMs = this.token === null ? 0 : this.token.expiresAt - this.#env.wallNow()
    return { provider: this.#name, leftMs, fetched: this.#fetched, failed: this.#failed }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#provider.close()
  }

  async #fetch(): Promise<void> {
    const found = await this.#provider.accessToken()
    if (this.#closed) return
    const { random, wallNow } = this.#env
    let waitMs: number
    if (typeof found === 'string') {
      waitMs = retryAfter(++this.#failures, RETRY_MS, RETRY_MAX_MS, random())
      this.#onFailed(found, waitMs)
    } else {
      waitMs = Math.max(RETRY_MS, tokenRenewal(found.lifeMs, random()))
      this.#token = { token: found.token, expiresAt: wallNow() + found.lifeMs }
      this.#onFetched()
    }
    this.#timer = setTimeout(() => void this.#fetch(), waitMs).unref()
  }

  #onFetched(): void {
    this.#fetched++
    const failures = this.#failures
    this.#failures = 0
    this.#env.onChange()
    if (failures === 0) return
    this.#env.report({
      kind: 'identity.token-available',
      severity: 'info',
      subject: this.#name,
      message: `There is an access token of ${this.#name} again.`,
      evidence: { failures },
    })
  }

  /** Once when it begins, and once more when the last token has ended: then it matters. */
  #onFailed(reason: string, waitMs: number): void {
    this.#failed++
    const ended = this.token === null
    const begins = this.#failures === 1
    if (!begins && !(ended && this.#token !== null)) return
    if (ended) this.#token = null
    this.#env.report({
      kind: 'identity.token-unavailable',
      severity: ended ? 'critical' : 'warning',
      subject: this.#name,
      message: ended
        ? `There is no access token of ${this.#name}: ${reason}.`
        : `The access token of ${this.#name} could not be renewed: ${reason}. The one before is good for now.`,
      evidence: {
        reason,
        failures: this.#failures,
        leftSeconds: ended ? 0 : Math.round((this.#token!.expiresAt - this.#env.wallNow()) / 1_000),
        nextInSeconds: Math.round(waitMs / 1_000),
      },
    })
  }
}
