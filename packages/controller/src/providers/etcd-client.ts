import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { EtcdMembers } from './etcd-members.ts'

const http = process.getBuiltinModule('node:http')

/** How etcd is reached. */
export interface EtcdClientOptions {
  /** Base URLs of its members, such as `http://127.0.0.1:2379`. */
  readonly endpoints: readonly string[]
  /** Longest wait for an answer, whichever member gives it, milliseconds. */
  readonly timeoutMs: number
  /** PEM texts, where members speak TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly user?: { readonly name: string; readonly password: string }
}

/** A member did not do what it was asked for. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  /** Of its answer; 0: there was none. */
  readonly status: number

  constructor(message: string, status: number = 0) {
    super(message)
    this.status = status
  }
}

/** What a member answered, and how often members were asked until one did. */
export interface EtcdAnswer<T> {
  readonly answer: T
  readonly times: number
}

const ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** After that share of the time another member is asked beside one that has not answered: one that is dead, or waits for one that is. */
const BESIDE_SHARE = 0.3

/**
 * The JSON gateway of etcd v3. Members are asked one beside the other until one answers, so that a dead one costs a fraction of the time that an
 * answer is waited for. Whatever is asked must do no harm when it is asked twice.
 */
export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #members: EtcdMembers
  readonly #http: Agent = new http.Agent({ keepAlive: true })
  readonly #https: HttpsAgent
  /** Streams that are open, and from which member. */
  readonly #streams: Map<(why: string) => void, string> = new Map()
  #token: string | null = null

  constructor(options: EtcdClientOptions) {
    this.#options = options
    this.#members = new EtcdMembers(options.endpoints)
    this.#https = new HttpsAgent({ keepAlive: true, ...options.tls })
  }

  /** Rejects with the last member's EtcdError: all have failed, or none has answered in time. */
  ask<T>(path: string, body: object): Promise<EtcdAnswer<T>> {
    const { timeoutMs } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<EtcdAnswer<T>>()
    const members = this.#members.inOrder(performance.now())
    const waited = new Map<string, number>()
    const over = new AbortController()
    let times = 0
    let last = new EtcdError('etcd: no endpoints')
    const end = (settle: () => void): void => {
      over.abort()
      clearTimeout(late)
      clearInterval(beside)
      settle()
    }
    const askNext = (): void => {
      const endpoint = members[times++ % members.length]!
      if (!waited.has(endpoint)) waited.set(endpoint, performance.now())
      this.#askOne<T>(endpoint, path, body, over.signal).then(
        (answer) => {
          if (over.signal.aborted) return
          waited.delete(endpoint)
          this.#passOver(waited)
          end(() => resolve({ answer, times }))
        },
        (error: EtcdError) => {
          if (over.signal.aborted) return
          last = error
          waited.delete(endpoint)
          this.#failed(endpoint, error.message)
          if (times < members.length) askNext()
          else if (waited.size === 0) end(() => reject(last))
        },
      )
    }
    const late = setTimeout(() => {
      const [endpoint = ''] = waited.keys()
      this.#passOver(waited)
      end(() => reject(new EtcdError(`etcd at ${endpoint}: no answer within ${timeoutMs} ms`)))
    }, timeoutMs)
    // The question may have gone lost with a leader of etcd that died: members that have not answered are asked once more.
    const beside = setInterval(() => members.length > 1 && askNext(), this.#besideMs)
    if (members.length === 0) end(() => reject(last))
    else askNext()
    return promise
  }

  /** One object after the other from a member, until `close`, or until it ends or its member fails; `onEnd` then says why. */
  stream(
    path: string,
    body: object,
    user: { onObject(value: unknown): void; onEnd(why: string): void },
  ): { close(): void; fail(why: string): void } {
    let request: ClientRequest | undefined
    let ended = false
    const close = (): void => {
      ended = true
      this.#streams.delete(end)
      request?.destroy()
    }
    const end = (why: string): void => {
      if (ended) return
      close()
      user.onEnd(why)
    }
    const [endpoint = ''] = this.#members.inOrder(performance.now())
    this.#streams.set(end, endpoint)
    void this.#headers(endpoint, AbortSignal.timeout(this.#options.timeoutMs)).then(
      (headers) => {
        if (ended) return
        request = this.#request(endpoint, path, headers)
        request.on('error', (error) => this.#failed(endpoint, error.message))
        request.on('response', (response) => {
          if (response.statusCode !== 200) return end(`status ${response.statusCode}`)
          readLines(response, (line) => !ended && user.onObject(JSON.parse(line)), end)
        })
        request.end(JSON.stringify(body))
      },
      (error: Error) => this.#failed(endpoint, error.message),
    )
    return { close, fail: (why) => this.#failed(endpoint, why) }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  get #besideMs(): number {
    return this.#options.timeoutMs * BESIDE_SHARE
  }

  /** Another one has answered since, or nobody has: who was asked for longer than it takes is asked last from now on. */
  #passOver(waited: ReadonlyMap<string, number>): void {
    const now = performance.now()
    for (const [endpoint, since] of waited)
      if (now - since >= this.#besideMs)
        this.#failed(endpoint, `no answer within ${Math.round(now - since)} ms`)
  }

  /** Asked last for a while; what streams from there is followed elsewhere. */
  #failed(endpoint: string, why: string): void {
    this.#members.failed(endpoint, performance.now())
    for (const [end, from] of [...this.#streams]) if (from === endpoint) end(why)
  }

  async #askOne<T>(endpoint: string, path: string, body: object, signal: AbortSignal): Promise<T> {
    try {
      return await this.#post<T>(endpoint, path, body, await this.#headers(endpoint, signal), signal)
    } catch (error) {
      if (!(error instanceof EtcdError) || error.status !== 401 || this.#token === null) throw error
      // Tokens of etcd end after five minutes without use, and with its restart; a refused question did nothing.
      this.#token = null
      return await this.#post<T>(endpoint, path, body, await this.#headers(endpoint, signal), signal)
    }
  }

  async #headers(endpoint: string, signal: AbortSignal): Promise<Record<string, string>> {
    const { user } = this.#options
    if (user === undefined) return {}
    const { name, password } = user
    this.#token ??= (
      await this.#post<{ token: string }>(endpoint, '/v3/auth/authenticate', { name, password }, {}, signal)
    ).token
    return { Authorization: this.#token }
  }

  #post<T>(
    endpoint: string,
    path: string,
    body: object,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const request = this.#request(endpoint, path, headers, signal)
      const fail = (message: string, status = 0): void => {
        request.destroy()
        reject(new EtcdError(`etcd at ${endpoint}: ${message}`, status))
      }
      request.on('error', (error) => fail(error.message))
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
          if (text.length > ANSWER_BYTES_MAX) fail('the answer is too large')
        })
        response.on('error', (error) => fail(error.message))
        response.on('end', () => {
          const { statusCode = 0 } = response
          if (statusCode !== 200) return fail(errorText(text), statusCode)
          try {
            resolve(JSON.parse(text) as T)
          } catch {
            fail('the answer is no JSON')
          }
        })
      })
      request.end(JSON.stringify(body))
    })
  }

  #request(
    endpoint: string,
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): ClientRequest {
    const url = new URL(path, endpoint)
    const options = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(signal === undefined ? {} : { signal }),
    }
    return url.protocol === 'https:'
      ? requestHttps(url, { ...options, agent: this.#https })
      : http.request(url, { ...options, agent: this.#http })
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
