import type { Abortable, Breakable } from './abortable.ts'
import type { ApiError } from './api-error.ts'
import type { ApiResponse } from './api-response.ts'
import type { Answered, CallEnv, CallRequest } from './call.ts'
import type { RequestOptions } from './options.ts'

/** What features have of the client they belong to. */
export interface FeatureHost {
  readonly env: CallEnv
  /** Who is logged in; empty is nobody. */
  readonly user: string
  setUser(user: string): Promise<void>
  /** A call that no interceptor and no feature around calls sees. */
  send(options: RequestOptions, abortable: Abortable): Promise<ApiResponse<unknown>>
}

/** A call that is over, for whoever counts. */
export interface EndedCall {
  readonly options: RequestOptions
  /** Monotonic milliseconds. */
  readonly beganAt: number
  readonly outcome: ApiResponse<unknown> | ApiError
}

export type Send = (options: RequestOptions) => Promise<ApiResponse<unknown>>

/** Where a feature takes part. Each is optional. */
export interface FeatureHooks {
  /** Stands around a call: may change it, make it again, or not at all. */
  around?(options: RequestOptions, send: Send, abortable: Abortable): Promise<ApiResponse<unknown>>
  /** Answers a GET in place of the network, which `begin` asks. */
  answer?(
    request: CallRequest,
    options: RequestOptions,
    begin: () => Breakable<Answered>,
  ): Breakable<Answered>
  /** A call has gone out to the network: what is to be done beside calls may be done now. */
  onCall?(): void
  onEnd?(call: EndedCall): void
  /** Resolves once it is known who is logged in. */
  ready?: (() => Promise<unknown>) | undefined
  /** Another user is logged in. Resolves when nothing of the one before is left. */
  onUser?: ((user: string) => void | Promise<void>) | undefined
}

/** Something that a client does beside its calls, and that is not in the program of those who do not ask for it. */
export type Feature = (client: FeatureHost) => FeatureHooks
