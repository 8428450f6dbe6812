import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import type { EventDraft, ListenerConfig, TlsConfig } from '@budao/model'
import type { Clock, Random } from '@budao/resilience'
import { cellsOf } from './arena.ts'
import { Downstream } from './downstream.ts'
import { Metrics } from './metrics.ts'
import { RequestIdentity } from './request-identity.ts'
import { Runtime, type RuntimePlan } from './runtime.ts'
import { pendingCellName, type Service } from './service.ts'
import { splitAddress } from './socket-address.ts'
import { TimerWheel } from './timer-wheel.ts'
import { UpstreamPool, type UpstreamPoolOptions } from './upstream-pool.ts'

/** Reads of up to this size are taken at once; as much as the system hands over for one socket. */
const READ_BYTES = 65_536
const TICK_MS = 20
const WHEEL_SLOTS = 1_024

export interface DataPlaneOptions {
  readonly worker: number
  readonly memory: Int32Array
  readonly metrics: ArrayBufferLike
  wallNow(): number
  report(event: EventDraft): void
  warn(message: string): void
}

interface Listening {
  readonly config: ListenerConfig
  readonly server: Server
}

/** Everything one thread needs to serve: its listeners, its connections both ways, and the runtime in force. */
export class DataPlane {
  readonly clock: Clock
  readonly random: Random
  readonly wheel: TimerWheel
  readonly metrics: Metrics
  readonly identity: RequestIdentity
  /** Set by the first `apply`, before anything listens. */
  runtime!: Runtime
  /** True once the process is to end: answers close their connections. */
  draining = false
  readonly #options: DataPlaneOptions
  readonly #buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  readonly #downstreams: Set<Downstream> = new Set()
  /** How many of them each listener has accepted, by name. */
  readonly #openOn: Map<string, number> = new Map()
  readonly #pools: Map<string, UpstreamPool> = new Map()
  readonly #listening: Map<string, Listening> = new Map()
  readonly #retired: Set<Runtime> = new Set()
  readonly #ticker: NodeJS.Timeout
  #drained: (() => void) | null = null

  constructor(clock: Clock, random: Random, options: DataPlaneOptions) {
    this.clock = clock
    this.random = random
    this.#options = options
    this.wheel = new TimerWheel(clock.now(), { tickMs: TICK_MS, slots: WHEEL_SLOTS })
    this.metrics = new Metrics(options.metrics)
    this.identity = new RequestIdentity(random)
    this.#ticker = setInterval(() => this.#tick(), TICK_MS)
  }

  wallNow(): number {
    return this.#options.wallNow()
  }

  warn(message: string): void {
    this.#options.warn(message)
  }

  /**
   * Makes a snapshot's runtime without serving from it yet, so that all threads can be asked before any changes.
   * Rejects when the snapshot cannot be served here.
   */
  async prepare(plan: RuntimePlan): Promise<Runtime> {
    return Runtime.create(plan, {
      random: this.random,
      memory: this.#options.memory,
      worker: this.#options.worker,
      now: () => this.clock.now(),
      wallNow: () => this.#options.wallNow(),
      report: (event) => this.#options.report(event),
      warn: (message) => this.#options.warn(message),
    })
  }

  /** Serves from `runtime` from now on: one assignment. Requests under way finish with the one they began with. */
  apply(runtime: Runtime): void {
    this.#connectPools(runtime)
    const before = this.runtime as Runtime | undefined
    if (before !== undefined) runtime.inherit(before)
    this.runtime = runtime
    if (before === undefined) return
    this.#retired.add(before)
    this.#closeRetired(before)
  }

  /** Opens the listeners that are new and closes those that are gone. Returns the bound addresses by name. */
  async listen(listeners: readonly ListenerConfig[], baseDir: string): Promise<Record<string, string>> {
    const opened = await this.#openNew(listeners, baseDir)
    const bound: Record<string, string> = {}
    for (const config of listeners) {
      const { name } = config
      const before = this.#listening.get(name)?.server
      const server = opened.get(name) ?? before!
      if (server !== before) before?.close()
      // Where the socket stays, connections accepted from now on follow the new limits.
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

  /** All or none: rejects with nothing new open when one of them cannot be. */
  async #openNew(listeners: readonly ListenerConfig[], baseDir: string): Promise<Map<string, Server>> {
    const opened = new Map<string, Server>()
    try {
      for (const config of listeners) {
        const open = this.#listening.get(config.name)
        if (open !== undefined && sameSocket(open.config, config)) continue
        opened.set(config.name, await this.#open(config, baseDir))
      }
    } catch (error) {
      for (const server of opened.values()) server.close()
      throw error
    }
    return opened
  }

  /** Accepts nothing new, lets requests under way finish, closes everything else. Resolves when nothing is open. */
  async drain(): Promise<void> {
    this.draining = true
    for (const { server } of this.#listening.values()) server.close()
    this.#listening.clear()
    for (const downstream of [...this.#downstreams]) downstream.drain()
    if (this.#downstreams.size === 0) return
    await new Promise<void>((done) => {
      this.#drained = done
    })
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.draining = true
    for (const { server } of this.#listening.values()) server.close()
    for (const downstream of [...this.#downstreams]) downstream.destroy()
    for (const pool of this.#pools.values()) pool.close()
    clearInterval(this.#ticker)
    await (this.runtime as Runtime | undefined)?.close()
  }

  onDownstreamClosed(downstream: Downstream): void {
    this.#downstreams.delete(downstream)
    const { name } = downstream.listener
    this.#openOn.set(name, this.#openOn.get(name)! - 1)
    if (this.#downstreams.size === 0) this.#drained?.()
  }

  onExchangeEnd(runtime: Runtime): void {
    if (runtime !== this.runtime) this.#closeRetired(runtime)
  }

  #closeRetired(runtime: Runtime): void {
    if (runtime.exchanges > 0 || !this.#retired.delete(runtime)) return
    runtime.close().catch((error: unknown) => this.warn(`a filter failed to close: ${String(error)}`))
  }

  #tick(): void {
    const now = this.clock.now()
    this.wheel.advance(now)
    this.metrics.tick(now)
    let open = 0
    let idle = 0
    for (const pool of this.#pools.values()) {
      open += pool.open
      idle += pool.idle
    }
    this.metrics.connections(this.#downstreams.size, open, idle)
  }

  async #open(config: ListenerConfig, baseDir: string): Promise<Server> {
    const accept = (socket: Socket): void => this.#accept(socket, config.name)
    const options = { noDelay: true, allowHalfOpen: true }
    const server =
      config.tls === undefined
        ? createServer(options, accept)
        : await createTlsListener(config, config.tls, baseDir, accept)
    const [host, port] = splitAddress(config.address)
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      // Each thread has a socket of its own on the same port, and the system spreads connections over them.
      server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 4_096 }, () => {
        server.off('error', fail)
        done()
      })
    })
    server.on('error', (error) => this.warn(`listener ${config.name}: ${error.message}`))
    return server
  }

  #accept(socket: Socket, listener: string): void {
    const config = this.#listening.get(listener)?.config
    const open = this.#openOn.get(listener) ?? 0
    if (config === undefined || this.draining || open >= config.limits.connections) {
      this.metrics.connectionRefused()
      socket.destroy()
      return
    }
    this.metrics.accepted()
    this.#openOn.set(listener, open + 1)
    this.#downstreams.add(new Downstream(this, socket, config))
  }

  #connectPools({ plan, services }: Runtime): void {
    const wanted = new Set<string>()
    for (const service of services.values()) {
      const options = poolOptions(service, this.#options.worker)
      const pending = cellsOf(this.#options.memory, plan.layout, pendingCellName(service.name))
      for (const endpoint of service.endpoints) {
        const name = `${service.name} ${endpoint.address}`
        wanted.add(name)
        let pool = this.#pools.get(name)
        if (pool === undefined) {
          pool = new UpstreamPool(this.clock, this.wheel, this.#buffer, pending, endpoint.address, options)
          this.#pools.set(name, pool)
        } else pool.configure(options)
        endpoint.pool = pool
      }
    }
    for (const [name, pool] of this.#pools) {
      if (wanted.has(name)) continue
      pool.close()
      this.#pools.delete(name)
    }
  }
}

/** TLS is loaded where a listener wants it: it takes 6 MB. */
async function createTlsListener(
  config: ListenerConfig,
  files: TlsConfig,
  baseDir: string,
  accept: (socket: Socket) => void,
): Promise<Server> {
  const { createServer: createTlsServer } = await import('node:tls')
  return createTlsServer(
    {
      cert: readFileSync(resolve(baseDir, files.cert)),
      key: readFileSync(resolve(baseDir, files.key)),
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: config.limits.headTimeout,
      noDelay: true,
      allowHalfOpen: true,
    },
    accept,
  )
}

function poolOptions({ config }: Service, worker: number): UpstreamPoolOptions {
  return {
    worker,
    connectionsMax: config.limits.connections,
    connectMs: config.timeouts.connect,
    idleMs: config.timeouts.idle,
    pendingMax: config.limits.pending,
  }
}

/** With port 0 the address it came to, so that the next snapshot finds the socket again. */
function portChosen(configured: string, bound: string): string {
  return configured.endsWith(':0') ? bound : configured
}

function sameSocket(a: ListenerConfig, b: ListenerConfig): boolean {
  return (
    a.address === b.address && a.protocol === b.protocol && JSON.stringify(a.tls) === JSON.stringify(b.tls)
  )
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return ''
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`
}
