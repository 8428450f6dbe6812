import { once } from 'node:events'
import { connect } from 'node:net'
import { RawClient, type RawResponse } from '../raw-http.ts'
import type { RecordingBackend } from './recording-backend.ts'
import type { RequestCase } from './requests.ts'
import type { ResponseCase } from './responses.ts'

/** A proxy that neither answers nor closes is given up after this time. */
const SILENT_MS = 2_000

/** What a proxy made of one request: `status` null where it closed without an answer or kept silent. */
export interface RequestOutcome {
  readonly status: number | null
  /** Whether any byte of it reached the backend. */
  readonly forwarded: boolean
  /** Request lines that the backend got, however they came there. */
  readonly requests: number
}

/**
 * What a proxy made of one answer.
 *
 * passed    a complete answer with the backend's status
 * refused   502 or 504 of its own
 * cut       the connection visibly broke off
 * silent    the client still waits
 */
export interface ResponseOutcome {
  readonly kind: 'passed' | 'refused' | 'cut' | 'silent'
  readonly body: string
}

/** A proxy on 127.0.0.1 in front of one recording backend, tried case by case. */
export class ProxyProbe {
  readonly #port: number
  readonly #backend: RecordingBackend

  constructor(port: number, backend: RecordingBackend) {
    this.#port = port
    this.#backend = backend
  }

  async request({ bytes }: RequestCase): Promise<RequestOutcome> {
    this.#backend.answerWith()
    const before = this.#backend.received.length
    const client = await this.#connect()
    client.send(bytes)
    const response = await read(client, 'GET')
    client.socket.destroy()
    const got = this.#backend.received.slice(before).join('')
    return {
      status: response?.status ?? null,
      forwarded: got !== '',
      requests: got.match(/^\S+ \S+ HTTP\/1\.[01]\r$/gm)?.length ?? 0,
    }
  }

  async response({ bytes, closes }: ResponseCase): Promise<ResponseOutcome> {
    this.#backend.answerWith(bytes, closes)
    const client = await this.#connect()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const response = await read(client, 'GET')
    const silent = response === null && !client.closed
    client.socket.destroy()
    if (response === null) return { kind: silent ? 'silent' : 'cut', body: '' }
    const refused = response.status === 502 || response.status === 504
    return { kind: refused ? 'refused' : 'passed', body: response.body }
  }

  /**
   * What becomes of the next client's plain request. `answered` rightly; `trusting` when it went over a connection to
   * the backend that was open before.
   */
  async next(): Promise<{ answered: boolean; trusting: boolean }> {
    this.#backend.answerWith()
    const before = this.#backend.received.length
    const client = await this.#connect()
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    const response = await read(client, 'GET')
    client.socket.destroy()
    return {
      answered: response?.status === 200 && response.body === 'ok',
      trusting: this.#backend.received.length === before,
    }
  }

  async #connect(): Promise<RawClient> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }
}

/** The first final response; null when none came whole. */
async function read(client: RawClient, method: string): Promise<RawResponse | null> {
  try {
    for (;;) {
      const response = await client.readResponse(method, SILENT_MS)
      if (response.status >= 200) return response
    }
  } catch {
    return null
  }
}
