import { Abortable, type Breakable } from './abortable.ts'
import { ApiError } from './api-error.ts'
import { responseOf, type ApiResponse } from './api-response.ts'
import { Call, type Answered, type CallEnv, type CallRequest } from './call.ts'
import { callRequest, type CallBasis } from './call-request.ts'
import { Channel } from './channel.ts'
import { Channels, failoverDefaults } from './channels.ts'
import type { Feature, FeatureHooks, FeatureHost, Send } from './feature.ts'
import type { Interceptor } from './interceptor.ts'
import { clientDefaults, type CallOptions, type CoreOptions, type RequestOptions } from './options.ts'
import { Parking } from './parking.ts'
import { prober } from './prober.ts'
import { RetryBudget } from './retry-budget.ts'
import { phoneRuntime } from './runtime.ts'
import { Scheduler, schedulerDefaults } from './scheduler.ts'
import { withDefaults } from './with-defaults.ts'

/** Rejects with an `ApiError`. `abort` breaks the call off wherever it is, interceptors included. */
export type ApiPromise<T> = Promise<ApiResponse<T>> & { abort(): void }

/** The API of one mini program: every call finds a channel that works, within its time, and without doing harm. */
export class Client implements FeatureHost {
  /** What calls share. For features. */
  readonly env: CallEnv
  /** Who is logged in; empty is nobody. */
  user = ''
  readonly #basis: CallBasis
  readonly #hooks: FeatureHooks[]
  readonly #interceptors: Interceptor[] = []

  /** Throws a RangeError that says what was expected and got. */
  constructor(options: CoreOptions) {
    const { headers, native, transport, features = [] } = options
    const settings = withDefaults(clientDefaults, options)
    const channels = options.channels.map((channel) => new Channel(channel, transport))
    if (channels.length === 0) throw new RangeError('channels: expected at least one, got none')
    this.#basis = Object.assign(settings, { headers, native })
    this.env = {
      runtime: options.runtime ?? phoneRuntime(),
      channels: new Channels(channels, withDefaults(failoverDefaults, options.failover)),
      scheduler: new Scheduler(withDefaults(schedulerDefaults, options.scheduler)),
      parking: new Parking(),
      budget: new RetryBudget(settings.retryPercent),
      timeoutHeader: settings.timeoutHeader,
    }
    const probe = prober(this.env, settings.probePath)
    this.#hooks = [{ onCall: probe, onEnd: probe }]
    for (const feature of features) this.attach(feature)
  }

  /** Adds a feature. Those that stand around calls stand outside those added before. */
  attach(feature: Feature): void {
    this.#hooks.push(feature(this))
  }

  /** The channel that calls go to now. */
  get channel(): string {
    return this.env.channels.active.name
  }

  /** To be told when the platform's network or the mini program's place changes. */
  get parking(): Parking {
    return this.env.parking
  }

  /**
   * Who is logged in; an empty name is nobody. Answers that were kept of another user are removed; queued writes of another wait for
   * their user.
   */
  setUser(user: string): Promise<void> {
    this.user = user
    return Promise.all(this.#hooks.map(async (hooks) => hooks.onUser?.(user))).then(() => {})
  }

  /** Resolves once it is known who is logged in; undefined where that is for the app to say. */
  ready(): Promise<unknown> | undefined {
    return this.#hooks.find((hooks) => hooks.ready)?.ready!()
  }

  /** A URL of one of the channels without the channel; undefined when it is nobody's. */
  pathOf(url: string): string | undefined {
    for (const { baseUrl } of this.env.channels.all) {
      const path = url.startsWith(baseUrl) ? url.slice(baseUrl.length) : '-'
      if (/^(\?|$)/.test(path)) return `/${path}`
      if (path[0] === '/') return path
    }
    return undefined
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
    return this.#method('GET', path, undefined, options)
  }

  post<T = unknown>(path: string, data?: unknown, options?: CallOptions): ApiPromise<T> {
    return this.#method('POST', path, data, options)
  }

  put<T = unknown>(path: string, data?: unknown, options?: CallOptions): ApiPromise<T> {
    return this.#method('PUT', path, data, options)
  }

  delete<T = unknown>(path: string, options?: CallOptions): ApiPromise<T> {
    return this.#method('DELETE', path, undefined, options)
  }

  request<T = unknown>(options: RequestOptions): ApiPromise<T> {
    const abortable = new Abortable()
    const beganAt = this.env.runtime.now()
    let send: Send = (prepared) => this.send(prepared, abortable)
    for (const hooks of this.#hooks) {
      const next = send
      if (hooks.around !== undefined) send = (prepared) => hooks.around!(prepared, next, abortable)
    }
    const promise = this.#intercepted(options, send, abortable, beganAt) as ApiPromise<T>
    promise.abort = () => abortable.abort()
    return promise
  }

  /** A call that no interceptor sees, and no feature but the one that answers from what is kept. */
  async send(options: RequestOptions, abortable: Abortable): Promise<ApiResponse<unknown>> {
    const { asUser } = options
    if (asUser !== undefined && asUser !== this.user)
      throw new ApiError('aborted', 'Another user has logged in.')
    const { runtime } = this.env
    const request = callRequest(options, this.#basis, runtime.random)
    const answered = await abortable.wait(() => {
      let begin = (): Breakable<Answered> => this.#ask(request)
      if (request.method === 'GET' && request.responseType === 'text')
        for (const hooks of this.#hooks) {
          const next = begin
          if (hooks.answer !== undefined) begin = () => hooks.answer!(request, options, next)
        }
      return begin()
    })
    return responseOf(answered, options, runtime.wallNow())
  }

  #method<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    data: unknown,
    options: CallOptions | undefined,
  ): ApiPromise<T> {
    return this.request<T>(Object.assign({}, options, { method, path, data }))
  }

  async #intercepted(
    options: RequestOptions,
    send: Send,
    abortable: Abortable,
    beganAt: number,
  ): Promise<ApiResponse<unknown>> {
    // As they were when the call began, in the opposite order on the way back.
    const interceptors = [...this.#interceptors]
    let prepared = options
    let outcome: ApiResponse<unknown> | ApiError
    try {
      for (const interceptor of interceptors) {
        const changed = interceptor.onRequest?.(prepared)
        if (changed !== undefined) prepared = await abortable.until(changed)
      }
      outcome = await send(prepared)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      outcome = error
    }
    for (const hooks of this.#hooks) hooks.onEnd?.({ options: prepared, beganAt, outcome })
    for (let i = interceptors.length - 1; i >= 0; i--) {
      const interceptor = interceptors[i]!
      const changed =
        outcome instanceof ApiError
          ? interceptor.onError?.(outcome, prepared)
          : interceptor.onResponse?.(outcome, prepared)
      outcome = (await changed) ?? outcome
    }
    if (outcome instanceof ApiError) throw outcome
    return outcome
  }

  #ask(request: CallRequest): Breakable<Answered> {
    let abort = (): void => {}
    const promise = new Promise<Answered>((onAnswer, onError) => {
      const call = new Call(this.env, request, { onAnswer, onError })
      abort = () => call.abort()
      call.start()
    })
    for (const hooks of this.#hooks) hooks.onCall?.()
    return { promise, abort }
  }
}
