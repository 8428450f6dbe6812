import type { Abortable } from './abortable.ts'
import { isTokenRefused } from './answer-body.ts'
import { ApiError } from './api-error.ts'
import type { Feature, FeatureHost, Send } from './feature.ts'
import type { ApiResponse } from './api-response.ts'
import type { RequestOptions } from './options.ts'

/** How calls say who makes them. */
export interface AuthOptions {
  /** The token in use; undefined where nobody is logged in. */
  token(): string | undefined | Promise<string | undefined>
  /** Gets another one, by a login for example; resolves to it once `token` gives it. Rejects where there is none to be had. */
  refresh(): Promise<string | undefined>
  /** Resolves once the client has been told who is logged in. Default: the app tells it, by `setUser`. */
  ready?(): Promise<unknown>
  /** Somebody else, or nobody, is logged in. */
  onUser?(user: string): void
  /** Default `Authorization`. */
  readonly header?: string
  /** Before the token. Default `Bearer `. */
  readonly prefix?: string
}

/** A login that does not end must not hold calls for ever. */
const WAIT_MAX_MS = 20_000

/** Calls carry a token, which is renewed once however many of them found it no longer valid at the same time. */
export function auth(given: AuthOptions | ((client: FeatureHost) => AuthOptions)): Feature {
  return (client) => {
    const options = typeof given === 'function' ? given(client) : given
    const { header = 'Authorization', prefix = 'Bearer ' } = options
    let renewing: Promise<string | undefined> | null = null

    const withToken = (request: RequestOptions, token: string | undefined): RequestOptions =>
      token === undefined
        ? request
        : Object.assign({}, request, {
            headers: Object.assign({ [header]: prefix + token }, request.headers),
          })

    /** The token to use in place of `refused`; undefined when there is none. */
    const renew = async (refused: string | undefined): Promise<string | undefined> => {
      const current = await options.token()
      // Somebody else was quicker.
      if (current !== undefined && current !== refused) return current
      renewing ??= within(client, options.refresh()).then(
        (token) => {
          renewing = null
          return token ?? options.token()
        },
        () => {
          renewing = null
          return undefined
        },
      )
      const renewed = await renewing
      return renewed === refused ? undefined : renewed
    }

    const around = async (
      request: RequestOptions,
      send: Send,
      abortable: Abortable,
    ): Promise<ApiResponse<unknown>> => {
      if (request.auth === false) return send(request)
      let token: string | undefined
      try {
        token = await abortable.until(within(client, Promise.resolve(options.token())))
      } catch (error) {
        // Without a server there is no login, but perhaps a kept answer.
        if (isAborted(error) || (request.method ?? 'GET') !== 'GET') throw error
        return send(request)
      }
      try {
        return await send(withToken(request, token))
      } catch (error) {
        if (!(error instanceof ApiError) || !isTokenRefused(error)) throw error
        const renewed = await abortable.until(renew(token).catch(() => undefined))
        if (renewed === undefined) throw error
        return send(withToken(request, renewed))
      }
    }
    return { around, ready: options.ready, onUser: options.onUser }
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'aborted'
}

function within<T>(client: FeatureHost, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = client.env.runtime.after(WAIT_MAX_MS, () =>
      reject(new ApiError('timeout', 'The login did not end in time.')),
    )
    promise.then(resolve, reject).then(stop, stop)
  })
}
