import type { VirtualTime } from './virtual-time.ts'

/** What `wx.request` is asked for. */
export interface WxRequestOptions {
  readonly url: string
  readonly method?: string
  readonly header?: Readonly<Record<string, string>>
  readonly data?: unknown
  readonly timeout?: number
  readonly dataType?: string
  readonly responseType?: string
  readonly success?: (answer: WxAnswer) => void
  readonly fail?: (failure: WxFailure) => void
  readonly complete?: (result: WxAnswer | WxFailure) => void
}

export interface WxAnswer {
  readonly data: unknown
  readonly statusCode: number
  readonly header: Readonly<Record<string, string>>
  readonly errMsg: string
  readonly cookies: readonly string[]
  readonly profile: { readonly queueStart: number; readonly queueEnd: number }
}

export interface WxFailure {
  readonly errMsg: string
  readonly errno: number
}

/** What the network makes of one request. */
export type WxFate =
  | {
      readonly afterMs: number
      readonly status: number
      readonly body: string
      readonly header?: Readonly<Record<string, string>>
    }
  | { readonly afterMs: number; readonly fails: 'dns' | 'refused' | 'reset' | 'certificate' }
  /** Nothing ever comes back. */
  | { readonly fails: 'silence' }

/** Servers and network as one function: may count, remember, answer by what it was sent. */
export type WxNetwork = (request: {
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, string>>
  readonly data: unknown
}) => WxFate

export interface WxEmulatorOptions {
  /** Origins that may be called, as in the console of WeChat. */
  readonly domains: readonly string[]
  readonly network: WxNetwork
}

const SLOTS = 10
const TIMEOUT_MAX_MS = 60_000
const BACKGROUND_MS = 5_000

const texts = {
  dns: {
    errMsg: 'request:fail errcode:-105 cronet_error_code:-105 error_msg:net::ERR_NAME_NOT_RESOLVED',
    errno: 600001,
  },
  refused: {
    errMsg: 'request:fail errcode:-102 cronet_error_code:-102 error_msg:net::ERR_CONNECTION_REFUSED',
    errno: 600001,
  },
  reset: {
    errMsg: 'request:fail errcode:-101 cronet_error_code:-101 error_msg:net::ERR_CONNECTION_RESET',
    errno: 600001,
  },
  certificate: {
    errMsg: 'request:fail errcode:-202 cronet_error_code:-202 error_msg:net::ERR_CERT_AUTHORITY_INVALID',
    errno: 600001,
  },
  timeout: { errMsg: 'request:fail timeout', errno: 5 },
  switch: {
    errMsg: 'request:fail errcode:10011 cronet_error_code:0 error_msg:network change, cancel all task',
    errno: 600001,
  },
  interrupted: { errMsg: 'request:fail interrupted', errno: 600003 },
  domain: { errMsg: 'request:fail url not in domain list', errno: 600002 },
  method: { errMsg: 'request:fail invalid method', errno: 600009 },
  abort: { errMsg: 'request:fail abort', errno: 0 },
} as const

interface Task {
  readonly options: WxRequestOptions
  readonly queuedAt: number
  startedAt: number
  over: boolean
  stop: () => void
}

/**
 * A strict `wx` for tests: ten requests at once and the others in a queue, the platform's own error texts and numbers, its list of
 * domains, the background that ends requests after five seconds, the switch of networks that ends them all.
 */
export class WxEmulator {
  /** Requests that the network was asked for, in order. */
  readonly sent: { readonly url: string; readonly method: string; readonly at: number }[] = []
  readonly #time: VirtualTime
  readonly #options: WxEmulatorOptions
  readonly #running: Set<Task> = new Set()
  readonly #queue: Task[] = []
  #background: 'no' | 'soon' | 'yes' = 'no'

  constructor(time: VirtualTime, options: WxEmulatorOptions) {
    this.#time = time
    this.#options = options
  }

  get running(): number {
    return this.#running.size
  }

  readonly request = (options: WxRequestOptions): { abort(): void } => {
    const task: Task = { options, queuedAt: this.#time.now(), startedAt: 0, over: false, stop: () => {} }
    const refused = this.#refusal(options)
    if (refused !== undefined) {
      this.#time.after(0, () => this.#fail(task, refused))
    } else if (this.#running.size < SLOTS) this.#start(task)
    else this.#queue.push(task)
    return { abort: () => this.#fail(task, texts.abort) }
  }

  /** The mini program goes to the background: what is not done in five seconds is interrupted, and so is whatever is asked for later. */
  hide(): void {
    this.#background = 'soon'
    this.#time.after(BACKGROUND_MS, () => {
      if (this.#background !== 'soon') return
      this.#background = 'yes'
      this.#endAll(texts.interrupted)
    })
  }

  show(): void {
    this.#background = 'no'
  }

  /** From Wi-Fi to mobile or back. */
  switchNetwork(): void {
    this.#endAll(texts.switch)
  }

  #refusal({ url, method = 'GET' }: WxRequestOptions): WxFailure | undefined {
    if (this.#background === 'yes') return texts.interrupted
    const origin = /^https:\/\/[^/?#]+/.exec(url)?.[0]
    if (origin === undefined || !this.#options.domains.includes(origin)) return texts.domain
    return ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'].includes(method)
      ? undefined
      : texts.method
  }

  #start(task: Task): void {
    const { url, method = 'GET', header = {}, data, timeout = TIMEOUT_MAX_MS } = task.options
    this.#running.add(task)
    task.startedAt = this.#time.now()
    this.sent.push({ url, method, at: task.startedAt })
    const fate = this.#options.network({ url, method, header, data })
    const limit = Math.min(timeout, TIMEOUT_MAX_MS)
    const stopTimeout = this.#time.after(limit, () => this.#fail(task, texts.timeout))
    const stopFate =
      'afterMs' in fate
        ? this.#time.after(fate.afterMs, () => {
            if ('fails' in fate) this.#fail(task, texts[fate.fails])
            else this.#answer(task, fate)
          })
        : () => {}
    task.stop = () => {
      stopTimeout()
      stopFate()
    }
  }

  #answer(task: Task, fate: Extract<WxFate, { status: number }>): void {
    const { dataType = 'json' } = task.options
    let data: unknown = fate.body
    if (dataType === 'json') {
      // As the platform does it: what is no JSON is handed over as text, without a word.
      try {
        data = JSON.parse(fate.body)
      } catch {
        data = fate.body
      }
    }
    this.#end(task, () => {
      const answer = {
        data,
        statusCode: fate.status,
        header: { 'Content-Type': 'application/json', ...fate.header },
        errMsg: 'request:ok',
        cookies: [],
        profile: { queueStart: task.queuedAt, queueEnd: task.startedAt },
      }
      task.options.success?.(answer)
      task.options.complete?.(answer)
    })
  }

  #fail(task: Task, failure: WxFailure): void {
    this.#end(task, () => {
      task.options.fail?.(failure)
      task.options.complete?.(failure)
    })
  }

  #end(task: Task, tell: () => void): void {
    if (task.over) return
    task.over = true
    task.stop()
    const place = this.#queue.indexOf(task)
    if (place !== -1) this.#queue.splice(place, 1)
    this.#running.delete(task)
    tell()
    while (this.#running.size < SLOTS && this.#queue.length > 0) this.#start(this.#queue.shift()!)
  }

  #endAll(failure: WxFailure): void {
    for (const task of [...this.#running, ...this.#queue]) this.#fail(task, failure)
  }
}
