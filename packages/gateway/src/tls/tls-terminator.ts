import type { Socket } from 'node:net'
import type { SecureContext, SecureContextOptions, Server, TLSSocket } from 'node:tls'
import type { ListenerConfig, TlsConfig } from '@budao/model'
import type { ProxiedPair } from '../l4/proxy-header.ts'
import { HostChoice } from './host-choice.ts'
import { nodeCrypto, nodeTls } from './builtins.ts'
import { ticketKeys, ticketKeysEnd } from './ticket-keys.ts'
import type { ListenerTls } from './tls-material.ts'

export interface TlsTerminatorOptions {
  readonly listener: ListenerConfig
  readonly material: ListenerTls
  readonly ticketSecret: string
  wallNow(): number
  /** A handshake is done. */
  onSecure(socket: TLSSocket, pair: ProxiedPair | null): void
  /** One has failed, and the connection is gone. Of each connection accepted either this or `onSecure` is called, once. */
  onFailed(): void
}

/** What is spoken behind TLS, by preference of the gateway. The only place where a protocol is offered. */
function alpnProtocols({ protocol, protocols }: ListenerConfig): string[] {
  return protocol === 'https' ? [...protocols] : []
}

/**
 * Does the handshakes of one listener. It never changes: what is renewed gets a terminator of its own, and connections
 * that are open stay with theirs.
 */
export class TlsTerminator {
  readonly #server: Server
  readonly #options: TlsTerminatorOptions
  readonly #scope: string
  /** Of connections that began with a PROXY header, by where they come from: Node makes a new socket of each. */
  readonly #pairs: Map<string, ProxiedPair> = new Map()
  #keysEnd: number

  /** Throws when certificates, keys and rules do not go together. */
  constructor(options: TlsTerminatorOptions) {
    this.#options = options
    const { listener, material, ticketSecret } = options
    const tls = listener.tls!
    this.#scope = ticketScope(listener.name, tls, material)
    const now = options.wallNow()
    this.#keysEnd = ticketKeysEnd(now)
    const common = contextOptions(tls, material)
    const protocols = alpnProtocols(listener)
    const [first, ...others] = material.certificates
    const { createSecureContext, createServer } = nodeTls()
    // It never listens: connections are handed to it, so that listeners keep their sockets whatever changes here.
    this.#server = createServer(
      {
        ...common,
        // Without any, as long as the first one is still to be issued, handshakes fail.
        ...(first === undefined ? {} : { cert: first.cert, key: first.key }),
        ticketKeys: ticketKeys(ticketSecret, this.#scope, now),
        ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
        handshakeTimeout: listener.limits.headTimeout,
        allowHalfOpen: true,
        requestCert: tls.clientAuth !== undefined,
        rejectUnauthorized: tls.clientAuth?.mode === 'require',
        ...(others.length === 0 ? {} : { SNICallback: byName(material, common, createSecureContext) }),
      },
      (socket) => options.onSecure(socket, this.#pairs.get(placeOf(socket)) ?? null),
    )
    this.#server.on('tlsClientError', (_, socket) => {
      // Node reports a handshake that takes too long, and leaves it at that.
      socket.destroy()
      options.onFailed()
    })
  }

  /** `pair` is what a PROXY header before the handshake said. */
  accept(socket: Socket, pair: ProxiedPair | null): void {
    if (pair !== null) {
      const place = placeOf(socket)
      this.#pairs.set(place, pair)
      socket.once('close', () => this.#pairs.delete(place))
    }
    const now = this.#options.wallNow()
    if (now >= this.#keysEnd) {
      this.#keysEnd = ticketKeysEnd(now)
      this.#server.setTicketKeys(ticketKeys(this.#options.ticketSecret, this.#scope, now))
    }
    this.#server.emit('connection', socket)
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function contextOptions(tls: TlsConfig, material: ListenerTls): SecureContextOptions {
  return {
    minVersion: tls.minVersion,
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(material.clientCa === undefined ? {} : { ca: material.clientCa }),
  }
}

function byName(
  { certificates }: ListenerTls,
  common: SecureContextOptions,
  createContext: (options: SecureContextOptions) => SecureContext,
) {
  const choice = new HostChoice(
    certificates.flatMap(({ cert, key, hosts }) => {
      const context = createContext({ ...common, cert, key })
      return hosts.map((host) => [host, context] as const)
    }),
  )
  // Null: the first one.
  return (name: string, done: (error: Error | null, context?: SecureContext) => void): void =>
    done(null, choice.find(name))
}

/** Other authorities or rules, other keys: a session must not outlive what it was let in by. */
function ticketScope(listener: string, { clientAuth }: TlsConfig, { clientCa }: ListenerTls): string {
  if (clientAuth === undefined) return listener
  const digest = nodeCrypto()
    .createHash('sha256')
    .update(clientCa ?? '')
    .digest('hex')
  return `${listener} ${clientAuth.mode} ${digest}`
}
