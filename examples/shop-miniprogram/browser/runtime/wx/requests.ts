import type { Network } from './network.ts'
import type { Presence } from './presence.ts'
import { profileOf } from './profile.ts'

type Options = WechatMiniprogram.RequestOption
type Answer = WechatMiniprogram.RequestSuccessCallbackResult

/** What a `fail` callback is given. */
interface Failure {
  readonly errMsg: string
  readonly errno: number
}

/** One request as the desk around the phone shows it. */
export interface RequestReport {
  readonly method: string
  readonly url: string
  /** 0: no answer came. */
  readonly status: number
  readonly errMsg: string
  readonly ms: number
}

/** WeChat's own limits. */
const slots = 10
const timeoutMaxMs = 60_000
const backgroundMs = 5_000

const failures = {
  abort: { errMsg: 'request:fail abort', errno: 0 },
  timeout: { errMsg: 'request:fail timeout', errno: 5 },
  domain: { errMsg: 'request:fail url not in domain list', errno: 600002 },
  interrupted: { errMsg: 'request:fail interrupted', errno: 600003 },
  method: { errMsg: 'request:fail method is invalid', errno: 600009 },
  url: { errMsg: 'request:fail invalid url', errno: 600009 },
  offline: {
    errMsg: 'request:fail errcode:-106 cronet_error_code:-106 error_msg:net::ERR_INTERNET_DISCONNECTED',
    errno: 600001,
  },
  // A browser does not tell a page whether a connection was refused, was reset or named a host that is none.
  unknown: { errMsg: 'request:fail unknown', errno: 600000 },
} satisfies Record<string, Failure>

const methods: readonly string[] = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']

interface Task {
  readonly options: Options
  readonly controller: AbortController
  /** Why it is being broken off. */
  broken: Failure | undefined
}

export interface RequestsOptions {
  /** Origins that may be called, as in the console of WeChat. */
  readonly domains: readonly string[]
  readonly network: Network
  readonly presence: Presence
  readonly onReport: (report: RequestReport) => void
}

/**
 * `wx.request` over `fetch`, with the manners of the real one: ten at a time and the others in a queue, `success` for any
 * status, its error texts and numbers, and five seconds of grace in the background.
 */
export class Requests {
  readonly #options: RequestsOptions
  readonly #running: Set<Task> = new Set()
  readonly #queue: Task[] = []
  #inBackground = false

  constructor(options: RequestsOptions) {
    this.#options = options
    const { presence, network } = options
    presence.onHide(() =>
      setTimeout(() => {
        if (presence.inFront) return
        this.#inBackground = true
        this.#breakAll(failures.interrupted)
      }, backgroundMs),
    )
    presence.onShow(() => (this.#inBackground = false))
    network.on(({ isConnected }) => {
      if (!isConnected) this.#breakAll(failures.offline)
    })
  }

  start(options: Options): WechatMiniprogram.RequestTask {
    const task: Task = { options, controller: new AbortController(), broken: this.#refusal(options) }
    if (this.#running.size < slots) void this.#run(task)
    else this.#queue.push(task)
    return { abort: () => this.#break(task, failures.abort) } as WechatMiniprogram.RequestTask
  }

  #refusal({ url, method = 'GET' }: Options): Failure | undefined {
    if (this.#inBackground) return failures.interrupted
    if (!methods.includes(method.toUpperCase())) return failures.method
    if (!URL.canParse(url)) return failures.url
    return this.#options.domains.includes(new URL(url).origin) ? undefined : failures.domain
  }

  #breakAll(failure: Failure): void {
    for (const task of [...this.#running, ...this.#queue]) this.#break(task, failure)
  }

  #break(task: Task, failure: Failure): void {
    task.broken ??= failure
    task.controller.abort()
  }

  async #run(task: Task): Promise<void> {
    this.#running.add(task)
    const { options } = task
    const beganAt = performance.now()
    const outcome = await this.#outcome(task)
    this.#running.delete(task)
    const next = this.#queue.shift()
    if (next !== undefined) void this.#run(next)
    this.#options.onReport({
      method: options.method ?? 'GET',
      url: options.url,
      status: 'statusCode' in outcome ? outcome.statusCode : 0,
      errMsg: outcome.errMsg,
      ms: Math.round(performance.now() - beganAt),
    })
    if ('statusCode' in outcome) options.success?.(outcome)
    else options.fail?.(outcome as WechatMiniprogram.RequestFailCallbackErr)
    options.complete?.(outcome as WechatMiniprogram.GeneralCallbackResult)
  }

  async #outcome(task: Task): Promise<Answer | Failure> {
    const { options, controller } = task
    // Never before `request` has returned its task.
    await Promise.resolve()
    if (task.broken !== undefined) return task.broken
    if (!this.#options.network.isConnected) return failures.offline
    const timeout = Math.min(options.timeout ?? timeoutMaxMs, timeoutMaxMs)
    const timer = setTimeout(() => this.#break(task, failures.timeout), timeout)
    try {
      const { url, init } = fetchArguments(options)
      const beganAt = performance.now()
      const answer = await answerOf(await fetch(url, { ...init, signal: controller.signal }), options)
      const profile = profileOf(url, beganAt)
      return profile === undefined ? answer : ({ ...answer, profile } as unknown as Answer)
    } catch {
      return task.broken ?? (navigator.onLine ? failures.unknown : failures.offline)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What an object in `data` becomes depends on the method and the content type. */
function fetchArguments({ url, method = 'GET', header = {}, data }: Options): {
  url: string
  init: RequestInit
} {
  const headers = new Headers()
  for (const [name, value] of Object.entries(header)) headers.set(name, String(value))
  const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'omit' }
  if (data === undefined) return { url, init }
  const isBody = typeof data === 'string' || data instanceof ArrayBuffer
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') {
    if (isBody) return { url, init }
    return { url: `${url}${url.includes('?') ? '&' : '?'}${formOf(data)}`, init }
  }
  if (!headers.has('content-type')) headers.set('content-type', 'application/json')
  if (isBody) return { url, init: { ...init, body: data } }
  const isForm = headers.get('content-type')!.includes('x-www-form-urlencoded')
  return { url, init: { ...init, body: isForm ? formOf(data) : JSON.stringify(data) } }
}

function formOf(data: WechatMiniprogram.IAnyObject): string {
  const pairs = Object.entries(data as Record<string, unknown>)
  return new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
}

async function answerOf(
  response: Response,
  { dataType = 'json', responseType = 'text' }: Options,
): Promise<Answer> {
  const data =
    responseType === 'arraybuffer' ? await response.arrayBuffer() : parsed(await response.text(), dataType)
  return {
    data,
    statusCode: response.status,
    header: Object.fromEntries(response.headers),
    cookies: [],
    errMsg: 'request:ok',
  } as unknown as Answer
}

/** What is no JSON stays text, without a word: so does WeChat. */
function parsed(text: string, dataType: string): string | WechatMiniprogram.IAnyObject {
  if (dataType !== 'json') return text
  try {
    return JSON.parse(text) as WechatMiniprogram.IAnyObject
  } catch {
    return text
  }
}
