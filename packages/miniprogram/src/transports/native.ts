import type { Transport, TransportAnswer, TransportRequest } from '../transport.ts'
import { classifyNative, type NativeFailure } from './native-failure.ts'

/** What `success` is given. Alipay says `status` and `headers`, the others `statusCode` and `header`. */
export interface NativeAnswer {
  readonly data?: unknown
  readonly statusCode?: number
  readonly status?: number
  readonly header?: object
  readonly headers?: object
}

/** Options as `request` of a platform takes them. */
export interface NativeOptions {
  url: string
  method: string
  header: Record<string, string>
  headers?: Record<string, string>
  data?: string | ArrayBuffer
  timeout: number
  dataType: string
  responseType: string
  success: (answer: NativeAnswer) => void
  fail: (failure: NativeFailure) => void
}

/** The part of `wx`, `tt`, `uni`, `Taro` or `my` that a transport uses. */
export interface NativeHost {
  // Platforms type their own options more narrowly than what they take, each in its own way.
  // oxlint-disable-next-line typescript/no-explicit-any
  request(options: any): unknown
}

/** How a platform departs from WeChat's ways. */
export interface NativeDialect {
  readonly name: string
  /** `dataType` for a body that nobody parses. */
  readonly textType: string
  /** Headers are called so. */
  readonly headersKey: 'header' | 'headers'
}

/** Sends by the `request` of a platform that has WeChat's shape, or nearly. */
export function nativeTransport(host: NativeHost, dialect: NativeDialect): Transport {
  return {
    name: dialect.name,
    send(request, user) {
      let over = false
      const options: NativeOptions = {
        ...request.native,
        ...optionsOf(request, dialect),
        success: (answer) => {
          if (over) return
          over = true
          user.onAnswer(answerOf(answer))
        },
        fail: (failure) => {
          if (over) return
          over = true
          // Alipay calls statuses from 400 on a failure.
          if (isAnswer(failure)) user.onAnswer(answerOf(failure))
          else user.onFailure(classifyNative(failure))
        },
      }
      const task = host.request(options) as { abort?(): void } | undefined
      return () => {
        over = true
        task?.abort?.()
      }
    },
  }
}

function optionsOf(
  { url, method, headers, body, timeoutMs, responseType }: TransportRequest,
  { textType, headersKey }: NativeDialect,
): Omit<NativeOptions, 'success' | 'fail'> {
  return {
    url,
    method,
    header: { ...headers },
    ...(headersKey === 'headers' ? { headers: { ...headers } } : {}),
    ...(body === undefined ? {} : { data: body }),
    timeout: timeoutMs,
    // Parsed by the client and not by the platform, which hands over what is no JSON as if it had been asked for.
    dataType: responseType === 'arraybuffer' ? 'arraybuffer' : textType,
    responseType,
  }
}

function isAnswer(failure: NativeFailure | NativeAnswer): failure is NativeAnswer {
  const { statusCode, status = statusCode ?? 0 } = failure as NativeAnswer
  return status >= 100
}

function answerOf(answer: NativeAnswer): TransportAnswer {
  const { data } = answer
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(answer.header ?? answer.headers ?? {}))
    headers[name.toLowerCase()] = String(value)
  const isBody = typeof data === 'string' || data instanceof ArrayBuffer
  return {
    status: answer.statusCode ?? answer.status ?? 0,
    headers,
    body: isBody ? data : data === undefined || data === null ? '' : JSON.stringify(data),
    native: answer,
  }
}
