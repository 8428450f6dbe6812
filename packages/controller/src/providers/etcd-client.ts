import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { ClientRequest } from 'node:http'

/** How etcd is reached. */
export interface EtcdClientOptions {
  /** Base URLs of its members, such as `http://127.0.0.1:2379`. */
  readonly endpoints: readonly string[]
  /** Longest wait for one answer of one member, milliseconds. */
  readonly timeoutMs: number
  /** PEM texts, where members speak TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly user?: { readonly name: string; readonly password: string }
}

/** A member did not do what it was asked for. `sent` is false where it surely never got the question. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  readonly sent: boolean
  readonly status: number

  constructor(message: string, sent: boolean, status: number = 0) {
    super(message)
    this.sent = sent
    this.status = status
  }
}

/** Errors of a connection that never was. */
const unsent: readonly string[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
]
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** A member that was asked in vain is asked last for so long. */
const AVOID_MS = 2_000

/**
 * The JSON gateway of etcd v3. One member after the other is asked, those that have just failed last; what may have been
 * done is never asked for twice, unless it only reads.
 */
export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #http: HttpAgent = new HttpAgent({ keepAlive: true })
  readonly #https: HttpsAgent
  readonly #failedAt: Map<string, number> = new Map()
  #token: string | null = null

  constructor(options: EtcdClientOptions) {
    this.#options = options
    this.#https = new HttpsAgent({ keepAlive: true, ...options.tls })
  }

  /** Asks members until one answers. Rejects with the last one's EtcdError. */
  async ask<T>(path: string, body: object, repeatable: boolean): Promise<T> {
    let last = new EtcdError('etcd: no endpoints', false)
    for (const endpoint of this.#inOrder()) {
      try {
        return await this.#askOne<T>(endpoint, path, body)
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error
        last = error
        if (error.sent && !repeatable) break
      }
    }
    throw last
  }

  /** One object after the other from a member, until `close` or until it ends; `onEnd` then says why. */
  stream(
    path: string,
    body: object,
    user: { onObject(value: unknown): void; onEnd(why: string): void },
  ): { close(): void } {
    let request: ClientRequest | undefined
    let ended = false
    const end = (why: string): void => {
      if (ended) return
      ended = true
      request?.destroy()
      user.onEnd(why)
    }
    const [endpoint = ''] = this.#inOrder()
    void this.#headers(endpoint).then(
      (headers) => {
        if (ended) return
        request = this.#request(endpoint, path, headers)
        request.on('error', (error) => this.#failed(endpoint, () => end(error.message)))
        request.on('response', (response) => {
          if (response.statusCode !== 200) return end(`status ${response.statusCode}`)
          readLines(response, (line) => !ended && user.onObject(JSON.parse(line)), end)
        })
        request.end(JSON.stringify(body))
      },
      (error: Error) => end(error.message),
    )
    return {
      close: () => {
        ended = true
        request?.destroy()
      },
    }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #inOrder(): readonly string[] {
    const avoided = performance.now() - AVOID_MS
    const failed = (endpoint: string): number => Math.max(avoided, this.#failedAt.get(endpoint) ?? 0)
    return this.#options.endpoints.toSorted((a, b) => failed(a) - failed(b))
  }

  #failed(endpoint: string, then: () => void): void {
    this.#failedAt.set(endpoint, performance.now())
    then()
  }

  async #askOne<T>(endpoint: string, path: string, body: object): Promise<T> {
    try {
      return await this.#post<T>(endpoint, path, body, await this.#headers(endpoint))
    } catch (error) {
      if (!(error instanceof EtcdError) || error.status !== 401 || this.#token === null) throw error
      // Tokens of etcd end after five minutes without use, and with its restart; a refused question did nothing.
      this.#token = null
      return await this.#post<T>(endpoint, path, body, await this.#headers(endpoint))
    }
  }

  async #headers(endpoint: string): Promise<Record<string, string>> {
    const { user } = this.#options
    if (user === undefined) return {}
    this.#token ??= (
      await this.#post<{ token: string }>(
        endpoint,
        '/v3/auth/authenticate',
        { name: user.name, password: user.password },
        {},
      )
    ).token
    return { Authorization: this.#token }
  }

  #post<T>(endpoint: string, path: string, body: object, headers: Record<string, string>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { timeoutMs } = this.#options
      const request = this.#request(endpoint, path, headers)
      const fail = (message: string, sent: boolean, status = 0): void => {
        clearTimeout(timer)
        request.destroy()
        this.#failed(endpoint, () => reject(new EtcdError(`etcd at ${endpoint}: ${message}`, sent, status)))
      }
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`, true), timeoutMs)
      request.on('error', (error: NodeJS.ErrnoException) =>
        fail(error.message, !unsent.includes(error.code ?? '')),
      )
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
          if (text.length > ANSWER_BYTES_MAX) fail('the answer is too large', true)
        })
        response.on('error', (error) => fail(error.message, true))
        response.on('end', () => {
          clearTimeout(timer)
          const { statusCode = 0 } = response
          if (statusCode !== 200) return fail(errorText(text), true, statusCode)
          try {
            resolve(JSON.parse(text) as T)
          } catch {
            fail('the answer is no JSON', true)
          }
        })
      })
      request.end(JSON.stringify(body))
    })
  }

  #request(endpoint: string, path: string, headers: Record<string, string>): ClientRequest {
    const url = new URL(path, endpoint)
    const options = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }
    return url.protocol === 'https:'
      ? requestHttps(url, { ...options, agent: this.#https })
      : requestHttp(url, { ...options, agent: this.#http })
  }
}

function readLines(
  response: IncomingMessage,
  onLine: (line: string) => void,
  onEnd: (why: string) => void,
): void {
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (part: string) => {
    const lines = (rest + part).split('\n')
    rest = lines.pop()!
    if (rest.length > ANSWER_BYTES_MAX) return onEnd('a line is too long')
    try {
      for (const line of lines) if (line !== '') onLine(line)
    } catch {
      onEnd('a line is no JSON')
    }
  })
  response.on('error', (error) => onEnd(error.message))
  response.on('end', () => onEnd('the stream ended'))
}

function errorText(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { message?: string; error?: string }
    return message ?? error ?? text
  } catch {
    return text.slice(0, 200)
  }
}
