import type { Agent, ClientRequest } from 'node:http'
import { Agent as TlsAgent, request as requestTls } from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { HealthCheckConfig } from '@budao/model'
import { parseAddress, statusMatcher } from '@budao/model'
import type { HardCause, ProbeOutcome } from '@budao/resilience'
import type { EndpointTls } from './endpoint-tls.ts'

const http = process.getBuiltinModule('node:http')

/** How an endpoint is asked whether it is alive; its connection is kept, so that the end of its process is heard. */
export interface EndpointProbe {
  readonly address: string
  /** Never rejects. */
  ask(timeoutMs: number): Promise<ProbeOutcome>
  close(): void
}

/** Endpoints that do not speak TLS, or do, and its files are not here. */
export type ProbeTls = EndpointTls | 'none' | 'unknown'

/**
 * By the service’s own check, over TLS where it says so; a connection where it has none, or where nothing is known of its TLS.
 * `broken`: a kept connection ended, unannounced.
 */
export function openProbe(
  address: string,
  check: HealthCheckConfig | undefined,
  tls: ProbeTls,
  broken: (cause: HardCause) => void,
): EndpointProbe {
  if (check === undefined || tls === 'unknown') return new TcpProbe(address, null, broken)
  const spoken = tls === 'none' ? null : tls
  return check.type === 'http'
    ? new HttpProbe(address, check, spoken, broken)
    : new TcpProbe(address, spoken, broken)
}

class HttpProbe implements EndpointProbe {
  readonly address: string
  readonly #check: HealthCheckConfig
  readonly #tls: EndpointTls | null
  readonly #broken: (cause: HardCause) => void
  #settings: ConnectionOptions | null = null
  #agent: Agent
  readonly #watched: WeakSet<Socket> = new WeakSet()
  /** Connections that the endpoint said it would close, or that are closed here. */
  readonly #announced: WeakSet<Socket> = new WeakSet()
  readonly #expected: (status: number) => boolean
  #closed = false

  constructor(
    address: string,
    check: HealthCheckConfig,
    tls: EndpointTls | null,
    broken: (cause: HardCause) => void,
  ) {
    this.address = address
    this.#check = check
    this.#tls = tls
    this.#broken = broken
    this.#expected = statusMatcher(check.expectStatus)
    this.#agent = this.#connections()
  }

  ask(timeoutMs: number): Promise<ProbeOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
    const asked = this.#request()
    const timer = setTimeout(() => {
      if (asked.socket !== null) this.#announced.add(asked.socket)
      asked.destroy(new Error('late'))
    }, timeoutMs)
    timer.unref()
    const end = (outcome: ProbeOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    asked.on('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error)))
    asked.on('response', (response) => {
      this.#watch(response.socket)
      // The body is let go; one that never ends is cut off by the timer.
      response.resume()
      response.on('error', () => undefined)
      const answered = this.#expected(response.statusCode ?? 0) ? 'answered' : 'failed'
      if (response.headers.connection?.toLowerCase() === 'close') this.#announced.add(response.socket)
      response.on('end', () => end(answered))
      resolve(answered)
    })
    asked.end()
    return promise
  }

  close(): void {
    this.#closed = true
    this.#agent.destroy()
  }

  #request(): ClientRequest {
    const { host, port } = parseAddress(this.address)!
    const { path, host: named = this.address } = this.#check
    const headers = { Host: named, 'User-Agent': 'budao-observer' }
    if (this.#tls !== null && this.#tls.settings(host) !== this.#settings) {
      // Files were renewed: connections by the old ones are let go.
      const before = this.#agent
      this.#agent = this.#connections()
      before.destroy()
    }
    const asked = { host, port, path, headers, agent: this.#agent }
    return this.#tls === null ? http.request(asked) : requestTls(asked)
  }

  #connections(): Agent {
    const kept = { keepAlive: true, maxSockets: 8, maxFreeSockets: 1 }
    this.#settings = this.#tls?.settings(parseAddress(this.address)!.host) ?? null
    // Whom an endpoint must be is said here and not with each request: connections that do so there are not kept.
    const agent =
      this.#settings === null ? new http.Agent(kept) : new TlsAgent({ ...kept, ...this.#settings })
    // One more than are kept it has closed by now.
    agent.on('free', (socket: Socket) => socket.destroyed && this.#announced.add(socket))
    return agent
  }

  /**
   * A kept connection that ends between two questions says at once what the next question would find out later. Its `end` is
   * not heard while nobody reads it, its `close` is.
   */
  #watch(socket: Socket): void {
    if (this.#watched.has(socket)) return
    this.#watched.add(socket)
    const agent = this.#agent
    let cause: HardCause = 'closed'
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNRESET') cause = 'reset'
    })
    socket.on('close', () => {
      if (!this.#closed && agent === this.#agent && !this.#announced.has(socket)) this.#broken(cause)
    })
  }
}

class TcpProbe implements EndpointProbe {
  readonly address: string
  readonly #tls: EndpointTls | null
  readonly #broken: (cause: HardCause) => void
  #kept: Socket | null = null
  #closed = false

  /** With TLS the handshake belongs to it. */
  constructor(address: string, tls: EndpointTls | null, broken: (cause: HardCause) => void) {
    this.address = address
    this.#tls = tls
    this.#broken = broken
  }

  ask(timeoutMs: number): Promise<ProbeOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
    const { host, port } = parseAddress(this.address)!
    const tls = this.#tls
    const socket = tls === null ? connect({ host, port }) : connectTls({ host, port, ...tls.settings(host) })
    const timer = setTimeout(() => socket.destroy(new Error('late')), timeoutMs)
    timer.unref()
    const end = (outcome: ProbeOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    socket.on('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error)))
    socket.once(tls === null ? 'connect' : 'secureConnect', () => {
      end('answered')
      if (this.#kept !== null || this.#closed) socket.destroy()
      else this.#keep(socket)
    })
    return promise
  }

  close(): void {
    this.#closed = true
    this.#kept?.destroy()
  }

  #keep(socket: Socket): void {
    this.#kept = socket
    socket.resume()
    socket.unref()
    let cause: HardCause = 'closed'
    socket.on('error', () => {
      cause = 'reset'
    })
    socket.once('close', () => {
      this.#kept = null
      if (!this.#closed) this.#broken(cause)
    })
  }
}

function outcomeOf({ code }: NodeJS.ErrnoException): ProbeOutcome {
  return code === 'ECONNREFUSED' ? 'refused' : 'failed'
}
