import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ListenerConfig } from '@budao/model'
import { plainAddress, type Arrival } from './arrival.ts'
import type { ProxiedPair } from '../l4/proxy-header.ts'
import { ProxyReader } from '../l4/proxy-reader.ts'
import { splitAddress } from './socket-address.ts'
import { clientCertificate, refused } from '../tls/client-certificate.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import { TlsTerminator } from '../tls/tls-terminator.ts'

export interface ListenersOptions {
  /** A connection is ready; `onClosed` must be called when it has gone. */
  accept(arrival: Arrival): void
  /** One was closed unread because of a limit. */
  onRefused(listener: ListenerConfig): void
  /** A connection was closed because it did not begin with the PROXY header that it should. */
  onProxyRefused(listener: ListenerConfig): void
  /** A TLS handshake has ended; `resumed` spared both sides the costly part. */
  onHandshake(
    listener: ListenerConfig,
    result: 'handshakesFull' | 'handshakesResumed' | 'handshakesFailed',
  ): void
  wallNow(): number
  warn(message: string): void
}

interface Opening {
  readonly config: ListenerConfig
  /** Null without TLS. */
  readonly terminator: TlsTerminator | null
  /** Null: connections begin with no PROXY header. */
  readonly proxy: ProxyReader | null
}

interface Listening extends Opening {
  readonly server: Server
}

/** Where one thread takes connections, and how many each place has taken. */
export class Listeners {
  readonly #options: ListenersOptions
  readonly #listening: Map<string, Listening> = new Map()
  /** Open connections by name of their listener, of those too that are gone. Handshakes count. */
  readonly #connections: Map<string, number> = new Map()
  #closed = false

  constructor(options: ListenersOptions) {
    this.#options = options
  }

  /**
   * Opens the listeners that are new and closes those that are gone. Returns the bound addresses by name. Rejects, with
   * everything as before, when one of them cannot be opened or its certificate not be used.
   */
  async listen(listeners: readonly ListenerConfig[], tls: TlsMaterial): Promise<Record<string, string>> {
    const openings = new Map(listeners.map((config) => [config.name, this.#opening(config, tls)]))
    const opened = await this.#openNew(openings.values())
    const bound: Record<string, string> = {}
    for (const config of listeners) {
      const { name } = config
      const before = this.#listening.get(name)?.server
      // Where the socket stays, connections accepted from now on follow the new limits and the new certificates.
      const server = opened.get(name) ?? before!
      if (server !== before) before?.close()
      bound[name] = addressOf(server)
      this.#listening.set(name, {
        ...openings.get(name)!,
        config: { ...config, address: portChosen(config.address, bound[name]) },
        server,
      })
    }
    for (const [name, { server }] of this.#listening) {
      if (name in bound) continue
      server.close()
      this.#listening.delete(name)
    }
    return bound
  }

  /** Uses other certificates from the next connection on. */
  renew(tls: TlsMaterial): void {
    for (const [name, listening] of this.#listening)
      this.#listening.set(name, { ...listening, terminator: this.#terminator(listening.config, tls) })
  }

  /** Open connections by name of their listener. */
  get connections(): ReadonlyMap<string, number> {
    return this.#connections
  }

  onClosed({ name }: ListenerConfig): void {
    this.#connections.set(name, this.#connections.get(name)! - 1)
  }

  /** Takes nothing new. */
  close(): void {
    this.#closed = true
    for (const { server } of this.#listening.values()) server.close()
    this.#listening.clear()
  }

  #opening(config: ListenerConfig, tls: TlsMaterial): Opening {
    const { proxyProtocol, limits } = config
    return {
      config,
      terminator: this.#terminator(config, tls),
      proxy: proxyProtocol === undefined ? null : new ProxyReader(proxyProtocol, limits.headTimeout),
    }
  }

  #terminator(listener: ListenerConfig, { listeners, ticketSecret }: TlsMaterial): TlsTerminator | null {
    const material = listeners[listener.name]
    if (listener.tls === undefined || material === undefined) return null
    return new TlsTerminator({
      listener,
      material,
      ticketSecret,
      wallNow: () => this.#options.wallNow(),
      onSecure: (socket, pair) => this.#onSecure(socket, listener, pair),
      onFailed: () => {
        this.onClosed(listener)
        this.#options.onHandshake(listener, 'handshakesFailed')
      },
    })
  }

  /** All or none: rejects with nothing new open when one of them cannot be. */
  async #openNew(openings: Iterable<Opening>): Promise<Map<string, Server>> {
    const opened = new Map<string, Server>()
    try {
      for (const opening of openings) {
        const { name, address } = opening.config
        if (this.#listening.get(name)?.config.address === address) continue
        opened.set(name, await this.#open(opening))
      }
    } catch (error) {
      for (const server of opened.values()) server.close()
      throw error
    }
    return opened
  }

  async #open(opening: Opening): Promise<Server> {
    const { name, address } = opening.config
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const listening = this.#listening.get(name)
      // Connections come before the other sockets of its snapshot are open too.
      this.#arrive(socket, listening?.server === server ? listening : opening)
    })
    const [host, port] = splitAddress(address)
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      // Each thread has a socket of its own on the same port, and the system spreads connections over them.
      server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 4_096 }, () => {
        server.off('error', fail)
        done()
      })
    })
    server.on('error', (error) => this.#options.warn(`listener ${name}: ${error.message}`))
    return server
  }

  #arrive(socket: Socket, opening: Opening): void {
    const { config, proxy } = opening
    const open = this.#connections.get(config.name) ?? 0
    if (this.#closed || open >= config.limits.connections) {
      this.#options.onRefused(config)
      socket.destroy()
      return
    }
    this.#connections.set(config.name, open + 1)
    if (proxy === null || !proxy.expects(plainAddress(socket.remoteAddress ?? '')))
      return this.#admit(socket, opening, null, null)
    proxy.read(
      socket,
      (pair, rest) => this.#admit(socket, opening, pair, rest),
      () => {
        this.onClosed(config)
        this.#options.onProxyRefused(config)
      },
    )
  }

  /** Whoever takes a plain socket takes what came with the PROXY header; TLS finds it on the socket. */
  #admit(
    socket: Socket,
    { config, terminator }: Opening,
    pair: ProxiedPair | null,
    rest: Buffer | null,
  ): void {
    if (terminator === null) return this.#accept(socket, config, pair, { early: rest })
    if (rest !== null) socket.unshift(rest)
    terminator.accept(socket, pair)
  }

  #onSecure(socket: TLSSocket, listener: ListenerConfig, pair: ProxiedPair | null): void {
    this.#options.onHandshake(listener, socket.isSessionReused() ? 'handshakesResumed' : 'handshakesFull')
    const { clientAuth } = listener.tls!
    const certificate = clientAuth === undefined ? null : clientCertificate(socket, clientAuth)
    if (certificate !== refused && !this.#closed)
      return this.#accept(socket, listener, pair, { alpn: socket.alpnProtocol || '', certificate })
    if (this.#closed) this.#options.onRefused(listener)
    this.onClosed(listener)
    socket.on('error', () => {})
    socket.destroy()
  }

  #accept(socket: Socket, listener: ListenerConfig, pair: ProxiedPair | null, more: Partial<Arrival>): void {
    const address = pair?.sourceAddress ?? plainAddress(socket.remoteAddress ?? '')
    this.#options.accept({
      socket,
      listener,
      address,
      pair,
      early: null,
      alpn: '',
      certificate: null,
      ...more,
    })
  }
}

/** With port 0 the address it came to, so that the next snapshot finds the socket again. */
function portChosen(configured: string, bound: string): string {
  return configured.endsWith(':0') ? bound : configured
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return ''
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}
