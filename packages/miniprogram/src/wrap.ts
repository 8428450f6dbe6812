import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import type { RequestOptions } from './options.ts'
import type { Method } from './transport.ts'
import type { NativeAnswer, NativeHost } from './transports/index.ts'

/** The parts of the platform's options that are read here; the others are handed on. */
interface WrappedOptions {
  readonly url: string
  readonly method?: string
  readonly header?: Readonly<Record<string, string>>
  readonly data?: unknown
  readonly timeout?: number
  readonly dataType?: string
  readonly responseType?: string
  readonly success?: (answer: object) => void
  readonly fail?: (failure: object) => void
  readonly complete?: (result: object) => void
}

/** Keys that are translated; what else an option holds, `enableHttp2` for example, goes to the platform as it is. */
const own: ReadonlySet<string> = new Set([
  ...[
    'url',
    'method',
    'header',
    'data',
    'timeout',
    'dataType',
    'responseType',
    'success',
    'fail',
    'complete',
  ],
])

/** Answered by the platform itself: their parts come one by one, and cannot be begun anew. */
const unmanaged: readonly string[] = ['enableChunked']

/**
 * A `request` like the platform's, callbacks and task included, that goes through the client where the URL is one of its
 * channels'. Other URLs, and requests whose answer comes in pieces, go to the platform as before.
 */
export function wrapRequest<Host extends NativeHost>(client: Client, host: Host): Host['request'] {
  return ((options: WrappedOptions) => {
    const path = client.pathOf(options.url)
    const streamed = unmanaged.some((key) => (options as unknown as Record<string, unknown>)[key] === true)
    if (path === undefined || streamed) return host.request(options)
    const call = client.request({ ...translated(options), path })
    call.then(
      ({ native, data, status, headers }) => {
        // What was kept has nothing of the platform's beside it.
        const kept = { data, statusCode: status, header: headers, cookies: [], errMsg: 'request:ok' }
        const answer = withData((native as NativeAnswer | undefined) ?? kept, options)
        options.success?.(answer)
        options.complete?.(answer)
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error
        // To the platform, every status is a success.
        if (error.code === 'http' && error.native !== undefined) {
          const answer = withData(error.native as NativeAnswer, options)
          options.success?.(answer)
          return options.complete?.(answer)
        }
        const failure = {
          errMsg: `request:fail ${error.code === 'aborted' ? 'abort' : error.message}`,
          errno: error.errno,
        }
        options.fail?.(failure)
        options.complete?.(failure)
      },
    )
    return taskOf(call)
  }) as Host['request']
}

function translated(options: WrappedOptions): RequestOptions {
  const { method = 'GET', data, header, timeout, responseType } = options
  const native: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) if (!own.has(key)) native[key] = value
  const upper = method.toUpperCase() as Method
  const isQuery = (upper === 'GET' || upper === 'HEAD') && typeof data === 'object' && data !== null
  return {
    path: '',
    method: upper,
    ...(isQuery ? { query: data as Record<string, string> } : { data: bodyOf(data, header) }),
    ...(header === undefined ? {} : { headers: header }),
    ...(timeout === undefined ? {} : { timeoutMs: Math.min(timeout, 60_000) }),
    responseType: responseType === 'arraybuffer' ? 'arraybuffer' : 'text',
    native,
  }
}

/** As the platform does it: an object becomes a form where the header says so, else JSON. */
function bodyOf(data: unknown, header: WrappedOptions['header']): unknown {
  if (typeof data !== 'object' || data === null || data instanceof ArrayBuffer) return data
  const type = Object.entries(header ?? {}).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  if (type === undefined || !type.includes('x-www-form-urlencoded')) return data
  return Object.entries(data)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .join('&')
}

/** The client asks for text; the platform would have parsed it unless told otherwise, and kept the text where that fails. */
function withData(native: NativeAnswer, { dataType = 'json' }: WrappedOptions): object {
  const { data } = native
  if (dataType !== 'json' || typeof data !== 'string') return native
  try {
    return { ...native, data: JSON.parse(data) as unknown }
  } catch {
    return native
  }
}

/** `wx.request` gives a task at once. Heads and chunks are not told of: what is managed may be sent more than once. */
function taskOf(call: { abort(): void }): object {
  return {
    abort: () => call.abort(),
    onHeadersReceived: nothing,
    offHeadersReceived: nothing,
    onChunkReceived: nothing,
    offChunkReceived: nothing,
  }
}

function nothing(): void {}
