import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Server as TlsServer } from 'node:tls'
import type { ListenerConfig, TlsConfig } from '@budao/model'
import { splitAddress } from './socket-address.ts'

export interface ListenersOptions {
  /** A connection has come; `onClosed` must be called when it has gone. */
  accept(socket: Socket, listener: ListenerConfig): void
  /** One was closed unread because of a limit. */
  onRefused(): void
  warn(message: string): void
}

interface Listening {
  readonly config: ListenerConfig
  readonly server: Server
}

interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Where one thread takes connections, and how many each place has taken. */
export class Listeners {
  readonly #options: ListenersOptions
  readonly #listening: Map<string, Listening> = new Map()
  /** Open connections by name of their listener, of those too that are gone. */
  readonly #connections: Map<string, number> = new Map()
  #closed = false

  constructor(options: ListenersOptions) {
    this.#options = options
  }

  /**
   * Opens the listeners that are new and closes those that are gone. Returns the bound addresses by name. Rejects, with
   * everything as before, when one of them cannot be opened or its certificate not be used.
   */
  async listen(listeners: readonly ListenerConfig[], baseDir: string): Promise<Record<string, string>> {
    const certificates = await readCertificates(listeners, baseDir)
    const opened = await this.#openNew(listeners, certificates)
    const bound: Record<string, string> = {}
    for (const config of listeners) {
      const { name } = config
      const before = this.#listening.get(name)?.server
      const server = opened.get(name) ?? before!
      if (server !== before) before?.close()
      // Where the socket stays, connections accepted from now on follow the new limits and the new certificate.
      else if (config.tls !== undefined) (server as TlsServer).setSecureContext(certificates.get(name)!)
      bound[name] = addressOf(server)
      this.#listening.set(name, {
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

  onClosed({ name }: ListenerConfig): void {
    this.#connections.set(name, this.#connections.get(name)! - 1)
  }

  /** Takes nothing new. */
  close(): void {
    this.#closed = true
    for (const { server } of this.#listening.values()) server.close()
    this.#listening.clear()
  }

  /** All or none: rejects with nothing new open when one of them cannot be. */
  async #openNew(
    listeners: readonly ListenerConfig[],
    certificates: ReadonlyMap<string, Certificate>,
  ): Promise<Map<string, Server>> {
    const opened = new Map<string, Server>()
    try {
      for (const config of listeners) {
        const open = this.#listening.get(config.name)
        if (open !== undefined && sameSocket(open.config, config)) continue
        opened.set(config.name, await this.#open(config, certificates.get(config.name)))
      }
    } catch (error) {
      for (const server of opened.values()) server.close()
      throw error
    }
    return opened
  }

  async #open(config: ListenerConfig, certificate: Certificate | undefined): Promise<Server> {
    const accept = (socket: Socket): void => this.#accept(socket, config)
    const server =
      certificate === undefined
        ? createServer({ noDelay: true, allowHalfOpen: true }, accept)
        : await createTlsListener(config, certificate, accept)
    const [host, port] = splitAddress(config.address)
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      // Each thread has a socket of its own on the same port, and the system spreads connections over them.
      server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 4_096 }, () => {
        server.off('error', fail)
        done()
      })
    })
    server.on('error', (error) => this.#options.warn(`listener ${config.name}: ${error.message}`))
    return server
  }

  /** `opened` is what the socket was opened with: connections come before the others are open too. */
  #accept(socket: Socket, opened: ListenerConfig): void {
    const { name } = opened
    const config = this.#listening.get(name)?.config ?? opened
    const open = this.#connections.get(name) ?? 0
    if (this.#closed || open >= config.limits.connections) {
      this.#options.onRefused()
      socket.destroy()
      return
    }
    this.#connections.set(name, open + 1)
    this.#options.accept(socket, config)
  }
}

async function readCertificates(
  listeners: readonly ListenerConfig[],
  baseDir: string,
): Promise<Map<string, Certificate>> {
  const certificates = new Map<string, Certificate>()
  for (const { name, tls } of listeners) {
    if (tls !== undefined) certificates.set(name, await readCertificate(tls, baseDir))
  }
  return certificates
}

async function readCertificate(files: TlsConfig, baseDir: string): Promise<Certificate> {
  const certificate = {
    cert: readFileSync(resolve(baseDir, files.cert)),
    key: readFileSync(resolve(baseDir, files.key)),
  }
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext(certificate)
  } catch (cause) {
    throw new Error(`${files.cert} and ${files.key} cannot be used: ${(cause as Error).message}`, { cause })
  }
  return certificate
}

/** TLS is loaded where a listener wants it: it takes 6 MB. */
async function createTlsListener(
  config: ListenerConfig,
  certificate: Certificate,
  accept: (socket: Socket) => void,
): Promise<Server> {
  const { createServer: createTlsServer } = await import('node:tls')
  const server = createTlsServer(
    {
      ...certificate,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: config.limits.headTimeout,
      noDelay: true,
      allowHalfOpen: true,
    },
    accept,
  )
  // Node reports a handshake that takes too long, and leaves it at that.
  server.on('tlsClientError', (_, socket) => socket.destroy())
  return server
}

function sameSocket(a: ListenerConfig, b: ListenerConfig): boolean {
  return (
    a.address === b.address && a.protocol === b.protocol && JSON.stringify(a.tls) === JSON.stringify(b.tls)
  )
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
