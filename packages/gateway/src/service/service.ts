import {
  carryingEndpoints,
  isWatched,
  priorityNames,
  type EndpointConfig,
  type EventDraft,
  type RetryConfig,
  type ServiceConfig,
} from '@budao/model'
import {
  Bulkhead,
  CircuitBreaker,
  type EndpointSet,
  LatencyQuantile,
  RetryBudget,
  failure,
  hash32,
  ignored,
  rejected,
  success,
  type BreakerOutcome,
  type BreakerTransition,
  type Cells,
  type Random,
} from '@budao/resilience'
import { Admission, type Entrant } from './admission.ts'
import type { CallTerms } from '../exchange/call-terms.ts'
import type { HashedBy } from '../upstream/endpoint-choice.ts'
import type { ErrorCode } from '../errors.ts'
import { ServiceOwnership, type Place } from '../ownership/service-ownership.ts'
import { IssuedCookie } from '../exchange/issued-cookie.ts'
import { cookieValue, queryValue } from '../exchange/request-values.ts'
import { Endpoint } from './endpoint.ts'
import { HedgeCounts } from '../upstream/hedge-counts.ts'
import { cellNames, needsAdmission, pendingCellName, type ServiceCellNames } from './service-memory.ts'
import { endpointSet, type ServiceSet } from './service-set.ts'
import { releaseCounters, type SiteCounters } from './release-counters.ts'
import { breakerOptions, budgetOptions } from './service-options.ts'
import { SiteEvidence } from './site-evidence.ts'
import { ShedCounts } from './shed-counts.ts'
import { TrafficCounters } from './traffic-counters.ts'

export type { Endpoint }

/** What a service needs of the thread it runs in. `endpointPool` is null in the thread that only observes. */
export interface ServiceContext {
  readonly random: Random
  readonly worker: number
  readonly workers: number
  readonly localSite: string
  readonly sites: readonly { readonly name: string; readonly weight: number }[]
  /** Whether any route gives its requests a class. */
  readonly prioritized: boolean
  cells(name: string): Cells
  floats(name: string): Float64Array
  /** Releases that carry that service, as `carryingReleases` has them; undefined where no route splits its traffic. */
  carrying(service: string): ReadonlySet<string> | undefined
  /** Whether somebody keeps leases: without, writes need none whatever `failover` says. */
  readonly controlled: boolean
  /** A site’s row, for the life of the process. */
  siteRow(site: string): number
  report(event: EventDraft): void
  /** Wakes another thread for who waits there. */
  ring(worker: number): void
}

/** A named set of endpoints with the rules that guard it. State lies in shared memory: the threads are one service. */
export class Service {
  readonly name: string
  readonly config: ServiceConfig
  readonly retry: RetryConfig
  readonly endpoints: readonly Endpoint[]
  readonly set: ServiceSet
  /** By release; null where no route splits. */
  readonly releases: ReadonlyMap<string, SiteCounters> | null
  /** Who writes where; null without `failover` or `control`: then nobody asks. */
  readonly ownership: ServiceOwnership | null
  /** What its requests say of its sites; null where nobody watches. */
  readonly evidence: SiteEvidence | null
  readonly breaker: CircuitBreaker | null
  readonly budget: RetryBudget
  readonly bulkhead: Bulkhead
  /** The permit of the endpoint that was chosen last. */
  admitted = 0
  /** Who was turned away. */
  readonly shed: ShedCounts
  /** Where there is more to being let in than a fixed limit. */
  readonly admission: Admission | null
  /** Whether somebody wants to know how long answers take. */
  readonly watchesLatency: boolean
  /** Attempts beside others. */
  readonly hedges: HedgeCounts
  readonly #lateness: LatencyQuantile | null
  readonly counters: TrafficCounters
  /** Given to clients that have none, to be hashed; null where none is. */
  readonly cookie: IssuedCookie | null
  /** Requests let in, one cell a thread: what of the bulkhead is whose. */
  readonly #inside: Cells
  readonly #context: ServiceContext
  readonly #hashes: boolean

  constructor(name: string, config: ServiceConfig, context: ServiceContext) {
    this.name = name
    this.config = config
    this.retry = config.retry
    this.#context = context
    const { hashOn, cookieTtl } = config
    this.cookie =
      'cookie' in hashOn && cookieTtl !== undefined ? new IssuedCookie(hashOn.cookie, cookieTtl) : null
    this.#hashes = config.balance === 'ring-hash' || config.balance === 'maglev'
    const names = cellNames(name)
    this.counters = new TrafficCounters(context.floats(names.counters), context.worker)
    const breaker = breakerOptions(config)
    this.breaker =
      breaker === null
        ? null
        : new CircuitBreaker(context.cells(names.breaker), breaker, (move) => this.#onBreaker(move, null))
    this.budget = new RetryBudget(context.cells(names.budget), budgetOptions(config))
    this.bulkhead = new Bulkhead(context.cells(names.bulkhead), { max: config.limits.concurrency })
    this.#inside = context.cells(names.inside)
    this.hedges = new HedgeCounts(context.cells(names.hedges))
    this.shed = new ShedCounts(context.cells(names.shed))
    this.admission = this.#admission(context, names)
    const after = config.retry.hedge?.after
    this.#lateness =
      typeof after === 'string'
        ? new LatencyQuantile(context.cells(names.lateness), { share: Number(after.slice(1)) / 100 })
        : null
    this.watchesLatency = (this.admission?.adaptive ?? this.#lateness) !== null
    const carrying = context.carrying(name)
    this.releases = carrying
      ? releaseCounters(config, context.worker, (...of) => context.floats(names.release(...of)))
      : null
    const doors: (CircuitBreaker | null)[] = []
    const isClosed = (index: number, now: number): boolean => (doors[index]?.retryAfterMs(now) ?? 0) > 0
    this.set = endpointSet(name, config, context, isClosed, null)
    const makeSet = (place: Place): ServiceSet => endpointSet(name, config, context, isClosed, place)
    this.ownership =
      config.failover === undefined || !context.controlled
        ? null
        : new ServiceOwnership(name, config, context, makeSet)
    this.evidence = context.controlled && isWatched(config) ? new SiteEvidence(name, context) : null
    const carriers = new Set(carryingEndpoints(config.endpoints, carrying))
    this.endpoints = config.endpoints.map((endpoint, index) => {
      const cells = breaker === null ? null : context.cells(names.endpointBreaker(endpoint.address))
      const own =
        cells === null ? null : new CircuitBreaker(cells, breaker!, (move) => this.#onBreaker(move, endpoint))
      doors.push(own)
      const floats = context.floats(names.endpointCounters(endpoint.address))
      const counters = new TrafficCounters(floats, context.worker)
      const evidence = carriers.has(endpoint) ? this.evidence : null
      const tally = this.releases?.get(endpoint.release)?.get(endpoint.site) ?? null
      return new Endpoint(endpoint, own, this.set.load(index), counters, evidence, tally)
    })
  }

  /** Lets one request in: its permit for `leave`, or why not; `waiting`: `entrant` will be told. */
  enter(entrant: Entrant, { priority, attemptedBy }: CallTerms, now: number): number | ErrorCode | 'waiting' {
    // What a gateway in front of this one repeats is a retry for the endpoints, whoever made it.
    if (attemptedBy !== 'gateway') this.budget.deposit()
    else if (!this.budget.withdraw(now)) return this.shed.count(priority, 'retry_budget_spent')
    if (this.admission !== null) return this.admission.enter(entrant, priority, now)
    return this.bulkhead.enter() ? this.#admit(now) : this.shed.count(priority, 'overloaded')
  }

  leave(permit: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    this.settle(permit, outcome, durationMs, now)
    this.exit(now)
  }

  /** The result of what was let in is known; `exit` follows, perhaps much later. */
  settle(permit: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    this.counters.count(outcome, durationMs)
    this.breaker?.record(permit, outcome, durationMs, now)
  }

  /** What was let in has gone. */
  exit(now: number): void {
    this.bulkhead.leave()
    this.#inside.add(this.#context.worker, -1)
    this.admission?.onLeft(now)
  }

  /** Takes over what was let in under the snapshot before. False beyond the limit: it stays, uncounted. */
  carryOver(): boolean {
    if (!this.bulkhead.enter()) return false
    this.#inside.add(this.#context.worker, 1)
    return true
  }

  /** Takes the time to the head of an answer, or that in which none came. Only where `watchesLatency`. */
  observe(latencyMs: number, now: number): void {
    this.admission?.adaptive?.observe(latencyMs, this.bulkhead.inFlight, now)
    this.#lateness?.observe(latencyMs, now)
  }

  /** Most requests in flight at this moment. */
  get limit(): number {
    return this.admission?.limit ?? this.config.limits.concurrency
  }

  /** Who waits to be let in, in all threads. */
  get waiting(): number {
    return this.admission?.waiting ?? 0
  }

  /** Requests turned away since the start, by class. */
  shedCounts(): readonly number[] {
    return priorityNames.map((_, rank) => this.shed.sum(rank))
  }

  /** How full it is, as evidence of an event. */
  loadFacts(): Readonly<Record<string, number>> {
    const { limit, waiting } = this
    const facts = { inFlight: this.bulkhead.inFlight, limit, waiting }
    const adaptive = this.admission?.adaptive ?? null
    if (adaptive === null) return facts
    return { ...facts, latencyMs: adaptive.latencyMs, baseLatencyMs: adaptive.baseMs }
  }

  /** Whether somebody waits to be let in. */
  get isCrowded(): boolean {
    return this.waiting > 0
  }

  /** When an attempt that began at `now` is late enough for another one beside it; Infinity for never. */
  hedgeAt(now: number): number {
    const { hedge } = this.retry
    if (hedge === undefined) return Infinity
    return now + (typeof hedge.after === 'number' ? hedge.after : this.#lateness!.valueMs)
  }

  /** Where connections go whose bytes have no method: as reads of the first unit do, the owner’s site first. */
  setOfTunnels(now: number): ServiceSet {
    const { ownership, set } = this
    return ownership === null ? set : ownership.readers(ownership.units[0]!, set, now)
  }

  /** The endpoint of `set` for the next attempt, as an index; -1 when there is none. `tried` are those to avoid. */
  pick(set: EndpointSet, request: HashedBy, now: number, tried: readonly number[]): number {
    return set.pick(this.#hashes ? this.#hash(request) : 0, now, tried)
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
    const endpoint = this.endpoints[index]!
    endpoint.counters.count(outcome === ignored ? ignored : ok === false ? failure : success, durationMs)
    endpoint.breaker?.record(permit, outcome, durationMs, now)
    if (outcome === ignored || ok === null) return
    if (!ok) endpoint.load.countFailure(now)
    if (this.set.record(index, ok, now) === 'ejected') this.#onEjected(index, now)
  }

  /** Takes back what a thread that died had under way. */
  forget(worker: number): void {
    this.set.forget(worker)
    for (const { counters } of this.endpoints) counters.forgetGauges(worker)
    for (let lost = this.#inside.load(worker); lost > 0; lost--) this.bulkhead.leave()
    this.#inside.store(worker, 0)
    this.#context.cells(pendingCellName(this.name)).store(worker, 0)
    this.admission?.forget(worker)
    this.ownership?.forget(worker)
  }

  /** Asks the breaker, behind the bulkhead. */
  #admit(now: number): number | ErrorCode {
    const permit = this.breaker === null ? 0 : this.breaker.admit(now)
    if (permit === rejected) {
      this.bulkhead.leave()
      this.counters.add('breakerRejected')
      return 'breaker_open'
    }
    this.#inside.add(this.#context.worker, 1)
    return permit
  }

  #admission(context: ServiceContext, names: ServiceCellNames): Admission | null {
    const { limits } = this.config
    if (!needsAdmission(this.config, context.prioritized)) return null
    return new Admission(this.bulkhead, limits, {
      cells: context.cells(names.admission),
      shed: this.shed,
      adaptiveCells: limits.adaptive === undefined ? null : context.cells(names.adaptive),
      random: context.random,
      worker: context.worker,
      workers: context.workers,
      prioritized: context.prioritized,
      admit: (now) => this.#admit(now),
      isShut: (now) => (this.breaker?.retryAfterMs(now) ?? 0) > 0,
      ring: (worker) => context.ring(worker),
    })
  }

  #hash(request: HashedBy): number {
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
    if (to === 'open') this.#countersOf(endpoint).add('breakerOpened')
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

  #countersOf(endpoint: EndpointConfig | null): TrafficCounters {
    return this.endpoints.find(({ config }) => config === endpoint)?.counters ?? this.counters
  }

  #onEjected(index: number, now: number): void {
    const { address, site, counters } = this.endpoints[index]!
    counters.add('ejections')
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
