import { hash32, LocalCells, RetryBudget } from '@budao/resilience'
import { Abortable, type Breakable } from './abortable.ts'
import { dataOf, jsonProblem } from './answer-body.ts'
import { ApiError } from './api-error.ts'
import { Auth, isUnauthorized } from './auth.ts'
import { Call, type CallEnv, type CallRequest } from './call.ts'
import { cacheTimes, type CacheTimes } from './cache-policy.ts'
import { CacheStore } from './cache-store.ts'
import { CachedAnswers, type Answered, type AnswerSource } from './cached-answers.ts'
import { Channel } from './channel.ts'
import { Channels } from './channels.ts'
import { idempotencyKey } from './idempotency-key.ts'
import type { Interceptor } from './interceptor.ts'
import {
  clientSettings,
  type CallOptions,
  type ClientOptions,
  type ClientSettings,
  type QueuedWrite,
  type RequestOptions,
} from './options.ts'
import { Outbox } from './outbox.ts'
import type { OutboxItem } from './outbox-item.ts'
import { Parking } from './parking.ts'
import { Prober } from './prober.ts'
import { withQuery } from './query.ts'
import { phoneRuntime, type Runtime } from './runtime.ts'
import { Scheduler } from './scheduler.ts'
import { MemoryStorage } from './storage.ts'
import type { Method, TransportAnswer } from './transport.ts'
import type { NativeHost } from './transports/index.ts'
import { wrapRequest } from './wrap.ts'

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
  readonly source: AnswerSource
  /** What the platform says beside it: `profile`, `cookies`. */
  readonly native: unknown
}

/** Rejects with an `ApiError`. `abort` breaks the call off wherever it is, interceptors included. */
export type ApiPromise<T> = Promise<ApiResponse<T>> & { abort(): void }

/** Retries that a new client may make before its calls have earned any. */
const RETRIES_AT_FIRST = 5
const RETRIES_SAVED_MAX = 10

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']
const writes: readonly string[] = ['POST', 'PUT', 'DELETE']

/** The API of one mini program: every call finds a channel that works, within its time, and without doing harm. */
export class Client {
  readonly #settings: ClientSettings
  readonly #runtime: Runtime
  readonly #env: CallEnv
  readonly #prober: Prober
  readonly #auth: Auth | null
  readonly #outbox: Outbox
  #user = ''
  readonly #store: CacheStore
  readonly #cached: CachedAnswers
  readonly #interceptors: Interceptor[] = []

  constructor(options: ClientOptions) {
    this.#settings = clientSettings(options)
    this.#runtime = options.runtime ?? phoneRuntime()
    const { retryPercent, failover, scheduler, timeoutHeader, probePath } = this.#settings
    const budget = new RetryBudget(new LocalCells(RetryBudget.cellsFor()), {
      percent: retryPercent,
      minPerSecond: 0,
      capacity: RETRIES_SAVED_MAX,
    })
    for (let earned = 0; earned < RETRIES_AT_FIRST * 100; earned += Math.max(1, retryPercent))
      budget.deposit()
    const channels = options.channels.map((channel) => new Channel(channel, options.transport))
    this.#env = {
      runtime: this.#runtime,
      channels: new Channels(channels, failover),
      scheduler: new Scheduler(scheduler),
      parking: new Parking(),
      budget,
      backoff: { baseMs: 200, maxMs: 2_000 },
      timeoutHeader,
    }
    this.#prober = new Prober(this.#env, probePath)
    const storage = options.storage ?? new MemoryStorage()
    this.#auth = options.auth === undefined ? null : new Auth(options.auth)
    this.#outbox = new Outbox(
      storage,
      this.#runtime,
      this.#settings.outbox,
      (item) => this.#sendQueued(item),
      options.onQueued ?? {},
    )
    this.#store = new CacheStore(storage, this.#settings.cacheStore)
    this.#cached = new CachedAnswers(this.#store, () => this.#runtime.wallNow())
  }

  /** The channel that calls go to now. */
  get channel(): string {
    return this.#env.channels.active.name
  }

  /** To be told when the platform's network or the mini program's place changes. */
  get parking(): Parking {
    return this.#env.parking
  }

  /**
   * Who is logged in; an empty name is nobody. Answers that were kept of another user are removed; queued writes of another wait for
   * their user.
   */
  setUser(user: string): Promise<void> {
    this.#user = user
    this.#outbox.setUser(user)
    return this.#store.switchUser(user)
  }

  /** A URL of one of the channels without the channel; undefined when it is nobody's. */
  pathOf(url: string): string | undefined {
    for (const { baseUrl } of this.#env.channels.all) {
      if (!url.startsWith(baseUrl)) continue
      const path = url.slice(baseUrl.length)
      if (path === '' || path.startsWith('?')) return `/${path}`
      if (path.startsWith('/')) return path
    }
    return undefined
  }

  /** A `wx.request` one to one, behind which this client works: `const request = api.wrap(wx)`. */
  wrap<Host extends NativeHost>(host: Host): Host['request'] {
    return wrapRequest(this, host)
  }

  /** Sees every call from now on, behind those added before. The function it returns takes it out. */
  use(interceptor: Interceptor): () => void {
    this.#interceptors.push(interceptor)
    return () => {
      const index = this.#interceptors.indexOf(interceptor)
      if (index !== -1) this.#interceptors.splice(index, 1)
    }
  }

  get<T = unknown>(path: string, options?: CallOptions): ApiPromise<T> {
    return this.request<T>({ ...options, method: 'GET', path })
  }

  post<T = unknown>(path: string, data?: unknown, options?: CallOptions): ApiPromise<T> {
    return this.request<T>({ ...options, method: 'POST', path, data })
  }

  put<T = unknown>(path: string, data?: unknown, options?: CallOptions): ApiPromise<T> {
    return this.request<T>({ ...options, method: 'PUT', path, data })
  }

  delete<T = unknown>(path: string, options?: CallOptions): ApiPromise<T> {
    return this.request<T>({ ...options, method: 'DELETE', path })
  }

  request<T = unknown>(options: RequestOptions): ApiPromise<T> {
    return this.#request<T>(options, nothing)
  }

  /**
   * Accepts a write that need not be done now: resolves once it cannot be lost, and sends it as soon as there is a network,
   * also from a later process. Writes of one `entity` leave in their order. What becomes of it the outbox's watcher is told.
   */
  queue(write: QueuedWrite): Promise<OutboxItem> {
    const { entity, method = 'POST', path, data, headers = {} } = write
    return this.#outbox.add({
      entity,
      method,
      path,
      data,
      headers,
      key: idempotencyKey(this.#runtime.random),
    })
  }

  /** Writes that wait, and those that the server refused. */
  get outbox(): Outbox {
    return this.#outbox
  }

  /** `check` may throw, at the last moment before anything is sent. */
  #request<T>(options: RequestOptions, check: () => void): ApiPromise<T> {
    const abortable = new Abortable()
    const promise = this.#intercepted<T>(options, async (prepared) => {
      check()
      const token = this.#auth?.token
      try {
        return await this.#send<T>(prepared, token, abortable)
      } catch (error) {
        if (this.#auth === null || !isUnauthorized(error)) throw error
        const renewed = await abortable.wait(() => ({ promise: this.#auth!.renew(token), abort: nothing }))
        if (renewed === undefined) throw error
        check()
        return await this.#send<T>(prepared, renewed, abortable)
      }
    }) as ApiPromise<T>
    promise.abort = () => abortable.abort()
    return promise
  }

  async #send<T>(
    options: RequestOptions,
    token: string | undefined,
    abortable: Abortable,
  ): Promise<ApiResponse<T>> {
    const headers = { ...this.#auth?.headersFor(token), ...options.headers }
    return responseOf<T>(await abortable.wait(() => this.#begin({ ...options, headers })), options)
  }

  async #sendQueued(item: OutboxItem): Promise<{ status: number; reason: string }> {
    const { method, path, data, headers, key, user } = item
    try {
      // A key makes the repetition of a write harmless, where the server honours it: queued writes rely on that.
      await this.#request(
        {
          method,
          path,
          data,
          headers: { ...headers, 'Idempotency-Key': key },
          repeatable: true,
          responseType: 'text',
        },
        () => {
          if (user !== this.#user) throw new ApiError('aborted', 'Another user has logged in.')
        },
      )
      return { status: 200, reason: '' }
    } catch (error) {
      const { status, message, code } = error as ApiError
      return { status: code === 'misuse' ? 400 : status, reason: message }
    }
  }

  async #intercepted<T>(
    options: RequestOptions,
    send: (options: RequestOptions) => Promise<ApiResponse<T>>,
  ): Promise<ApiResponse<T>> {
    // As they were when the call began, in the opposite order on the way back.
    const interceptors = [...this.#interceptors]
    let prepared = options
    for (const { onRequest } of interceptors)
      if (onRequest !== undefined) prepared = await onRequest(prepared)
    let outcome: ApiResponse<T> | ApiError
    try {
      outcome = await send(prepared)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      outcome = error
    }
    for (let i = interceptors.length - 1; i >= 0; i--) {
      const { onResponse, onError } = interceptors[i]!
      if (outcome instanceof ApiError)
        outcome = ((await onError?.(outcome, prepared)) as ApiResponse<T> | undefined) ?? outcome
      else outcome = ((await onResponse?.(outcome, prepared)) as ApiResponse<T> | undefined) ?? outcome
    }
    if (outcome instanceof ApiError) throw outcome
    return outcome
  }

  #begin(options: RequestOptions): Breakable<Answered> {
    const request = this.#prepare(options)
    const ask = (): Breakable<Answered> => this.#ask(request)
    if (request.method !== 'GET' || request.responseType === 'arraybuffer') return ask()
    return this.#cached.ask(keyOf(request), cacheTimesOf(options, this.#settings.cache), ask)
  }

  #ask(request: CallRequest): Breakable<Answered> {
    let call: Call | undefined
    const promise = new Promise<Answered>((resolve, reject) => {
      call = new Call(this.#env, request, {
        onError: reject,
        onAnswer: (answer, channel, attempts) =>
          resolve({ answer, channel: channel.name, attempts, source: 'network' }),
      })
    })
    call!.start()
    this.#prober.look()
    return { promise, abort: () => call!.abort() }
  }

  #prepare(options: RequestOptions): CallRequest {
    const { method = 'GET', path, data, responseType = 'json' } = options
    if (!methods.includes(method))
      throw new ApiError(
        'misuse',
        `Mini programs send ${methods.join(', ')}; ${method as string} is none of them. Use PUT or POST.`,
      )
    if (!path.startsWith('/'))
      throw new ApiError(
        'misuse',
        `Expected a path that starts with /, got ${path}: the domain comes from the channels.`,
      )
    const isWrite = writes.includes(method)
    const headers: Record<string, string> = { ...this.#settings.headers, ...options.headers }
    if (isWrite && !hasHeader(headers, 'idempotency-key'))
      headers['Idempotency-Key'] = idempotencyKey(this.#runtime.random)
    const body = bodyOf(method, data)
    if (typeof body === 'string' && typeof data !== 'string' && !hasHeader(headers, 'content-type'))
      headers['Content-Type'] = 'application/json'
    return {
      method,
      path: withQuery(path, options.query),
      headers,
      body,
      responseType: responseType === 'arraybuffer' ? 'arraybuffer' : 'text',
      priority: options.priority ?? 'normal',
      timeoutMs: options.timeoutMs ?? this.#settings.timeoutMs,
      attemptMs: options.attemptMs ?? this.#settings.attemptMs,
      attemptsMax: options.attemptsMax ?? this.#settings.attemptsMax,
      repeatable: options.repeatable ?? (method !== 'POST' || this.#settings.keysHonoured),
      native: options.native,
      check: responseType === 'json' && method !== 'HEAD' ? jsonProblem : wellAlways,
    }
  }
}

/** Throws what a status other than 2xx means. */
function responseOf<T>(
  { answer, channel, attempts, source }: Answered,
  options: RequestOptions,
): ApiResponse<T> {
  const { status, headers, native } = answer
  const data = options.responseType === 'text' ? answer.body : dataOf(answer)
  if (status >= 200 && status < 300)
    return { data: data as T, status, headers, channel, attempts, source, native }
  throw new ApiError('http', `${options.method ?? 'GET'} ${options.path} was answered ${status}.`, {
    status,
    data,
    native,
    sent: true,
    attempts,
    channel,
  })
}

/** Whoever asks with other headers may be told something else. */
function keyOf({ path, headers }: CallRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name.toLowerCase()}=${value}`)
  return lines.length === 0 ? path : `${path} ${hash32(lines.join('\n')).toString(36)}`
}

function cacheTimesOf({ cache }: CallOptions, usual: CacheTimes | null): CacheTimes | null {
  if (cache === undefined) return usual
  if (cache === false) return null
  return { ...(usual ?? cacheTimes), ...(cache === true ? {} : cache) }
}

/** The one line to begin with. Throws a RangeError for options that cannot work. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}

function bodyOf(method: Method, data: unknown): string | ArrayBuffer | undefined {
  if (data === undefined || data === null) return undefined
  if (method === 'GET' || method === 'HEAD')
    throw new ApiError('misuse', `A ${method} has no body: give \`query\` instead of \`data\`.`)
  return typeof data === 'string' || data instanceof ArrayBuffer ? data : JSON.stringify(data)
}

function hasHeader(headers: Readonly<Record<string, string>>, lower: string): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === lower)
}

function wellAlways(_answer: TransportAnswer): string {
  return ''
}

function nothing(): void {}
