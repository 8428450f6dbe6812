import { availableParallelism } from 'node:os'
import type { Config, EventDraft, GatewayReport, Snapshot } from '@budao/model'
import { SeededRandom, type Clock } from '@budao/resilience'
import { Arena, cellsOf } from './arena.ts'
import { GatewayReporter } from './gateway-report.ts'
import { HealthChecker } from './health-checker.ts'
import { LISTENER_ROWS_MAX, ListenerMetrics, ListenerMetricsReader } from './listener-metrics.ts'
import { Metrics, MetricsReader } from './metrics.ts'
import { ProcessClock } from './process-clock.ts'
import { prometheusText } from './prometheus.ts'
import { createServices, runtimeCells, storeName, type RuntimePlan } from './runtime.ts'
import type { Service } from './service.ts'
import { readStoreCounts, type StoreCounts } from './store-status.ts'
import { CERTIFICATE_POLL_MS, CertificateStore } from './tls/certificate-store.ts'
import type { TlsMaterial } from './tls/tls-material.ts'
import { WorkerPool } from './worker-pool.ts'

/** Shared memory for services, endpoints and rate limits: 8 Mi cells, 32 MiB of address space, used as needed. */
const ARENA_CELLS = 8 * 1_024 * 1_024
/** Routes that may ever be named in the life of one process: their counters keep their place. */
const ROUTE_ROWS_MAX = 4_096
const SECOND_MS = 1_000
const STUCK_MS = 10_000

/** What the outside gives a gateway. */
export interface GatewayOptions {
  readonly version: string
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  /** A thread that has not reacted for so long, in milliseconds, is stuck, for example in a filter's endless loop, and replaced. Default 10 000. */
  readonly stuckMs?: number
  /** How often the files of certificates are looked at, milliseconds. Default 5000. */
  readonly certificatePollMs?: number
  report(event: EventDraft): void
  warn(message: string): void
}

/** Whether a snapshot is in force, or why everything stays as it was. */
export type ApplyResult = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** Where an operator may put a breaker; `auto` gives it back to its own rules. */
export type BreakerForce = 'open' | 'closed' | 'auto'

/**
 * One gateway: the threads that serve, and beside them the health checks, the counters and the state they share.
 * Starts with `start`, changes with `apply`, ends with `drain` and `close`.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #clock: Clock = new ProcessClock()
  readonly #random = new SeededRandom(crypto.getRandomValues(new Uint32Array(1))[0]!)
  readonly #arena = new Arena(ARENA_CELLS)
  readonly #metrics: readonly SharedArrayBuffer[]
  readonly #reader: MetricsReader
  readonly #pool: WorkerPool
  readonly #checker: HealthChecker
  readonly #reporter: GatewayReporter
  readonly #certificates: CertificateStore
  readonly #listenerReader: ListenerMetricsReader
  readonly #listenerRows: Record<string, number> = {}
  readonly #workers: number
  readonly #routeRows: Record<string, number> = {}
  #services: Map<string, Service> = new Map()
  #snapshot: Snapshot | null = null
  #inForce: RuntimePlan | null = null
  #state: GatewayReport['state'] = 'starting'
  #applying: Promise<unknown> = Promise.resolve()
  #ticker: NodeJS.Timeout | undefined
  readonly #panicking: Set<string> = new Set()
  /** Endpoints whose ejection was reported and not yet its end, by service and address. */
  readonly #ejected: Set<string> = new Set()

  /** `workers` of the configuration is fixed for the life of the process. */
  constructor(config: Pick<Config, 'workers' | 'node'>, options: GatewayOptions) {
    this.#options = options
    this.#workers = config.workers === 'auto' ? availableParallelism() : config.workers
    this.#metrics = Array.from(
      { length: this.#workers },
      () => new SharedArrayBuffer(Metrics.bytesFor(ROUTE_ROWS_MAX)),
    )
    this.#reader = new MetricsReader(this.#metrics)
    const listenerMetrics = this.#metrics.map(() => new SharedArrayBuffer(ListenerMetrics.bytesFor()))
    this.#listenerReader = new ListenerMetricsReader(listenerMetrics)
    this.#certificates = new CertificateStore({
      baseDir: options.baseDir,
      ticketSecret: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex'),
      pollMs: options.certificatePollMs ?? CERTIFICATE_POLL_MS,
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
      now: () => this.#clock.now(),
      report: (event) => this.#report(event),
      warn: (message) => options.warn(message),
      onCrash: (worker) => this.#onCrash(worker),
    })
    this.#reporter = new GatewayReporter(this.#clock, this.#reader, options.version, config.node)
  }

  /** Brings the first snapshot into force. Rejects when it cannot be served: a port in use, a key file missing. */
  async start(snapshot: Snapshot): Promise<void> {
    const result = await this.apply(snapshot)
    if (!result.ok) throw new Error(result.problem)
    this.#state = 'serving'
    this.#reporter.sample(this.#services, this.#routeRows)
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
    const applied = this.#applying.then(() => this.#apply(snapshot))
    this.#applying = applied.catch(() => {})
    return applied
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
      routeRows: this.#routeRows,
      workers: this.#pool.states(),
      addresses: this.#pool.addresses,
      certificates: this.#certificates.report(),
      lastError: (service, address) => this.#checker.lastError(service, address),
    })
  }

  /** Prometheus text format 0.0.4. */
  metrics(): string {
    return prometheusText(
      this.report(),
      this.#reader,
      this.#routeRows,
      (name, field) => this.#listenerReader.get(this.#listenerRows[name]!, field),
      this.#storeCounts(),
    )
  }

  /** Holds a breaker open or closed until `auto`. `endpoint` null is the breaker of the service. False when there is no such breaker. */
  forceBreaker(service: string, endpoint: string | null, to: BreakerForce, reason: string): boolean {
    const found = this.#services.get(service)
    const breaker =
      endpoint === null
        ? found?.breaker
        : found?.endpoints.find(({ address }) => address === endpoint)?.breaker
    if (breaker === undefined || breaker === null) return false
    breaker.force(to, reason, this.#clock.now())
    return true
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
    this.#certificates.close()
    await this.#pool.close()
  }

  async #apply(snapshot: Snapshot): Promise<ApplyResult> {
    let services: Map<string, Service>
    let plan: RuntimePlan
    let certificates: ReturnType<CertificateStore['read']>
    try {
      certificates = this.#certificates.read(snapshot.config)
      plan = this.#plan(snapshot, certificates.material)
      services = this.#observe(plan)
      await this.#pool.apply(plan)
    } catch (error) {
      // The old snapshot goes on, with its memory where it was.
      this.#arena.revert()
      return { ok: false, problem: error instanceof Error ? error.message : String(error) }
    }
    this.#snapshot = snapshot
    this.#inForce = plan
    this.#services = services
    certificates.watch()
    this.#checker.watch(this.#services.values(), certificates.material)
    this.#options.report({
      kind: 'snapshot.applied',
      severity: 'info',
      subject: `snapshot ${snapshot.version}`,
      message: `Snapshot ${snapshot.version} of ${snapshot.source} is in force.`,
      evidence: {
        version: snapshot.version,
        routes: snapshot.config.routes.length,
        services: this.#services.size,
      },
    })
    return { ok: true }
  }

  /** The services as this thread sees them; endpoints that stay keep their verdicts even where the memory is new. */
  #observe(plan: RuntimePlan): Map<string, Service> {
    const services = createServices(plan, {
      random: this.#random,
      memory: this.#arena.memory,
      worker: -1,
      now: () => this.#clock.now(),
      wallNow: () => Date.now(),
      report: (event) => this.#options.report(event),
      warn: (message) => this.#options.warn(message),
    })
    for (const [name, service] of services) {
      const before = this.#services.get(name)
      // With the same endpoints the memory is the same, and others write to it.
      if (before !== undefined && !sameAddresses(before, service)) service.set.inherit(before.set)
    }
    return services
  }

  #renewTls(tls: TlsMaterial): void {
    this.#checker.watch(this.#services.values(), tls)
    this.#pool
      .renewTls(tls)
      .catch((error: unknown) => this.#options.warn(`renewed certificates: ${String(error)}`))
  }

  #plan(snapshot: Snapshot, tls: TlsMaterial): RuntimePlan {
    const layout = this.#arena.arrange(runtimeCells(snapshot, this.#workers), this.#clock.now())
    for (const { name } of snapshot.config.routes) {
      if (name in this.#routeRows) continue
      const row = Object.keys(this.#routeRows).length
      if (row >= ROUTE_ROWS_MAX)
        throw new RangeError(`more than ${ROUTE_ROWS_MAX} route names since the start: restart the gateway`)
      this.#routeRows[name] = row
    }
    for (const { name } of snapshot.config.listeners) {
      if (name in this.#listenerRows) continue
      const row = Object.keys(this.#listenerRows).length
      if (row >= LISTENER_ROWS_MAX)
        throw new RangeError(
          `more than ${LISTENER_ROWS_MAX} listener names since the start: restart the gateway`,
        )
      this.#listenerRows[name] = row
    }
    return {
      snapshot,
      layout,
      listenerRows: { ...this.#listenerRows },
      tls,
      routeRows: { ...this.#routeRows },
      workers: this.#workers,
      baseDir: this.#options.baseDir,
    }
  }

  #storeCounts(): Record<string, StoreCounts> {
    const plan = this.#inForce
    if (plan === null) return {}
    return Object.fromEntries(
      Object.keys(plan.snapshot.config.stores).map((name) => [
        name,
        readStoreCounts(cellsOf(this.#arena.memory, plan.layout, storeName(name))),
      ]),
    )
  }

  #onCrash(worker: number): void {
    this.#reader.forgetGauges(worker)
    for (const service of this.#services.values()) service.forget(worker)
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#reporter.sample(this.#services, this.#routeRows)
    const { stuckMs = STUCK_MS } = this.#options
    for (const { id, state } of this.#pool.states()) {
      const seenAt = this.#reader.tickAt(id)
      if (state !== 'serving' || seenAt === 0 || now - seenAt <= stuckMs) continue
      void this.#pool.replace(id, `it has not reacted for ${Math.round(now - seenAt)} ms`)
    }
    for (const service of this.#services.values()) {
      service.breaker?.observe(now)
      this.#watchEjections(service, now)
      this.#watchPanic(service, now)
    }
  }

  #report(event: EventDraft): void {
    if (event.kind === 'endpoint.ejected') this.#ejected.add(`${event.service} ${event.subject}`)
    this.#options.report(event)
  }

  /** An ejection begins with a request, which reports it, and ends by time: somebody has to look. */
  #watchEjections({ name, set, endpoints }: Service, now: number): void {
    for (const [index, { address, site }] of endpoints.entries()) {
      if (set.ejectedForMs(index, now) > 0 || !this.#ejected.delete(`${name} ${address}`)) continue
      this.#options.report({
        kind: 'endpoint.returned',
        severity: 'info',
        subject: address,
        service: name,
        site,
        message: `The ejection of endpoint ${address} has ended: it gets requests again, on probation.`,
        evidence: { usable: set.usable(now), endpoints: endpoints.length },
      })
    }
  }

  #watchPanic(service: Service, now: number): void {
    const panic = service.set.panic(now)
    if (panic === this.#panicking.has(service.name)) return
    if (panic) this.#panicking.add(service.name)
    else this.#panicking.delete(service.name)
    this.#options.report({
      kind: panic ? 'service.panic' : 'service.panic-ended',
      severity: panic ? 'critical' : 'info',
      subject: service.name,
      service: service.name,
      message: panic
        ? `So few endpoints of ${service.name} are usable that their health is ignored.`
        : `Enough endpoints of ${service.name} are usable again: their health counts.`,
      evidence: { usable: service.set.usable(now), endpoints: service.endpoints.length },
    })
  }
}

function sameAddresses(a: Service, b: Service): boolean {
  return (
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every(({ address }, i) => address === b.endpoints[i]!.address)
  )
}
