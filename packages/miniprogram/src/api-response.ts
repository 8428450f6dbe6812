import { ApiError } from './api-error.ts'
import { dataOf } from './answer-body.ts'
import type { Answered, AnswerSource } from './call.ts'
import type { RequestOptions } from './options.ts'
import { retryAfterMs } from './retry-after.ts'

/** An answer with a status from 200 to 299. */
export interface ApiResponse<T> {
  readonly data: T
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Which channel answered. */
  readonly channel: string
  /** 0 when it was kept. */
  readonly attempts: number
  /** How long the call waited for slots. Milliseconds. */
  readonly queueMs: number
  readonly source: AnswerSource
  /** What the platform says beside it: `profile`, `cookies`. */
  readonly native: unknown
}

/** Throws what a status other than 2xx means. */
export function responseOf(
  answered: Answered,
  options: RequestOptions,
  wallNow: number,
): ApiResponse<unknown> {
  const { answer, channel, attempts, queueMs, source } = answered
  const { status, headers, native } = answer
  const data = options.responseType === 'text' ? answer.body : dataOf(answer)
  if (status >= 200 && status < 300)
    return { data, status, headers, channel, attempts, queueMs, source, native }
  throw new ApiError('http', `${options.path} was answered ${status}.`, {
    status,
    data,
    native,
    sent: true,
    attempts,
    channel,
    queueMs,
    retryAfterMs: retryAfterMs(headers['retry-after'], wallNow),
  })
}
