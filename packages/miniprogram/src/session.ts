import { Abortable } from './abortable.ts'
import { ApiError } from './api-error.ts'
import type { AuthOptions } from './auth.ts'
import type { FeatureHost } from './feature.ts'
import type { Storage } from './storage.ts'

/** What a platform's login gives: to be used once. */
export interface LoginCode {
  /** As the server's session route knows it: the name of the platform. */
  readonly provider: string
  readonly code: string
}

export interface SessionOptions {
  /** Logs in on the platform. */
  login(): Promise<LoginCode>
  /** Changes a code for a token. Default `/budao/v1/session`. */
  readonly path?: string
  /** Keeps the session for later processes. Default: each logs in anew. */
  readonly storage?: Storage
}

/** What the session route answers. */
interface Grant {
  readonly token: string
  readonly user: string
  readonly refreshToken?: string
  /** Milliseconds since 1970. */
  readonly until: number
}

const KEY = 'budao:session'
/** A token that ends this soon is renewed before it is used. */
const EARLY_MS = 30_000
/** After a login that failed, none is tried for so long: calls that come meanwhile get its error. */
const HOLD_MS = 3_000

/** Tokens from the platform's login: before the first call that needs one, and again when one no longer holds. */
export function session(options: SessionOptions): (client: FeatureHost) => AuthOptions {
  const { path = '/budao/v1/session', storage } = options
  return (client) => {
    const { runtime } = client.env
    let grant: Grant | undefined
    let loading: Promise<void> | null = null
    let granting: Promise<string> | null = null
    let heldUntil = -1
    let heldFor: unknown

    const load = async (): Promise<void> => {
      const kept = grantOf(await storage?.get(KEY))
      if (kept === undefined) return
      grant = kept
      await client.setUser(kept.user)
    }

    /** Asks with what is good once only: nothing is sent again that may have arrived. */
    const ask = async (data: object): Promise<string> => {
      const { data: answer } = await client.send(
        { method: 'POST', path, data, priority: 'high', once: true },
        new Abortable(),
      )
      const { expiresIn = 0 } = answer as { expiresIn?: number }
      const text = JSON.stringify(Object.assign({}, answer, { until: runtime.wallNow() + expiresIn * 1_000 }))
      const granted = grantOf(text)
      if (granted === undefined)
        throw new ApiError('bad-answer', `${path}: expected {token, user, expiresIn}, got something else.`)
      grant = granted
      void storage?.set(KEY, text).catch(() => {})
      await client.setUser(granted.user)
      return granted.token
    }

    const login = async (): Promise<string> => {
      const first = await options.login()
      try {
        return await ask(first)
      } catch (error) {
        if (!isCodeSpent(error)) throw error
        return ask(await options.login())
      }
    }

    const renew = async (): Promise<string> => {
      const refreshToken = grant?.refreshToken
      if (refreshToken !== undefined) {
        try {
          return await ask({ refreshToken })
        } catch (error) {
          if (!isCodeSpent(error)) throw error
        }
      }
      return login()
    }

    const refresh = (): Promise<string> => {
      if (runtime.now() < heldUntil) return Promise.reject(heldFor as ApiError)
      return (granting ??= renew().then(
        (token) => {
          granting = null
          return token
        },
        (error: unknown) => {
          granting = null
          heldFor = error instanceof ApiError ? error : new ApiError('network', loginFailed(error))
          heldUntil = runtime.now() + Math.max(HOLD_MS, (heldFor as ApiError).retryAfterMs)
          throw heldFor
        },
      ))
    }

    const token = async (): Promise<string> => {
      await (loading ??= load())
      const isGood = grant !== undefined && grant.until - EARLY_MS > runtime.wallNow()
      return isGood ? grant!.token : refresh()
    }
    return {
      token,
      refresh,
      ready: () => (client.user === '' ? token() : Promise.resolve()),
      onUser(user) {
        if (user === grant?.user) return
        grant = undefined
        void storage?.remove(KEY)
      },
    }
  }
}

/** A code that the server did not take, or may have used: another one may do. */
function isCodeSpent(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.status === 401 || error.status >= 500 || error.code === 'maybe-sent')
  )
}

function loginFailed(error: unknown): string {
  const { errMsg, message } = error as { errMsg?: string; message?: string }
  return `The platform's login failed: ${errMsg ?? message ?? String(error)}`
}

/** What storage or a server gives may be anything. */
function grantOf(text: string | undefined): Grant | undefined {
  try {
    const grant = JSON.parse(text!) as Grant
    return typeof grant.token === 'string' && typeof grant.user === 'string' ? grant : undefined
  } catch {
    return undefined
  }
}
