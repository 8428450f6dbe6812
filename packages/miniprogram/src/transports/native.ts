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
      const answered = (answer: NativeAnswer): void => {
        if (!over) user.onAnswer(answerOf(answer))
        over = true
      }
      const failed = (failure: NativeFailure & NativeAnswer): void => {
        // Alipay calls statuses from 400 on a failure.
        if ((failure.statusCode ?? failure.status ?? 0) >= 100) return answered(failure)
        if (!over) user.onFailure(classifyNative(failure))
        over = true
      }
      let task: { abort?(): void } | undefined
      try {
        task = host.request(
          Object.assign({}, request.native, optionsOf(request, dialect), { success: answered, fail: failed }),
        ) as typeof task
      } catch (error) {
        // Some platforms throw what others tell: nothing was sent.
        failed({ errMsg: `parameter: ${String(error)}` })
      }
      return () => {
        over = true
        task?.abort?.()
      }
    },
  }
}

/** A provider of addresses that does not answer must not cost more than asking the phone's own: the platform's default is 60 s. */
const HTTP_DNS_MS = 800

function optionsOf(
  { url, method, headers, body, timeoutMs, responseType, native }: TransportRequest,
  { textType, headersKey }: NativeDialect,
): Record<string, unknown> {
  const options: Record<string, unknown> = {
    url,
    method,
    [headersKey]: Object.assign({}, headers),
    timeout: timeoutMs,
    // Parsed by the client and not by the platform, which hands over what is no JSON as if it had been asked for.
    dataType: responseType === 'text' ? textType : responseType,
    responseType,
  }
  if (body !== undefined) options['data'] = body
  if (native?.['enableHttpDNS'] === true) options['httpDNSTimeout'] = native['httpDNSTimeout'] ?? HTTP_DNS_MS
  return options
}

function answerOf(native: NativeAnswer): TransportAnswer {
  const { data } = native
  const told = (native.header ?? native.headers ?? {}) as Readonly<Record<string, unknown>>
  const headers: Record<string, string> = {}
  for (const name of Object.keys(told)) headers[name.toLowerCase()] = String(told[name])
  const isBody = typeof data === 'string' || data instanceof ArrayBuffer
  return {
    status: native.statusCode ?? native.status ?? 0,
    headers,
    body: isBody ? data : data === undefined || data === null ? '' : JSON.stringify(data),
    native,
  }
}
