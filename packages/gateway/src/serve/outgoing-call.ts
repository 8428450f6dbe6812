import type { Agent, ClientRequest } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'

const http = process.getBuiltinModule('node:http')

/**
 * answer    all of it came in time
 * not-sent  provably no byte of the request has left: it may be sent elsewhere, whatever it is
 * unknown   something has left, and nobody knows what became of it
 */
export type CallResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'not-sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }

export interface OutgoingCall {
  /** Origin such as `https://api.example.com`. */
  readonly origin: string
  readonly method: 'GET' | 'POST'
  /** With its query: may hold secrets, and is in no message. */
  readonly path: string
  /** JSON; absent: no body. */
  readonly json?: string
}

export interface OutgoingLimits {
  /** Until a connection is there, TLS included. */
  readonly connectMs: number
  /** All of a call, its connection included. */
  readonly timeoutMs: number
  readonly bytesMax: number
  /** Certificate authority, PEM; absent: the system's. */
  readonly ca?: string
}

/** Shorter than servers keep theirs: a connection that closes just then leaves a request's fate open. */
const IDLE_MS = 4_000

/** Calls to a server outside, over connections that are kept for a few seconds. No redirects, no repetition. */
export class OutgoingCalls {
  readonly #limits: OutgoingLimits
  readonly #http: Agent = new http.Agent({ keepAlive: true, timeout: IDLE_MS })
  readonly #https: HttpsAgent

  constructor(limits: OutgoingLimits) {
    this.#limits = limits
    const { ca } = limits
    this.#https = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS, ...(ca === undefined ? {} : { ca }) })
  }

  /** Never rejects. */
  make({ origin, method, path, json }: OutgoingCall): Promise<CallResult> {
    const secure = origin.startsWith('https:')
    const { connectMs, timeoutMs, bytesMax } = this.#limits
    return new Promise((resolve) => {
      let sent = false
      const end = (result: CallResult): void => {
        clearTimeout(connecting)
        clearTimeout(whole)
        resolve(result)
      }
      const fail = (reason: string): void => {
        end({ kind: sent ? 'unknown' : 'not-sent', reason })
        request.destroy()
      }
      const request: ClientRequest = (secure ? requestHttps : http.request)(origin + path, {
        method,
        agent: secure ? this.#https : this.#http,
        headers: {
          accept: 'application/json',
          'user-agent': 'budao',
          ...(json === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
        },
      })
      const connecting = setTimeout(() => {
        if (!sent) fail(`no connection within ${connectMs} ms`)
      }, connectMs).unref()
      const whole = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs).unref()
      request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'broken connection'))
      request.on('socket', (socket: Socket) => {
        const leaves = (): void => {
          sent = true
          clearTimeout(connecting)
        }
        // What is written to a connection that is being made waits in this process until it is there.
        if (request.reusedSocket || !socket.connecting) leaves()
        else socket.once(secure ? 'secureConnect' : 'connect', leaves)
      })
      request.on('response', (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          parts.push(part)
          if (bytes > bytesMax) fail(`an answer of more than ${bytesMax} bytes`)
        })
        response.on('error', () => fail('an answer that broke off'))
        response.on('aborted', () => fail('an answer that broke off'))
        response.on('end', () => {
          const body = Buffer.concat(parts).toString('utf8')
          end({ kind: 'answer', status: response.statusCode!, body })
        })
      })
      request.end(json)
    })
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}
