import { ServerEventReader } from './server-events.ts'
import type { ServerEvent } from './server-events.ts'

/** The admin API answered, and said no. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly problems: readonly string[]

  constructor(
    status: number,
    body: { error?: string; message?: string; hint?: string; problems?: string[] },
  ) {
    super(body.message ?? `HTTP ${status}`)
    this.status = status
    this.code = body.error ?? ''
    this.hint = body.hint ?? ''
    this.problems = body.problems ?? []
  }
}

/** Why something was not done, and the API's hint where it gives one. */
export function whatToDo(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof Refusal && error.hint !== '' ? `${error.message} ${error.hint}` : error.message
}

interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

const timeoutMs = 5_000
const changeTimeoutMs = 35_000
const tokenItem = 'budao-token'

/** Asks the admin API this page came from. */
export class AdminClient {
  /** Kept for this tab, so that a reload of the page does not ask again. */
  get token(): string | null {
    return sessionStorage.getItem(tokenItem)
  }

  set token(token: string) {
    sessionStorage.setItem(tokenItem, token)
  }

  /** Rejects with Refusal when the API says no, with another Error when it says nothing within 5 s, or `waitMs`. */
  async get<T>(path: string, waitMs: number = timeoutMs): Promise<T> {
    return this.#ask<T>(path, { signal: AbortSignal.timeout(waitMs) })
  }

  /** As `get`, but waits 35 s: a reload may take its time. */
  async post<T>(path: string, body: unknown): Promise<T> {
    return this.#ask<T>(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(changeTimeoutMs),
    })
  }

  /** As `post`, to take something away. */
  async delete<T>(path: string): Promise<T> {
    return this.#ask<T>(path, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(changeTimeoutMs),
    })
  }

  /** A document that is not JSON, such as the page of a report. */
  async text(path: string): Promise<string> {
    const { token } = this
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(path, {
      ...{ headers, cache: 'no-store', credentials: 'omit' },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) throw new Refusal(response.status, (await response.json()) as object)
    return response.text()
  }

  /** Follows a stream of events until `signal` ends it. Rejects like `get`; a stream that ends, ends. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const { token } = this
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(path, { headers, cache: 'no-store', credentials: 'omit', signal })
    if (!response.ok) throw new Refusal(response.status, (await response.json()) as object)
    const events = new ServerEventReader()
    const decoder = new TextDecoder()
    const reader = response.body!.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* events.take(decoder.decode(value, { stream: true }))
    }
  }

  async #ask<T>(path: string, init: Question): Promise<T> {
    const { token } = this
    const headers = { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) }
    const response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'omit' })
    const body: unknown = await response.json()
    if (!response.ok) throw new Refusal(response.status, body as object)
    return body as T
  }
}
