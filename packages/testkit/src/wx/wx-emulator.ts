import { types } from 'node:util'
import type { TimeSource } from './virtual-time.ts'
import { wxFailures, type WxException, type WxFailure } from './wx-failures.ts'
import {
  fatedCarrier,
  type WxCarrier,
  type WxNetwork,
  type WxNotes,
  type WxReceived,
  type WxSent,
} from './wx-network.ts'

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
  readonly profile: WxProfile
  readonly exception: WxException
  readonly useHttpDNS: boolean
}

/** `profile` of an answer: moments in milliseconds. */
export interface WxProfile extends Omit<WxNotes, 'retryCount'> {
  readonly invokeStart: number
  readonly queueStart: number
  readonly queueEnd: number
  readonly fetchStart: number
  readonly responseEnd: number
  readonly receivedBytedCount: number
}

export interface WxRequestTask {
  abort(): void
  onHeadersReceived(listener: (result: { header: object; statusCode: number }) => void): void
  offHeadersReceived(listener?: (result: { header: object; statusCode: number }) => void): void
}

export interface WxEmulatorOptions {
  /** Origins that may be called, as in the console of WeChat. */
  readonly domains: readonly string[]
  readonly network: WxNetwork | WxCarrier
  /** Brings what callbacks are given into the world of the caller. Default: as it is. */
  readonly hand?: (value: object) => object
  /** Calls back now, later, or never: a process may be suspended or dead. Default: now. */
  readonly deliver?: (tell: () => void) => void
}

const SLOTS = 10
const TIMEOUT_MAX_MS = 60_000
const BACKGROUND_MS = 5_000
const METHODS: readonly string[] = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']

interface Task {
  readonly options: WxRequestOptions
  readonly sent: WxSent
  readonly queuedAt: number
  readonly listeners: Set<(result: { header: object; statusCode: number }) => void>
  startedAt: number
  over: boolean
  stop: () => void
}

/**
 * A strict `wx.request` for tests: ten at once and the others in a queue in order of arrival, the platform's own error texts and
 * numbers, its list of domains, the background that ends requests after five seconds, the switch of networks that ends them all.
 */
export class WxEmulator {
  /** Requests that the network was asked for, in order. */
  readonly sent: { readonly url: string; readonly method: string; readonly at: number }[] = []
  readonly #time: TimeSource
  readonly #domains: readonly string[]
  readonly #carrier: WxCarrier
  readonly #hand: (value: object) => object
  readonly #deliver: (tell: () => void) => void
  readonly #running: Set<Task> = new Set()
  readonly #queue: Task[] = []
  #background: 'no' | 'soon' | 'yes' = 'no'
  #stopBackground: () => void = nothing
  #online = true

  constructor(time: TimeSource, options: WxEmulatorOptions) {
    const { network } = options
    this.#time = time
    this.#domains = options.domains
    this.#carrier = typeof network === 'function' ? fatedCarrier(time, network) : network
    this.#hand = options.hand ?? ((value) => value)
    this.#deliver = options.deliver ?? ((tell) => tell())
  }

  get running(): number {
    return this.#running.size
  }

  readonly request = (options: WxRequestOptions): WxRequestTask => {
    const task: Task = {
      options,
      sent: sentOf(options),
      queuedAt: this.#time.now(),
      listeners: new Set(),
      startedAt: 0,
      over: false,
      stop: nothing,
    }
    const refused = this.#refusal(options)
    if (refused !== undefined) this.#time.after(0, () => this.#fail(task, refused))
    else if (this.#running.size < SLOTS) this.#start(task)
    else this.#queue.push(task)
    return {
      abort: () => this.#fail(task, wxFailures.abort),
      onHeadersReceived: (listener) => void task.listeners.add(listener),
      offHeadersReceived: (listener) =>
        listener === undefined ? task.listeners.clear() : void task.listeners.delete(listener),
    }
  }

  /** The mini program goes to the background: what is not done in five seconds is interrupted, and so is whatever is asked for later. */
  hide(): void {
    if (this.#background !== 'no') return
    this.#background = 'soon'
    this.#stopBackground = this.#time.after(BACKGROUND_MS, () => {
      this.#background = 'yes'
      this.#endAll(wxFailures.interrupted)
    })
  }

  show(): void {
    this.#stopBackground()
    this.#background = 'no'
  }

  /** From Wi-Fi to mobile or back. */
  switchNetwork(): void {
    this.#endAll(wxFailures.switch)
  }

  /** No network at all, or one again. Losing it ends what is under way, as a switch does. */
  setOnline(online: boolean): void {
    this.#online = online
    if (!online) this.#endAll(wxFailures.switch)
  }

  /** The process is gone: nothing is called back any more. What the network has already stays there. */
  kill(): void {
    this.#stopBackground()
    for (const task of [...this.#running, ...this.#queue]) {
      task.over = true
      task.stop()
    }
    this.#running.clear()
    this.#queue.length = 0
  }

  #refusal({ url, method = 'GET', data }: WxRequestOptions): WxFailure | undefined {
    if (this.#background === 'yes') return wxFailures.interrupted
    if (typeof url !== 'string' || !/^https?:\/\/[^/]/.test(url)) return wxFailures.url
    const origin = /^https:\/\/[^/?#]+/.exec(url)?.[0]
    if (origin === undefined || !this.#domains.includes(origin)) return wxFailures.domain
    if (!METHODS.includes(method)) return wxFailures.method
    if (data !== undefined && data !== null && !['string', 'object'].includes(typeof data))
      return wxFailures.argument
    return this.#online ? undefined : wxFailures.offline
  }

  #start(task: Task): void {
    const { sent } = task
    this.#running.add(task)
    task.startedAt = this.#time.now()
    this.sent.push({ url: sent.url, method: sent.method, at: task.startedAt })
    const limit = Math.min(task.options.timeout ?? TIMEOUT_MAX_MS, TIMEOUT_MAX_MS)
    const stopTimeout = this.#time.after(limit, () => this.#fail(task, wxFailures.timeout))
    const stopNetwork = this.#carrier.carry(sent, {
      onHeaders: (header, statusCode) => {
        if (task.over || task.listeners.size === 0) return
        const result = this.#hand({ header, statusCode, cookies: [] }) as typeof header & {
          header: object
          statusCode: number
        }
        for (const listener of task.listeners) this.#deliver(() => listener(result))
      },
      onAnswer: (received, notes) => this.#answer(task, received, notes ?? {}),
      onFailure: (kind, notes) => {
        const { errMsg, errno } = wxFailures[kind]
        const exception = { reasons: [{ errMsg, errno }], retryCount: notes?.retryCount ?? 0 }
        this.#fail(task, { errMsg, errno, exception })
      },
    })
    task.stop = () => {
      stopTimeout()
      stopNetwork()
    }
  }

  #answer(task: Task, { status, header, body }: WxReceived, notes: WxNotes): void {
    const { retryCount = 0, ...moments } = notes
    this.#end(task, () => {
      const answer: WxAnswer = {
        data: dataOf(body, task.options),
        statusCode: status,
        header,
        errMsg: 'request:ok',
        cookies: cookiesOf(header),
        profile: {
          invokeStart: task.queuedAt,
          queueStart: task.queuedAt,
          queueEnd: task.startedAt,
          fetchStart: task.startedAt,
          ...moments,
          responseEnd: this.#time.now(),
          receivedBytedCount: body.length,
        },
        exception: { reasons: [], retryCount },
        useHttpDNS: false,
      }
      return [task.options.success, answer]
    })
  }

  #fail(task: Task, failure: WxFailure): void {
    this.#end(task, () => [
      task.options.fail,
      { ...failure, exception: failure.exception ?? { reasons: [], retryCount: 0 }, useHttpDNS: false },
    ])
  }

  #end<Result extends WxAnswer | WxFailure>(
    task: Task,
    outcome: () => [tell: ((result: Result) => void) | undefined, result: Result],
  ): void {
    if (task.over) return
    task.over = true
    task.stop()
    const place = this.#queue.indexOf(task)
    if (place !== -1) this.#queue.splice(place, 1)
    this.#running.delete(task)
    this.#deliver(() => {
      const [tell, result] = outcome()
      const handed = this.#hand(result) as Result
      tell?.(handed)
      task.options.complete?.(handed)
    })
    while (this.#running.size < SLOTS && this.#queue.length > 0) this.#start(this.#queue.shift()!)
  }

  #endAll(failure: WxFailure): void {
    const all = [...this.#running, ...this.#queue]
    // None of them makes room for another that would be ended as well.
    this.#queue.length = 0
    for (const task of all) this.#fail(task, failure)
  }
}

/** As the platform does it: an object becomes a query, a form or JSON, by method and Content-Type. */
function sentOf({ url, method = 'GET', header = {}, data }: WxRequestOptions): WxSent {
  const plain = { ...header }
  const type = Object.keys(plain).find((name) => name.toLowerCase() === 'content-type')
  if (type === undefined) plain['content-type'] = 'application/json'
  if (data === undefined || data === null) return { url, method, header: plain, data: undefined }
  if (typeof data === 'string') return { url, method, header: plain, data }
  if (types.isAnyArrayBuffer(data))
    return { url, method, header: plain, data: new Uint8Array(data as ArrayBuffer).slice() }
  const isForm = /x-www-form-urlencoded/i.test(type === undefined ? '' : plain[type]!)
  if (method !== 'GET' && !isForm) return { url, method, header: plain, data: JSON.stringify(data) }
  const pairs = Object.entries(data as object)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(value))}`)
    .join('&')
  if (method !== 'GET') return { url, method, header: plain, data: pairs }
  const joined = pairs === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${pairs}`
  return { url: joined, method, header: plain, data: undefined }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** What is no JSON is handed over as text, without a word: so a page of a captive portal is a success. */
function dataOf(body: string | Uint8Array, { dataType = 'json', responseType }: WxRequestOptions): unknown {
  if (responseType === 'arraybuffer') return typeof body === 'string' ? new TextEncoder().encode(body) : body
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  if (dataType !== 'json') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function cookiesOf(header: Readonly<Record<string, string>>): readonly string[] {
  const name = Object.keys(header).find((each) => each.toLowerCase() === 'set-cookie')
  return name === undefined ? [] : [header[name]!]
}

function nothing(): void {}
