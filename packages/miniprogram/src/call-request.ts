import { jsonProblem } from './answer-body.ts'
import { ApiError } from './api-error.ts'
import type { CallRequest } from './call.ts'
import { idempotencyKey } from './idempotency-key.ts'
import type { CallDefaults, RequestOptions } from './options.ts'
import { withQuery } from './query.ts'
import type { Random } from './runtime.ts'

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']

type Headers = Readonly<Record<string, string>> | undefined

/** What the client gives every call. */
export interface CallBasis extends CallDefaults {
  readonly headers: Headers
  readonly native: Readonly<Record<string, unknown>> | undefined
}

/** A call ready to go out. Throws `misuse` for one that cannot work however often it is made. */
export function callRequest(options: RequestOptions, basis: CallBasis, random: Random): CallRequest {
  const { method = 'GET', path, data, query, responseType = 'json', native, once = false } = options
  const reads = method === 'GET' || method === 'HEAD'
  const hasBody = data !== undefined && data !== null
  if (!methods.includes(method))
    throw misuse(`Mini programs cannot send ${method as string}. Use PUT or POST.`)
  if (path[0] !== '/')
    throw misuse(`Expected a path that starts with /, got ${path}: the domain comes from the channels.`)
  if (reads && hasBody) throw misuse(`A ${method} has no body: give \`query\` instead of \`data\`.`)
  const headers: Record<string, string> = Object.assign({}, basis.headers, options.headers)
  const lacks = (lower: string): boolean => !Object.keys(headers).some((name) => name.toLowerCase() === lower)
  if (/^P|^D/.test(method) && lacks('idempotency-key')) headers['Idempotency-Key'] = idempotencyKey(random)
  const raw = typeof data === 'string' || data instanceof ArrayBuffer
  if (hasBody && !raw && lacks('content-type')) headers['Content-Type'] = 'application/json'
  const { timeoutMs, attemptMs, attemptsMax } = basis
  return {
    method,
    path: withQuery(path, query),
    headers,
    body: raw ? data : hasBody ? JSON.stringify(data) : undefined,
    responseType: responseType === 'arraybuffer' ? responseType : 'text',
    priority: options.priority ?? 'normal',
    timeoutMs: options.timeoutMs ?? timeoutMs,
    attemptMs: options.attemptMs ?? attemptMs,
    attemptsMax: options.attemptsMax ?? attemptsMax,
    repeatable: !once && (options.repeatable ?? (method !== 'POST' || basis.keysHonoured)),
    once,
    native: native === undefined ? basis.native : Object.assign({}, basis.native, native),
    check: responseType === 'json' && method !== 'HEAD' ? jsonProblem : () => '',
  }
}

function misuse(text: string): ApiError {
  return new ApiError('misuse', text)
}
