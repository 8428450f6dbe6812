import {
  srvName,
  type EndpointConfig,
  type EventDraft,
  type RetryConfig,
  type ServiceConfig,
} from '@budao/model'
import {
  Bulkhead,
  CircuitBreaker,
  EndpointFacts,
  EndpointSet,
  RetryBudget,
  hash32,
  ignored,
  rejected,
  type BreakerOptions,
  type BreakerOutcome,
  type BreakerTransition,
  type Cells,
  type Random,
  type SharedEndpointLoad,
} from '@budao/resilience'
import type { ErrorCode } from './errors.ts'
import type { RequestView } from './filters/filter.ts'
import { cookieValue, queryValue } from './request-values.ts'
import { splitAddress } from './socket-address.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** What a service needs of the thread it runs in. `endpointPool` is null in the thread that only observes. */
export interface ServiceContext {
  readonly random: Random
  readonly worker: number
  readonly workers: number
  readonly localSite: string
  readonly sites: readonly { readonly name: string; readonly weight: number }[]
  cells(name: string): Cells
  report(event: EventDraft): void
}

/** One backend address as this thread knows it. */
export class Endpoint {
  readonly address: string
  readonly site: string
  readonly config: EndpointConfig
  readonly breaker: CircuitBreaker | null
  readonly load: SharedEndpointLoad
  /** The host that its certificate is for: the name that was resolved, or that of the address. */
  get serverHost(): string {
    const { origin } = this.config
    const named = origin?.kind === 'resolved' && srvName(origin.name) === undefined
    return splitAddress(named ? origin.name : this.address)[0]
  }

  /** Set in threads that forward. */
  pool: UpstreamPool | null = null

  constructor(config: EndpointConfig, breaker: CircuitBreaker | null, load: SharedEndpointLoad) {
    this.address = config.address
    this.site = config.site
    this.config = config
    this.breaker = breaker
    this.load = load
  }
}

/** A named set of endpoints with the rules that guard it. State lies in shared memory: the threads are one service. */
export class Service {
  readonly name: string
  readonly config: ServiceConfig
  readonly retry: RetryConfig
  readonly endpoints: readonly Endpoint[]
  readonly set: EndpointSet
  readonly breaker: CircuitBreaker | null
  readonly budget: RetryBudget
  readonly bulkhead: Bulkhead
  /** Requests let in, one cell a thread: what of the bulkhead is whose. */
  readonly #inside: Cells
  readonly #context: ServiceContext
  readonly #hashes: boolean

  constructor(name: string, config: ServiceConfig, context: ServiceContext) {
    this.name = name
    this.config = config
    this.retry = config.retry
    this.#context = context
    this.#hashes = config.balance === 'ring-hash' || config.balance === 'maglev'
    const names = cellNames(name)
    const breaker = breakerOptions(config)
    this.breaker =
      breaker === null
        ? null
        : new CircuitBreaker(context.cells(names.breaker), breaker, (move) => this.#onBreaker(move, null))
    this.budget = new RetryBudget(context.cells(names.budget), budgetOptions(config))
    this.bulkhead = new Bulkhead(context.cells(names.bulkhead), { max: config.limits.concurrency })
    this.#inside = context.cells(names.inside)
    const doors: (CircuitBreaker | null)[] = []
    this.set = new EndpointSet(
      context.cells(names.set),
      context.random,
      config.endpoints.map(({ address, site, weight, rank }) => ({ id: address, site, weight, rank })),
      {
        balance: config.balance,
        mode: config.mode,
        sites: context.sites,
        localSite: context.localSite,
        worker: context.worker,
        workers: context.workers,
        overprovisioningFactorPct: config.priority.overprovisioningPercent,
        panicThresholdPct: config.priority.panicPercent,
        outlier: outlierOptions(config),
        slowStart: slowStartOptions(config),
        memory: (index) => context.cells(names.endpointFacts(config.endpoints[index]!.address)),
        isClosed: (index, now) => (doors[index]?.retryAfterMs(now) ?? 0) > 0,
      },
    )
    this.endpoints = config.endpoints.map((endpoint, index) => {
      const cells = breaker === null ? null : context.cells(names.endpointBreaker(endpoint.address))
      const own =
        cells === null ? null : new CircuitBreaker(cells, breaker!, (move) => this.#onBreaker(move, endpoint))
      doors.push(own)
      return new Endpoint(endpoint, own, this.set.load(index))
    })
  }

  /** Lets one request in: its permit for `leave`, or why not. */
  enter(now: number): number | ErrorCode {
    this.budget.deposit()
    if (!this.bulkhead.enter()) return 'overloaded'
    const permit = this.breaker === null ? 0 : this.breaker.admit(now)
    if (permit === rejected) {
      this.bulkhead.leave()
      return 'breaker_open'
    }
    this.#inside.add(this.#context.worker, 1)
    return permit
  }

  leave(permit: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    this.bulkhead.leave()
    this.#inside.add(this.#context.worker, -1)
    this.breaker?.record(permit, outcome, durationMs, now)
  }

  /** The endpoint for the next attempt, as an index; -1 when there is none. `tried` are those to avoid. */
  pick(request: RequestView, now: number, tried: readonly number[]): number {
    return this.set.pick(this.#hashes ? this.#hash(request) : 0, now, tried)
  }

  /** Takes the result of one attempt. `ok` is about the endpoint's health, `outcome` about its answers. */
  record(
    index: number,
    permit: number,
    ok: boolean | null,
    outcome: BreakerOutcome,
    durationMs: number,
    now: number,
  ): void {
    this.endpoints[index]!.breaker?.record(permit, outcome, durationMs, now)
    if (outcome === ignored || ok === null) return
    if (!ok) this.endpoints[index]!.load.countFailure(now)
    if (this.set.record(index, ok, now) === 'ejected') this.#onEjected(index, now)
  }

  /** Takes back what a thread that died had under way. */
  forget(worker: number): void {
    this.set.forget(worker)
    for (let lost = this.#inside.load(worker); lost > 0; lost--) this.bulkhead.leave()
    this.#inside.store(worker, 0)
    this.#context.cells(pendingCellName(this.name)).store(worker, 0)
  }

  #hash(request: RequestView): number {
    const on = this.config.hashOn
    const value =
      'header' in on
        ? request.header(on.header.toLowerCase())
        : 'cookie' in on
          ? cookieValue(request.header('cookie'), on.cookie)
          : 'query' in on
            ? queryValue(request.query, on.query)
            : undefined
    return hash32(value ?? request.clientIp)
  }

  #onBreaker({ to, from, reason, note, evidence }: BreakerTransition, endpoint: EndpointConfig | null): void {
    const kind =
      to === 'open'
        ? 'breaker.opened'
        : to === 'half-open'
          ? 'breaker.half-open'
          : to === 'closed'
            ? 'breaker.closed'
            : 'breaker.forced'
    const subject = endpoint === null ? this.name : endpoint.address
    this.#context.report({
      kind,
      severity: to === 'open' ? 'critical' : to === 'closed' ? 'info' : 'warning',
      subject,
      service: this.name,
      ...(endpoint === null ? {} : { site: endpoint.site }),
      message: `The circuit breaker of ${endpoint === null ? `service ${this.name}` : `endpoint ${endpoint.address}`} went from ${from} to ${to}: ${reason}.`,
      evidence: { ...evidence, ...(note === '' ? {} : { note }), worker: this.#context.worker },
    })
  }

  #onEjected(index: number, now: number): void {
    const { address, site } = this.endpoints[index]!
    const { maxFails, failTimeout } =
      this.config.outlier === false ? { maxFails: 0, failTimeout: 0 } : this.config.outlier
    this.#context.report({
      kind: 'endpoint.ejected',
      severity: 'warning',
      subject: address,
      service: this.name,
      site,
      message: `Endpoint ${address} was ejected for ${failTimeout} ms after ${maxFails} failures in a row.`,
      evidence: {
        maxFails,
        failTimeoutMs: failTimeout,
        usableLeft: this.set.usable(now),
        worker: this.#context.worker,
      },
    })
  }
}

/** Names of a service's pieces of shared memory and how many cells each takes. */
export function serviceCells(name: string, config: ServiceConfig, workers: number): Map<string, number> {
  const names = cellNames(name)
  const breaker = breakerOptions(config)
  const cells = new Map<string, number>([
    [names.set, EndpointSet.cellsFor(0, workers)],
    [names.budget, RetryBudget.cellsFor()],
    [names.bulkhead, Bulkhead.cellsFor()],
    [names.inside, workers],
    [names.pending, workers],
  ])
  for (const { address } of config.endpoints)
    cells.set(names.endpointFacts(address), EndpointFacts.cellsFor(workers))
  if (breaker === null) return cells
  cells.set(names.breaker, CircuitBreaker.cellsFor(breaker))
  for (const { address } of config.endpoints)
    cells.set(names.endpointBreaker(address), CircuitBreaker.cellsFor(breaker))
  return cells
}

export function pendingCellName(service: string): string {
  return `service/${service}/pending`
}

function cellNames(name: string) {
  const base = `service/${name}`
  return {
    set: `${base}/set`,
    breaker: `${base}/breaker`,
    budget: `${base}/budget`,
    bulkhead: `${base}/bulkhead`,
    inside: `${base}/inside`,
    pending: pendingCellName(name),
    // By endpoint: one that comes or goes leaves the others' state where it is.
    endpointFacts: (address: string) => `${endpointMemory(name, address)}facts`,
    endpointBreaker: (address: string) => `${endpointMemory(name, address)}breaker`,
  }
}

/** What the names of an endpoint's pieces of shared memory begin with. */
export function endpointMemory(service: string, address: string): string {
  return `service/${service}/endpoint/${address}/`
}

function breakerOptions({ breaker, timeouts }: ServiceConfig): BreakerOptions | null {
  if (breaker === false) return null
  return {
    windowMs: breaker.window,
    buckets: breaker.buckets,
    requestVolumeThreshold: breaker.requestVolumeThreshold,
    errorThresholdPercentage: breaker.errorThresholdPercentage,
    sleepWindowMs: breaker.sleepWindow,
    trialLeaseMs: Math.max(breaker.trialLease, timeouts.request),
    ...(breaker.slowCall === undefined
      ? {}
      : { slowCallMs: breaker.slowCall, slowCallPercentage: breaker.slowCallPercentage }),
  }
}

function outlierOptions({ outlier }: ServiceConfig): { maxFails: number; failTimeoutMs?: number } {
  return outlier === false
    ? { maxFails: 0 }
    : { maxFails: outlier.maxFails, failTimeoutMs: outlier.failTimeout }
}

function slowStartOptions({ slowStart }: ServiceConfig) {
  if (slowStart === undefined) return undefined
  return {
    windowMs: slowStart.window,
    minWeightPercent: slowStart.minWeightPercent,
    aggression: slowStart.aggression,
  }
}

function budgetOptions({ retry }: ServiceConfig): { percent: number; minPerSecond: number } {
  return { percent: retry.budgetPercent, minPerSecond: retry.budgetMin }
}
