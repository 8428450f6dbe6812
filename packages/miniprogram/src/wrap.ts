import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import type { RequestOptions } from './options.ts'
import type { Method } from './transport.ts'
import type { NativeAnswer, NativeHost } from './transports/index.ts'

type Headers = Readonly<Record<string, string>>

/** The parts of the platform's options that are read here; the others are handed on. */
interface WrappedOptions {
  readonly url: string
  readonly method?: string
  readonly header?: Headers
  /** Alipay's word for it. */
  readonly headers?: Headers
  readonly data?: unknown
  readonly timeout?: number
  readonly dataType?: string
  readonly responseType?: string
  readonly enableChunked?: boolean
  readonly success?: (answer: object) => void
  readonly fail?: (failure: object) => void
  readonly complete?: (result: object) => void
}

/** Keys that are translated; what else an option holds, `enableHttp2` for example, goes to the platform as it is. */
const own = /^(url|method|headers?|data|timeout|dataType|responseType|success|fail|complete)$/

/**
 * A `request` like the platform's, callbacks and task included, that goes through the client where the URL is one of its
 * channels'. Other URLs, and requests whose answer comes in pieces, which cannot be begun anew, go to the platform as before.
 */
export function wrapRequest<Host extends NativeHost>(client: Client, host: Host): Host['request'] {
  return ((options: WrappedOptions) => {
    const path = client.pathOf(options.url)
    if (path === undefined || options.enableChunked === true) return host.request(options)
    const call = client.request(translated(options, path))
    const { dataType = 'json' } = options
    const tell = (result: object, callback: ((result: object) => void) | undefined): void => {
      callback?.(result)
      options.complete?.(result)
    }
    call.then(
      ({ native, data, status, headers }) => {
        // What was kept has nothing of the platform's beside it.
        const kept = { data, statusCode: status, header: headers, cookies: [], errMsg: 'request:ok' }
        tell(withData((native as NativeAnswer | undefined) ?? kept, dataType), options.success)
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error
        const { code, message, errno, native } = error
        // To the platform, every status is a success.
        if (native) return tell(withData(native, dataType), options.success)
        // Apps compare these texts.
        const text = code === 'aborted' ? 'abort' : code === 'timeout' ? code : message
        tell({ errMsg: `request:fail ${text.replace(/^request:fail /, '')}`, errno }, options.fail)
      },
    )
    // Heads and chunks are not told of: what is managed may be sent more than once.
    return {
      abort: () => call.abort(),
      onHeadersReceived: nothing,
      offHeadersReceived: nothing,
      onChunkReceived: nothing,
      offChunkReceived: nothing,
    }
  }) as Host['request']
}

function translated(options: WrappedOptions, path: string): RequestOptions {
  const { data, header, headers = header, timeout, responseType } = options
  const method = (options.method ?? 'GET').toUpperCase() as Method
  const native: Record<string, unknown> = {}
  for (const key of Object.keys(options))
    if (!own.test(key)) native[key] = options[key as keyof WrappedOptions]
  const isQuery = /^(GET|HEAD)$/.test(method) && typeof data === 'object' && data !== null
  const request: RequestOptions = {
    path,
    method,
    responseType: responseType === 'arraybuffer' ? responseType : 'text',
    native,
  }
  return Object.assign(
    request,
    isQuery ? { query: data as Record<string, string> } : { data: bodyOf(data, headers) },
    headers && { headers },
    timeout !== undefined && { timeoutMs: Math.min(timeout, 60_000) },
  )
}

/** As the platform does it: an object becomes a form where the header says so, else JSON. */
function bodyOf(data: unknown, headers: Headers = {}): unknown {
  if (typeof data !== 'object' || data === null || data instanceof ArrayBuffer) return data
  const isForm = Object.keys(headers).some(
    (name) => name.toLowerCase() === 'content-type' && headers[name]!.includes('x-www-form-urlencoded'),
  )
  if (!isForm) return data
  return Object.entries(data)
    .map((pair) => pair.map((part) => encodeURIComponent(String(part))).join('='))
    .join('&')
}

/** The client asks for text; the platform would have parsed it unless told otherwise, and kept the text where that fails. */
function withData(native: object, dataType: string): object {
  const { data } = native as NativeAnswer
  if (dataType !== 'json' || typeof data !== 'string') return native
  try {
    return Object.assign({}, native, { data: JSON.parse(data) as unknown })
  } catch {
    return native
  }
}

function nothing(): void {}
