import type { EventDraft, ListenerConfig } from '@budao/model'
import type { Clock, Random } from '@budao/resilience'
import { cellsOf } from './arena.ts'
import type { Arrival } from '../client/arrival.ts'
import type { Challenges } from '../acme/acme-challenges.ts'
import { ThreadCaches } from '../cache/thread-caches.ts'
import type { ClientConnection } from '../client/client-connection.ts'
import { CallMetrics } from '../metrics/call-metrics.ts'
import { Downstream } from '../client/downstream.ts'
import type { Http2Connection } from '../client/http2-connection.ts'
import { KeyFilePort } from '../idempotency/key-file-port.ts'
import { Tunnel } from '../l4/tunnel.ts'
import { RemoteTexts } from '../keys/remote-texts.ts'
import { ListenerMetrics } from '../metrics/listener-metrics.ts'
import { Listeners } from '../client/listeners.ts'
import { Metrics } from '../metrics/metrics.ts'
import { Peers } from '../ownership/peers.ts'
import { OverloadGuard } from '../service/overload-guard.ts'
import { RequestIdentity } from '../exchange/request-identity.ts'
import { doorbellsOf, Runtime, type RuntimeContext, type RuntimePlan } from './runtime.ts'
import { pendingCellName } from '../service/service-memory.ts'
import type { Endpoint, Service } from '../service/service.ts'
import { ServedTexts } from '../serve/served-texts.ts'
import { Stores } from '../stores/stores.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import { UpstreamTlsSet } from '../tls/upstream-tls-set.ts'
import type { UpstreamTls } from '../tls/upstream-tls.ts'
import { TurnClock } from './turn-clock.ts'
import type { UpgradeTunnel } from '../exchange/upgrade-tunnel.ts'
import { UpstreamPool, type UpstreamPoolOptions } from '../upstream/upstream-pool.ts'

/** Reads of up to this size are taken at once; as much as the system hands over for one socket. */
const READ_BYTES = 65_536
const TICK_MS = 20
const ENDPOINTS_MS = 500
const WHEEL_SLOTS = 1_024

export interface DataPlaneOptions {
  readonly worker: number
  readonly memory: Int32Array
  readonly metrics: ArrayBufferLike
  readonly listenerMetrics: ArrayBufferLike
  wallNow(): number
  report(event: EventDraft): void
  warn(message: string): void
  /** Asks for newer keys of a URL; the answer comes to `keys`. */
  askKeys(url: string): void
}

/** Everything one thread needs to serve: its listeners, its connections both ways, and the runtime in force. */
export class DataPlane {
  readonly clock: TurnClock
  readonly random: Random
  readonly wheel: TimerWheel
  readonly metrics: Metrics
  readonly listenerMetrics: ListenerMetrics
  readonly calls: CallMetrics
  readonly identity: RequestIdentity
  /** Set by the first `apply`, before anything listens. */
  runtime!: Runtime
  /** True once the process is to end: answers close their connections. */
  draining = false
  /** What all connections of the thread read into: what a read leaves in it is good until the next one. */
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  /** Where the configuration wants the thread to be watched. */
  guard: OverloadGuard | null = null
  /** What ACME directories are to be answered; null when none is to ask. */
  challenges: Challenges | null = null
  /** Where keys of writes are kept for all threads of this process. */
  readonly keyFile: KeyFilePort = new KeyFilePort()
  /** Key sets that the main thread has fetched. */
  readonly keys: RemoteTexts
  /** Other gateways, which take the writes that they hold the lease for. */
  readonly peers: Peers = new Peers(this)
  /** What the main thread has made for routes that answer by themselves. */
  readonly served: ServedTexts = new ServedTexts()
  readonly #options: DataPlaneOptions
  readonly #clients: Set<ClientConnection> = new Set()
  readonly #pools: Map<string, UpstreamPool> = new Map()
  readonly #listeners: Listeners
  readonly #stores: Stores = new Stores()
  readonly #caches: ThreadCaches
  readonly #retired: Set<Runtime> = new Set()
  readonly #upstreamTls: UpstreamTlsSet = new UpstreamTlsSet()
  #endpointsSeenAt = 0
  readonly #ticker: NodeJS.Timeout
  #tickedAt = Infinity
  #closed = false
  readonly #tunnels: Set<UpgradeTunnel> = new Set()
  /** Loaded with the first listener that speaks it: it takes 7 MB beside TLS. */
  #http2: typeof Http2Connection | null = null
  #drained: (() => void) | null = null
  /** Requests whose clients have gone, and that are finished all the same. */
  #alone = 0

  constructor(clock: Clock, random: Random, options: DataPlaneOptions) {
    this.clock = new TurnClock(clock)
    this.random = random
    this.#options = options
    this.keys = new RemoteTexts((url) => options.askKeys(url))
    this.wheel = new TimerWheel(clock.now(), { tickMs: TICK_MS, slots: WHEEL_SLOTS })
    this.metrics = new Metrics(options.metrics)
    this.listenerMetrics = new ListenerMetrics(options.listenerMetrics)
    this.#caches = new ThreadCaches(options.worker)
    this.calls = new CallMetrics(options.metrics)
    this.identity = new RequestIdentity(random)
    this.#listeners = new Listeners({
      accept: (arrival) => this.#accept(arrival),
      onRefused: ({ name }) => {
        this.metrics.connectionRefused()
        this.listenerMetrics.add(name, 'refused')
      },
      onProxyRefused: ({ name }) => this.listenerMetrics.add(name, 'proxyRefused'),
      onHandshake: ({ name }, result) => this.listenerMetrics.add(name, result),
      wallNow: () => this.wallNow(),
      warn: (message) => this.warn(message),
    })
    this.#tick()
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
    const context: RuntimeContext = {
      random: this.random,
      stores: this.#stores,
      caches: this.#caches,
      keys: this.keys,
      keyFile: this.keyFile,
      served: this.served,
      memory: this.#options.memory,
      worker: this.#options.worker,
      now: () => this.clock.now(),
      wallNow: () => this.#options.wallNow(),
      report: (event) => this.#options.report(event),
      onSpans: (exported, dropped) => this.metrics.spans(exported, dropped),
      warn: (message) => this.#options.warn(message),
    }
    return Runtime.create(plan, context, this.runtime as Runtime | undefined)
  }

  /** Serves from `runtime` from now on: one assignment. Requests under way finish with the one they began with. */
  apply(runtime: Runtime): void {
    this.listenerMetrics.rows = runtime.plan.listenerRows
    this.peers.node = runtime.plan.snapshot.config.node.name
    this.#connectPools(runtime, runtime.plan.tls)
    const before = this.runtime as Runtime | undefined
    if (before !== undefined) runtime.inherit(before, this.clock.now())
    this.runtime = runtime
    this.#watch(before, runtime)
    if (before === undefined) return
    for (const client of this.#clients) client.onSnapshot?.(runtime)
    for (const tunnel of [...this.#tunnels]) tunnel.onReload(runtime, this.tunnelGraceMs)
    this.#retired.add(before)
    this.#closeRetired(before)
  }

  /** As `Listeners.listen`. Connections of listeners that are gone close when their requests are answered. */
  async listen(listeners: readonly ListenerConfig[], tls: TlsMaterial): Promise<Record<string, string>> {
    if (listeners.some(({ protocols }) => protocols.includes('h2')))
      this.#http2 ??= (await import('../client/http2-connection.ts')).Http2Connection
    const bound = await this.#listeners.listen(listeners, tls)
    for (const client of [...this.#clients]) if (!(client.listener.name in bound)) client.drain()
    return bound
  }

  /** Uses other certificates, both ways, from the next connection on. */
  renewTls(tls: TlsMaterial): void {
    this.#listeners.renew(tls)
    this.#connectPools(this.runtime, tls)
  }

  /** Accepts nothing new, lets requests under way finish, closes everything else. Resolves when nothing is open. */
  async drain(): Promise<void> {
    this.draining = true
    this.#listeners.close()
    for (const client of [...this.#clients]) client.drain()
    if (this.#isQuiet) return
    await new Promise<void>((done) => {
      this.#drained = done
    })
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.draining = true
    this.#closed = true
    this.#listeners.close()
    for (const client of [...this.#clients]) client.destroy()
    for (const pool of this.#pools.values()) pool.close()
    this.peers.close()
    clearInterval(this.#ticker)
    await (this.runtime as Runtime | undefined)?.close()
  }

  onClientClosed(client: ClientConnection): void {
    this.#clients.delete(client)
    this.#listeners.onClosed(client.listener)
    if (this.#isQuiet) this.#drained?.()
  }

  /** A request is finished without its client, or that has ended. */
  onAlone(change: 1 | -1): void {
    this.#alone += change
    if (this.#isQuiet) this.#drained?.()
  }

  get #isQuiet(): boolean {
    return this.#clients.size === 0 && this.#alone === 0
  }

  /** A connection taken for HTTP/1 began as HTTP/2 does. */
  onHttp2(client: ClientConnection, arrival: Arrival): void {
    this.#clients.delete(client)
    const connection = new this.#http2!(this, arrival)
    this.#clients.add(connection)
    connection.start(null)
  }

  onTunnel(tunnel: UpgradeTunnel, open: boolean): void {
    if (open) this.#tunnels.add(tunnel)
    else this.#tunnels.delete(tunnel)
    this.metrics.tunnel(open ? 1 : -1)
  }

  /** How long a tunnel lives on that has lost its listener, route or endpoint. */
  get tunnelGraceMs(): number {
    return this.runtime.plan.snapshot.config.drain
  }

  onExchangeEnd(runtime: Runtime): void {
    if (runtime !== this.runtime) this.#closeRetired(runtime)
  }

  /** What is configured anew begins anew. */
  #watch(before: Runtime | undefined, { plan }: Runtime): void {
    const { worker, memory, report } = this.#options
    const { overload } = plan.snapshot.config
    if (JSON.stringify(before?.plan.snapshot.config.overload) !== JSON.stringify(overload))
      this.guard = overload === undefined ? null : new OverloadGuard(overload, worker, this.metrics, report)
    if (before !== undefined || plan.workers === 1) return
    void doorbellsOf(memory, plan.layout).answer(worker, () => {
      this.#letIn(this.clock.now())
      return !this.#closed
    })
  }

  /** Looks at who waits at services, of requests under way with an old snapshot too. */
  #letIn(now: number): void {
    ;(this.runtime as Runtime | undefined)?.tick(now)
    for (const runtime of this.#retired) runtime.tick(now)
  }

  #closeRetired(runtime: Runtime): void {
    if (runtime.exchanges > 0 || !this.#retired.delete(runtime)) return
    runtime.close().catch((error: unknown) => this.warn(`a filter failed to close: ${String(error)}`))
  }

  #tick(): void {
    const now = this.clock.now()
    this.guard?.tick(Math.max(0, now - this.#tickedAt - TICK_MS), now)
    this.#tickedAt = now
    this.wheel.advance(now)
    this.#letIn(now)
    this.metrics.tick(now)
    let open = 0
    let idle = 0
    for (const pool of this.#pools.values()) {
      open += pool.open
      idle += pool.idle
    }
    if (now - this.#endpointsSeenAt >= ENDPOINTS_MS) this.#lookAtEndpoints(now)
    this.metrics.connections(this.#clients.size, open, idle)
    for (const [name, count] of this.#listeners.connections) this.listenerMetrics.set(name, 'open', count)
  }

  /** Says how many connections there are; closes those to drained endpoints, which somebody is about to stop. */
  #lookAtEndpoints(now: number): void {
    this.#endpointsSeenAt = now
    const runtime = this.runtime as Runtime | undefined
    if (runtime === undefined) return
    for (const { endpoints, set } of runtime.services.values()) {
      for (let index = 0; index < endpoints.length; index++) {
        const { pool, counters } = endpoints[index]!
        if (pool === null) continue
        if (set.isDraining(index)) pool.closeIdle()
        counters.set('open', pool.open)
        counters.set('idle', pool.idle)
      }
    }
  }

  #accept(arrival: Arrival): void {
    this.metrics.accepted()
    this.listenerMetrics.add(arrival.listener.name, 'accepted')
    const client = this.#clientOf(arrival)
    if (client === null) {
      this.#listeners.onClosed(arrival.listener)
      return void arrival.socket.destroy()
    }
    this.#clients.add(client)
    client.start(arrival.early)
  }

  /** Null for a client that named no protocol, and so speaks HTTP/1.1, where that is not wanted. */
  #clientOf(arrival: Arrival): ClientConnection | null {
    const { protocol, protocols } = arrival.listener
    if (protocol !== 'http' && protocol !== 'https') return new Tunnel(this, arrival)
    if (arrival.alpn === 'h2') return new this.#http2!(this, arrival)
    return protocols.includes('http/1.1') ? new Downstream(this, arrival) : null
  }

  #connectPools({ plan, services }: Runtime, material: TlsMaterial): void {
    const wanted = new Set<string>()
    for (const service of services.values()) {
      const pending = cellsOf(this.#options.memory, plan.layout, pendingCellName(service.name))
      for (const endpoint of service.endpoints) {
        const name = `${service.name} ${endpoint.address}`
        wanted.add(name)
        const tls = this.#upstreamTls.get(service.name, endpoint, service.config, material)
        const options = poolOptions(service, this.#options.worker, tls, (problem) =>
          this.#options.report(tlsFailed(service, endpoint, problem)),
        )
        let pool = this.#pools.get(name)
        if (pool === undefined) {
          pool = new UpstreamPool(this.clock, this.wheel, this.buffer, pending, endpoint.address, options)
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
    this.#upstreamTls.sweep()
  }
}

function poolOptions(
  { config }: Service,
  worker: number,
  tls: UpstreamTls | null,
  onTlsFailed: (problem: string) => void,
): UpstreamPoolOptions {
  return {
    worker,
    tls,
    onTlsFailed,
    connectionsMax: config.limits.connections,
    connectMs: config.timeouts.connect,
    idleMs: config.timeouts.idle,
    pendingMax: config.limits.pending,
  }
}

function tlsFailed(service: Service, { address, site }: Endpoint, problem: string): EventDraft {
  return {
    kind: 'endpoint.tls-failed',
    severity: 'warning',
    subject: address,
    service: service.name,
    site,
    message: `No TLS connection to endpoint ${address}: ${problem}.`,
    evidence: { problem, verify: service.config.tls?.verify ?? true },
  }
}
