import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { HealthCheckConfig } from '@budao/model'
import { parseAddress, statusMatcher } from '@budao/model'
import type { HardCause, ProbeOutcome } from '@budao/resilience'

/** How an endpoint is asked whether it is alive; its connection is kept, so that the end of its process is heard. */
export interface EndpointProbe {
  readonly address: string
  /** Never rejects. */
  ask(timeoutMs: number): Promise<ProbeOutcome>
  close(): void
}

/** By the service’s own check; a connection where it has none. `broken`: a kept connection ended, unannounced. */
export function openProbe(
  address: string,
  check: HealthCheckConfig | undefined,
  tls: boolean,
  broken: (cause: HardCause) => void,
): EndpointProbe {
  // What speaks TLS is not asked for a path here: that its port is taken is what a check from outside can know for sure.
  return check?.type === 'http' && !tls
    ? new HttpProbe(address, check, broken)
    : new TcpProbe(address, broken)
}

class HttpProbe implements EndpointProbe {
  readonly address: string
  readonly #check: HealthCheckConfig
  readonly #broken: (cause: HardCause) => void
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets: 8, maxFreeSockets: 1 })
  readonly #watched: WeakSet<Socket> = new WeakSet()
  /** Connections that the endpoint said it would close. */
  readonly #announced: WeakSet<Socket> = new WeakSet()
  readonly #expected: (status: number) => boolean
  #closed = false

  constructor(address: string, check: HealthCheckConfig, broken: (cause: HardCause) => void) {
    this.address = address
    this.#check = check
    this.#broken = broken
    this.#expected = statusMatcher(check.expectStatus)
  }

  ask(timeoutMs: number): Promise<ProbeOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
    const { host, port } = parseAddress(this.address)!
    const { path, host: named = this.address } = this.#check
    const headers = { Host: named, 'User-Agent': 'budao-observer' }
    const asked = request({ host, port, path, headers, agent: this.#agent })
    const timer = setTimeout(() => asked.destroy(new Error('late')), timeoutMs)
    timer.unref()
    const end = (outcome: ProbeOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    asked.on('socket', (socket) => this.#watch(socket))
    asked.on('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error)))
    asked.on('response', (response) => {
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

  /** A kept connection that ends between two questions says at once what the next question would find out later. */
  #watch(socket: Socket): void {
    if (this.#watched.has(socket)) return
    this.#watched.add(socket)
    const broken = (cause: HardCause): void => {
      if (this.#closed || this.#announced.has(socket)) return
      this.#announced.add(socket)
      this.#broken(cause)
    }
    socket.on('error', ({ code }: NodeJS.ErrnoException) => code === 'ECONNRESET' && broken('reset'))
    socket.on('end', () => broken('closed'))
  }
}

class TcpProbe implements EndpointProbe {
  readonly address: string
  readonly #broken: (cause: HardCause) => void
  #kept: Socket | null = null
  #closed = false

  constructor(address: string, broken: (cause: HardCause) => void) {
    this.address = address
    this.#broken = broken
  }

  ask(timeoutMs: number): Promise<ProbeOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
    const { host, port } = parseAddress(this.address)!
    const socket = connect({ host, port })
    const timer = setTimeout(() => socket.destroy(new Error('late')), timeoutMs)
    timer.unref()
    const end = (outcome: ProbeOutcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    socket.on('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error)))
    socket.once('connect', () => {
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
