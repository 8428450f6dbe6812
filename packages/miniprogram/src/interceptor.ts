import type { ApiError } from './api-error.ts'
import type { ApiResponse } from './api-response.ts'
import type { RequestOptions } from './options.ts'

/** Sees calls on their way, and may change them. Every hook is optional; what throws rejects the call. */
export interface Interceptor {
  /** Returns what is to be sent. */
  onRequest?(options: RequestOptions): RequestOptions | Promise<RequestOptions>
  /** Returns another response, or nothing to leave it as it is. */
  onResponse?(
    response: ApiResponse<unknown>,
    options: RequestOptions,
  ): ApiResponse<unknown> | undefined | void | Promise<ApiResponse<unknown> | undefined | void>
  /** Returns a response in place of the error, another error, or nothing to leave it as it is. */
  onError?(
    error: ApiError,
    options: RequestOptions,
  ):
    | ApiResponse<unknown>
    | ApiError
    | undefined
    | void
    | Promise<ApiResponse<unknown> | ApiError | undefined | void>
}
