import { availableParallelism } from 'node:os'
import {
  createSnapshot,
  type CachePurge,
  type Config,
  type EventDraft,
  type GatewayReport,
  type Snapshot,
} from '@budao/model'
import { SeededRandom, type Clock } from '@budao/resilience'
import { refused, type ApplyResult } from './apply-result.ts'
import { AcmeCertificates } from './acme/acme-certificates.ts'
import type { Challenges } from './acme/acme-challenges.ts'
import { Arena } from './threads/arena.ts'
import { Caches } from './cache/caches.ts'
import { purgeCaches } from './cache/purge-caches.ts'
import { EndpointDirectory } from './endpoints/endpoint-directory.ts'
import { endpointsChanged } from './endpoints/endpoints-changed.ts'
import { LeftEndpoints } from './endpoints/left-endpoints.ts'
import { CallMetrics } from './metrics/call-metrics.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { gatewayMetrics } from './metrics/gateway-metrics.ts'
import { GatewayReporter } from './metrics/gateway-report.ts'
import { forceBreaker, type BreakerForce } from './service/breaker-force.ts'
import { HealthChecker } from './service/health-checker.ts'
import { KeyFetcher } from './keys/key-fetcher.ts'
import { ListenerMetrics, ListenerMetricsReader } from './metrics/listener-metrics.ts'
import { Rollouts } from './routing/rollouts.ts'
import { Metrics, MetricsReader } from './metrics/metrics.ts'
import { ProcessClock } from './threads/process-clock.ts'
import { createServices, type RuntimePlan } from './threads/runtime.ts'
import { ROUTE_ROWS_MAX, RuntimePlans } from './threads/runtime-plans.ts'
import { ServeKeeper } from './serve/serve-keeper.ts'
import { ServiceWatch } from './service/service-watch.ts'
import type { Service } from './service/service.ts'
import { WatchedSites } from './service/watched-sites.ts'
import { CERTIFICATE_POLL_MS, CertificateStore } from './tls/certificate-store.ts'
import { Ownership } from './ownership/ownership.ts'
import { noTls, type TlsMaterial } from './tls/tls-material.ts'
import { WorkerWatch } from './threads/worker-watch.ts'
import { WorkerPool } from './threads/worker-pool.ts'

/** Shared memory for services, endpoints and rate limits: 8 Mi cells, 32 MiB of address space, used as needed. */
const ARENA_CELLS = 8 * 1_024 * 1_024
const SECOND_MS = 1_000

/**
 * One gateway: the threads that serve, and beside them the health checks, the counters and the state they share.
 * Starts with `start`, changes with `apply`, ends with `drain` and `close`.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #clock: Clock = new ProcessClock()
  readonly #random = new SeededRandom(crypto.getRandomValues(new Uint32Array(1))[0]!)
  readonly #arena = new Arena(ARENA_CELLS)
  readonly #caches = new Caches()
  readonly #metrics: readonly SharedArrayBuffer[]
  readonly #reader: MetricsReader
  readonly #pool: WorkerPool
  readonly #checker: HealthChecker
  readonly #reporter: GatewayReporter
  readonly #certificates: CertificateStore
  readonly #acme: AcmeCertificates
  readonly #keys: KeyFetcher
  readonly #listenerReader: ListenerMetricsReader
  readonly #workers: number
  readonly #plans: RuntimePlans
  readonly #watch: ServiceWatch
  readonly #left = new LeftEndpoints()
  /** The endpoints of now, and the API's way to change them. */
  readonly directory: EndpointDirectory
  /** Who may write where; given by whoever keeps leases. */
  readonly ownership: Ownership
  /** What of their users releases get; told by whoever rolls them out. */
  readonly rollouts: Rollouts = new Rollouts(() => this.#clock.now())
  /** What observers go by, and what they have it do. */
  readonly watched: WatchedSites = new WatchedSites()
  /** Whether the threads still turn. */
  readonly workers: WorkerWatch
  /** What the gateway makes for routes that answer by themselves. */
  readonly served: ServeKeeper
  #services: Map<string, Service> = new Map()
  /** As the file has it, numbered as what is in force. */
  #snapshot: Snapshot | null = null
  #inForce: RuntimePlan | null = null
  #tls: TlsMaterial = noTls
  #state: GatewayReport['state'] = 'starting'
  #applying: Promise<unknown> = Promise.resolve()
  #ticker: NodeJS.Timeout | undefined

  /** `workers` of the configuration is fixed for the life of the process. */
  constructor(config: Pick<Config, 'workers' | 'node'>, options: GatewayOptions) {
    this.#options = options
    this.#workers = config.workers === 'auto' ? availableParallelism() : config.workers
    this.#plans = new RuntimePlans({
      arena: this.#arena,
      caches: this.#caches,
      workers: this.#workers,
      baseDir: options.baseDir,
    })
    this.#metrics = Array.from(
      { length: this.#workers },
      () => new SharedArrayBuffer(Metrics.bytesFor(ROUTE_ROWS_MAX) + CallMetrics.bytes),
    )
    this.#reader = new MetricsReader(this.#metrics)
    const listenerMetrics = this.#metrics.map(() => new SharedArrayBuffer(ListenerMetrics.bytesFor()))
    this.#listenerReader = new ListenerMetricsReader(listenerMetrics)
    this.#certificates = new CertificateStore({
      baseDir: options.baseDir,
      ticketSecret: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex'),
      pollMs: options.certificatePollMs ?? CERTIFICATE_POLL_MS,
      acmeFolder: options.acmeFolder,
      wallNow: () => Date.now(),
      report: (event) => options.report(event),
      onChange: (tls) => this.#renewTls(tls),
    })
    this.#checker = new HealthChecker(this.#clock, this.#random, (event) => options.report(event))
    this.#pool = new WorkerPool({
      count: this.#workers,
      memory: this.#arena.memory.buffer as SharedArrayBuffer,
      metrics: this.#metrics,
      listenerMetrics,
      keyFile: options.keyFile,
      now: () => this.#clock.now(),
      report: (event) => this.#report(event),
      warn: (message) => options.warn(message),
      onCrash: (worker) => this.#onCrash(worker),
      onKeysWanted: (url) => void this.#keys.wanted(url),
    })
    this.#keys = new KeyFetcher({
      now: () => this.#clock.now(),
      outside: options,
      tell: (keys) => this.#pool.tellKeys(keys),
    })
    this.served = new ServeKeeper({
      outside: options,
      random: this.#random,
      now: () => this.#clock.now(),
      tell: (texts) => this.#pool.tellServed(texts),
    })
    const [random, certificates] = [this.#random, this.#certificates]
    const tell = (challenges: Challenges): Promise<void> => this.#pool.tellChallenges(challenges)
    this.#acme = new AcmeCertificates({ outside: options, random, certificates, tell })
    this.ownership = new Ownership({ outside: options, clock: this.#clock, threads: this.#pool })
    this.workers = new WorkerWatch(this.#pool, this.#reader, this.#clock, options.stuckMs)
    this.#watch = new ServiceWatch((event) => options.report(event))
    this.directory = new EndpointDirectory({
      clock: this.#clock,
      random: this.#random,
      file: options.directoryFile,
      config: () => this.#snapshot!.config,
      services: () => this.#services,
      snapshot: () => this.#snapshot?.version ?? 0,
      refresh: () => this.#alone(() => this.#refresh()),
      report: (event) => options.report(event),
      warn: (message) => options.warn(message),
    })
    this.#reporter = new GatewayReporter(this.#clock, this.#reader, options.version, config, this.rollouts)
  }

  /** Brings the first snapshot into force. Rejects when it cannot be served: a port in use, a key file missing. */
  async start(snapshot: Snapshot): Promise<void> {
    await Promise.all([this.directory.open(), this.ownership.open()])
    const result = await this.apply(snapshot)
    if (!result.ok) throw new Error(result.problem)
    this.#state = 'serving'
    this.#reporter.sample(this.#services, this.#plans.routeRows)
    this.#ticker = setInterval(() => this.#tick(), SECOND_MS)
    this.#options.report({
      kind: 'gateway.started',
      severity: 'info',
      subject: snapshot.config.node.name,
      site: snapshot.config.node.site,
      message: `Gateway ${snapshot.config.node.name} serves with ${this.#workers} worker${this.#workers === 1 ? '' : 's'}.`,
      evidence: { workers: this.#workers, snapshot: snapshot.version },
    })
  }

  /** Brings a snapshot into force everywhere, or leaves everything as it is and says why. */
  apply(snapshot: Snapshot): Promise<ApplyResult> {
    return this.#alone(() => this.#apply(snapshot))
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot
  }

  /** Where the listeners are bound, by name. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#pool.addresses
  }

  get serving(): boolean {
    return this.#state === 'serving'
  }

  report(): GatewayReport {
    return this.#reporter.report({
      snapshot: this.#snapshot!,
      state: this.#state,
      services: this.#services,
      routeRows: this.#plans.routeRows,
      workers: this.#pool.states(),
      addresses: this.#pool.addresses,
      certificates: this.#certificates.report(),
      lastError: (service, address) => this.#checker.lastError(service, address),
      leaseMs: (service, address) => this.directory.leaseMs(service, address),
      metadata: (service, address) => this.directory.registration(service, address)?.metadata,
      ownership: (service) => this.ownership.report(service),
      names: this.directory.names(),
      drains: this.directory.drains(),
    })
  }

  /** Prometheus text format 0.0.4. */
  metrics(): string {
    return gatewayMetrics({
      report: this.report(),
      reader: this.#reader,
      plans: this.#plans,
      listeners: this.#listenerReader,
      inForce: this.#inForce,
      memory: this.#arena.memory,
      keys: this.#keys.report(),
      directory: this.directory,
      services: this.#services,
      caches: this.#caches.counts(),
      calls: this.#plans.callRows.read(this.#metrics),
      served: this.served.report(),
      keyed: this.#pool.keyCounts(),
    })
  }

  /** Holds a breaker open or closed until `auto`. `endpoint` null is the breaker of the service. False when there is no such breaker. */
  forceBreaker(service: string, endpoint: string | null, to: BreakerForce, reason: string): boolean {
    return forceBreaker(this.#services.get(service), endpoint, to, reason, this.#clock.now())
  }

  /** As `purgeCaches`. */
  async purgeCache(purge: CachePurge): Promise<number> {
    return purgeCaches(purge, this.#snapshot!.config, this.#caches, this.#pool, this.#options.report)
  }

  /** Lets requests under way finish within `timeoutMs`; true when all did. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#state = 'draining'
    this.#options.report({
      kind: 'gateway.draining',
      severity: 'info',
      subject: this.#snapshot?.config.node.name ?? '',
      message: 'The gateway accepts nothing new and lets requests under way finish.',
      evidence: { timeoutMs },
    })
    return this.#pool.drain(timeoutMs)
  }

  async close(): Promise<void> {
    clearInterval(this.#ticker)
    this.#checker.close()
    this.#acme.close()
    this.#certificates.close()
    this.#keys.close()
    this.served.close()
    await this.directory.close()
    await this.#pool.close()
  }

  /** One change of what is in force after the other. */
  #alone<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#applying.then(change)
    this.#applying = changed.catch(() => {})
    return changed
  }

  async #apply(snapshot: Snapshot): Promise<ApplyResult> {
    // Endpoints that came or went meanwhile have taken numbers too.
    const version = Math.max(snapshot.version, (this.#snapshot?.version ?? 0) + 1)
    const { config } = snapshot
    await Promise.all([this.directory.prepare(config), this.#keys.prepare(config)])
    const result = await this.#bringConfig({ ...snapshot, version })
    this.directory.commit(this.#snapshot?.config ?? config)
    this.#keys.retain(this.#snapshot?.config ?? config)
    this.served.retain(this.#snapshot?.config ?? config)
    if (!result.ok) return result
    this.#options.report({
      kind: 'snapshot.applied',
      severity: 'info',
      subject: `snapshot ${version}`,
      message: `Snapshot ${version} of ${snapshot.source} is in force.`,
      evidence: { version, routes: config.routes.length, services: this.#services.size },
    })
    return result
  }

  async #bringConfig(snapshot: Snapshot): Promise<ApplyResult> {
    let certificates: ReturnType<CertificateStore['read']>
    try {
      certificates = this.#certificates.read(snapshot.config)
      await this.served.prepare(snapshot.config)
    } catch (error) {
      return refused(error)
    }
    const result = await this.#bring(snapshot, snapshot.version, certificates.material)
    if (!result.ok) return result
    certificates.watch()
    this.#acme.watch(snapshot.config.listeners)
    return result
  }

  /** The same configuration with the endpoints of now. */
  async #refresh(): Promise<ApplyResult> {
    const { config, source, version } = this.#snapshot!
    const before = this.#inForce!
    const changes = endpointsChanged(before.snapshot.config, this.directory.desired(config))
    if (changes.length === 0) return { ok: true }
    const snapshot = createSnapshot(config, source, version, Date.now())
    const result = await this.#bring(snapshot, before.configVersion, this.#tls)
    if (!result.ok) {
      this.#options.warn(`the changed endpoints could not be brought into force: ${result.problem}`)
      return result
    }
    for (const change of changes) this.#options.report(change(snapshot.version))
    this.#options.onSnapshot?.(snapshot)
    return result
  }

  async #bring(snapshot: Snapshot, configVersion: number, tls: TlsMaterial): Promise<ApplyResult> {
    let services: Map<string, Service>
    let plan: RuntimePlan
    try {
      plan = this.#plans.make(
        { ...snapshot, config: this.directory.desired(snapshot.config) },
        configVersion,
        tls,
        this.#clock.now(),
        this.#left.busyOffsets(),
      )
      services = this.#observe(plan)
      this.directory.markDrained(services.values())
      await this.#pool.apply(plan)
    } catch (error) {
      // The old snapshot goes on, with its memory where it was.
      this.#arena.revert()
      return refused(error)
    }
    this.#left.note(this.#inForce?.layout ?? {}, this.#services, services)
    this.#snapshot = snapshot
    this.#inForce = plan
    this.#caches.commit()
    this.#services = services
    this.ownership.use(services)
    this.watched.use(services)
    this.rollouts.use(plan, services, this.#arena.memory)
    this.#tls = tls
    this.#checker.watch(this.#services.values(), tls)
    return { ok: true }
  }

  /** The services as this thread sees them. */
  #observe(plan: RuntimePlan): Map<string, Service> {
    return createServices(plan, {
      random: this.#random,
      memory: this.#arena.memory,
      worker: -1,
      now: () => this.#clock.now(),
      wallNow: () => Date.now(),
      report: (event) => this.#options.report(event),
      warn: (message) => this.#options.warn(message),
    })
  }

  #renewTls(tls: TlsMaterial): void {
    this.#tls = tls
    this.#checker.watch(this.#services.values(), tls)
    this.#pool
      .renewTls(tls)
      .catch((error: unknown) => this.#options.warn(`renewed certificates: ${String(error)}`))
  }

  #onCrash(worker: number): void {
    this.#reader.forgetGauges(worker)
    this.#listenerReader.forgetGauges(worker)
    for (const service of this.#services.values()) service.forget(worker)
    this.#left.forget(worker)
    this.#caches.forget(worker)
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#reporter.sample(this.#services, this.#plans.routeRows)
    this.workers.look(now)
    this.#watch.look(this.#services.values(), now)
    this.directory.tick()
  }

  #report(event: EventDraft): void {
    if (event.kind === 'endpoint.ejected') this.#watch.onEjected(event.service ?? '', event.subject)
    this.#options.report(event)
  }
}
