import { nothing, type Balancer } from './balance/balancer.ts'
import { createBalancer, usesHash } from './balance/balancers.ts'
import type { Cells } from './cells.ts'
import type { Random } from './clock.ts'
import { EndpointFacts } from './endpoint-facts.ts'
import type { SharedEndpointLoad } from './endpoint-load.ts'
import { fits, isFit, type EndpointMember, type Fit } from './endpoint-member.ts'
import type { EndpointSetOptions, EndpointSpec, EndpointState } from './endpoint-set-options.ts'
import type { HealthVerdict } from './health-state.ts'
import { choosePriority, priorityLoad, type PriorityLoad } from './priority.ts'
import { PriorityTally } from './priority-tally.ts'
import { placeEndpoints } from './site-priority.ts'
import { slowStartFactor } from './slow-start.ts'

/**
 * The endpoints of one service, as one thread sees them: which of them may get a request, and which one does.
 *
 * Verdicts, ejections, drains and counts lie in the cells, so that all threads agree; what is derived from them
 * (loads of the priorities, weights) is each thread's own and made anew only after somebody changed a fact and
 * bumped the version, or when an ejection has ended or a slow start goes one step on.
 *
 * An endpoint is usable when its weight is not 0, it is not draining, not unhealthy by active checks and not
 * ejected. Priorities share the load as in `priorityLoad`; one in panic sends to all but draining endpoints.
 * Ejection never takes the last usable endpoint, and ejections that leave none for another reason, such as the
 * rest failing their checks, do not count until one is back.
 *
 * `now` is monotonic milliseconds of one clock for all threads.
 */
export class EndpointSet {
  /** Cells that a set of this size needs; with `memory` for each endpoint, one of size 0. All threads that share them pass the same numbers. */
  static cellsFor(endpoints: number, workers = 1): number {
    return firstEndpoint + endpoints * EndpointFacts.cellsFor(workers)
  }

  readonly endpoints: readonly EndpointSpec[]
  readonly #cells: Cells
  readonly #random: Random
  readonly #options: EndpointSetOptions
  readonly #members: readonly EndpointMember[]
  readonly #balancers: readonly Balancer[]
  readonly #weights: Float64Array
  readonly #tally: PriorityTally
  readonly #skip: number[] = []
  /** One object for all picks. */
  readonly #pick: { hash: number; now: number; avoid: readonly number[] } = {
    hash: 0,
    now: 0,
    avoid: nothing,
  }
  #spread: PriorityLoad
  /** Per priority: in panic, and with load to send. */
  #panic: boolean[] = []
  #usable = 0
  #version = 0
  #validUntil = -Infinity

  constructor(cells: Cells, random: Random, endpoints: readonly EndpointSpec[], options: EndpointSetOptions) {
    this.endpoints = endpoints
    this.#cells = cells
    this.#random = random
    this.#options = options

    const placed = placeEndpoints(endpoints, options.mode, options.sites, options.localSite)
    const stride = EndpointFacts.cellsFor(options.workers)
    this.#members = endpoints.map(({ site }, i) => ({
      ...placed[i]!,
      site,
      facts:
        options.memory === undefined
          ? new EndpointFacts(cells, options, firstEndpoint + i * stride)
          : new EndpointFacts(options.memory(i), options),
      usable: false,
      kept: 1,
      share: 0,
      usableSince: -Infinity,
      ejectedUntil: 0,
    }))

    // Every balancer sees all endpoints, those of other priorities with weight 0: indexes are the same everywhere.
    const priorities = Math.max(0, ...placed.map(({ priority }) => priority + 1))
    this.#balancers = Array.from({ length: priorities }, (_, priority) =>
      createBalancer(
        options.balance,
        this.#members.map((member, i) => ({
          id: endpoints[i]!.id,
          weight: member.priority === priority ? member.weight : 0,
          load: member.facts.load,
        })),
        random,
      ),
    )
    this.#weights = new Float64Array(endpoints.length)
    this.#tally = new PriorityTally(priorities)
    this.#spread = priorityLoad(this.#tally, options)
  }

  /**
   * The endpoint for one request, as an index into `endpoints`. `hash` is an unsigned 32-bit integer that only
   * ring-hash and maglev look at; `avoid` holds the endpoints this request has already tried.
   *
   * While there is anything to avoid, the order of preference is: a usable endpoint of another site than those
   * tried (not with `active-standby`, where another site is the worse place); another usable endpoint of the same
   * priority, then of the others; in panic, any endpoint not yet tried; one that was tried. Never an endpoint
   * that is not usable unless its priority is in panic. Draining endpoints and those behind a closed door are out
   * in any case: -1 when nothing else is left, or when panic is turned off and none is usable.
   *
   * Allocates nothing while nothing has changed.
   */
  pick(hash: number, now: number, avoid: readonly number[]): number {
    this.#refresh(now)
    const priority = this.#choosePriority(hash)
    if (priority < 0) return -1
    this.#pick.hash = hash
    this.#pick.now = now
    if (avoid.length === 0) {
      this.#pick.avoid = nothing
      const picked = this.#balancers[priority]!.pick(this.#pick)
      if (picked >= 0 && !this.#isClosed(picked, now)) return picked
    }
    return this.#search(priority, avoid)
  }

  /** Load cells of one endpoint: `enter` and `leave` around each request, `observe` its latency. */
  load(index: number): SharedEndpointLoad {
    return this.#members[index]!.facts.load
  }

  /**
   * Takes the result of one request for passive ejection. `ejected` is answered to exactly one caller per
   * ejection, whichever thread it is in, and never for the last usable endpoint.
   */
  record(index: number, ok: boolean, now: number): 'ejected' | 'none' {
    const { outlier } = this.#members[index]!.facts
    if (ok) return outlier.record(true, now)
    if (outlier.record(false, now, this.#hasUsableBeside(index, now)) === 'none') return 'none'

    // Two threads may have ejected the last two endpoints at once. Each looks again after its own ejection, so at
    // least one of them sees the other's and takes its own back.
    const stays = this.#hasUsableBeside(index, now)
    if (!stays) outlier.clear()
    this.bump()
    return stays ? 'ejected' : 'none'
  }

  /** Stores the verdict of active checks. An endpoint that comes back from `unhealthy` is no longer ejected either. */
  setHealth(index: number, verdict: HealthVerdict): void {
    const { health, outlier } = this.#members[index]!.facts
    if (verdict === 'healthy' && health.verdict === 'unhealthy') outlier.clear()
    health.store(verdict)
    this.bump()
  }

  health(index: number): HealthVerdict {
    return this.#members[index]!.facts.health.verdict
  }

  /** A draining endpoint gets no further requests, not even in panic. Refusing the last one is up to the caller. */
  setDraining(index: number, draining: boolean): void {
    this.#members[index]!.facts.draining = draining
    this.bump()
  }

  isDraining(index: number): boolean {
    return this.#members[index]!.facts.draining
  }

  /** What it keeps of its weight, 1 to 100. All, with `active-standby` and where no other usable endpoint keeps all. */
  setKept(index: number, percent: number): void {
    const { facts } = this.#members[index]!
    if (facts.keptPercent === percent) return
    facts.keptPercent = percent
    this.bump()
  }

  /** Ends an ejection before its time and forgets the failures. */
  readmit(index: number): void {
    this.#members[index]!.facts.outlier.clear()
    this.bump()
  }

  /** Takes back the requests that a crashed thread had under way. */
  forget(worker: number): void {
    for (const { facts } of this.#members) facts.load.forget(worker)
  }

  /** Makes every thread look at the cells again; needed only by who changes them without this class. */
  bump(): void {
    this.#cells.add(versionCell, 1)
  }

  /** How many endpoints are usable. */
  usable(now: number): number {
    this.#refresh(now)
    return this.#usable
  }

  /** Whether requests go to endpoints regardless of health, in any priority that has load. */
  panic(now: number): boolean {
    this.#refresh(now)
    return this.#panic.includes(true)
  }

  /** Shares by priority, for reports. */
  spread(now: number): PriorityLoad {
    this.#refresh(now)
    return this.#spread
  }

  priority(index: number): number {
    return this.#members[index]!.priority
  }

  /** For reports. An ejected endpoint that is used because nothing else is left counts as usable. */
  state(index: number, now: number): EndpointState {
    this.#refresh(now)
    const member = this.#members[index]!
    if (!member.facts.health.usable) return 'unhealthy'
    return member.ejectedUntil > now && !member.usable ? 'ejected' : 'usable'
  }

  /** Milliseconds until the ejection ends, 0 when there is none or it does not count. */
  ejectedForMs(index: number, now: number): number {
    this.#refresh(now)
    const { usable, ejectedUntil } = this.#members[index]!
    return usable ? 0 : Math.max(0, ejectedUntil - now)
  }

  /**
   * Goes on where the set that this one replaces stands in this thread: who is back since when, and how fast each
   * answered. What is shared lies in the endpoints' own memory. An endpoint that the other set did not have is a
   * newcomer: beside others that serve it starts slowly.
   */
  follow(previous: EndpointSet, now: number): void {
    // Nobody served before: all are equally new.
    if (previous.usable(now) === 0) return
    const known = new Map(previous.endpoints.map(({ id }, index) => [id, previous.#members[index]!]))
    for (const [index, { id }] of this.endpoints.entries()) {
      const member = this.#members[index]!
      const before = known.get(id)
      if (before === undefined) continue
      member.usable = before.usable
      member.usableSince = before.usableSince
      member.ejectedUntil = before.ejectedUntil
      member.facts.load.follow(before.facts.load)
    }
    // No longer the first look: whoever is usable now and was not before has just come.
    this.#validUntil = 0
  }

  #choosePriority(hash: number): number {
    const { load } = this.#spread
    if (load[0] === 100) return 0
    const roll = usesHash(this.#options.balance) ? (hash >>> 0) % 100 : Math.floor(this.#random.next() * 100)
    // The degraded part of a priority is of the same endpoints.
    const chosen = choosePriority(this.#spread, roll)
    return chosen < load.length ? chosen : chosen - load.length
  }

  #search(priority: number, avoid: readonly number[]): number {
    if (avoid.length > 0) {
      const otherSite =
        this.#options.mode === 'active-standby' ? -1 : this.#among('other-site', priority, avoid)
      if (otherSite >= 0) return otherSite
      const usable = this.#among('usable', priority, avoid)
      if (usable >= 0) return usable
      const untried = this.#among('untried', priority, avoid)
      if (untried >= 0) return untried
    }
    return this.#among('any', priority, avoid)
  }

  /** Picks among the endpoints that fit, in the given priority first and then in the others by rank. */
  #among(fit: Fit, priority: number, avoid: readonly number[]): number {
    this.#skip.length = 0
    this.#pick.avoid = this.#skip
    if (fit !== 'any') {
      for (let i = 0; i < this.#members.length; i++)
        if (!fits(fit, this.#members, i, avoid)) this.#skip.push(i)
    }
    const picked = this.#inPriority(priority)
    if (picked >= 0) return picked
    for (let other = 0; other < this.#balancers.length; other++) {
      if (other === priority) continue
      const spare = this.#inPriority(other)
      if (spare >= 0) return spare
    }
    return -1
  }

  #inPriority(priority: number): number {
    // Asked first, for a balancer falls back to what it should avoid, and round robin would lose a turn by it.
    // Each further turn adds an endpoint to `skip`, so this ends.
    while (this.#hasCandidate(priority)) {
      const picked = this.#balancers[priority]!.pick(this.#pick)
      if (picked < 0) return -1
      if (!this.#isClosed(picked, this.#pick.now)) return picked
      this.#skip.push(picked)
    }
    return -1
  }

  #hasCandidate(priority: number): boolean {
    for (let i = 0; i < this.#members.length; i++) {
      const member = this.#members[i]!
      if (member.priority === priority && member.share > 0 && !this.#skip.includes(i)) return true
    }
    return false
  }

  #isClosed(index: number, now: number): boolean {
    return this.#options.isClosed !== undefined && this.#options.isClosed(index, now)
  }

  #hasUsableBeside(index: number, now: number): boolean {
    for (let i = 0; i < this.#members.length; i++) {
      if (i === index) continue
      const member = this.#members[i]!
      if (isFit(member) && !member.facts.outlier.isEjected(now)) return true
    }
    return false
  }

  #refresh(now: number): void {
    // Read before the facts: what changes while we read bumps once more, and is read again next time.
    const version = this.#cells.load(versionCell)
    if (version === this.#version && now < this.#validUntil) return
    this.#version = version
    this.#rebuild(now)
  }

  #rebuild(now: number): void {
    const first = this.#validUntil === -Infinity
    this.#validUntil = Infinity
    this.#readUsable(now, first)

    // With a standby nobody is asked beside the site whose turn it is, however slow that is.
    this.#tally.count(this.#members, this.#options.mode !== 'active-standby')
    this.#spread = priorityLoad(this.#tally, this.#options)
    const { load, panic } = this.#spread
    this.#panic = panic.map((panics, priority) => panics && load[priority]! > 0)

    for (let priority = 0; priority < this.#balancers.length; priority++) {
      for (let i = 0; i < this.#members.length; i++) {
        const member = this.#members[i]!
        if (member.priority === priority) member.share = this.#shareOf(member, now)
        this.#weights[i] = member.priority === priority ? member.share : 0
      }
      this.#balancers[priority]!.reweigh(this.#weights)
    }
  }

  #readUsable(now: number, first: boolean): void {
    let usable = 0
    let onlyEjected = 0
    for (const member of this.#members) {
      const was = member.usable
      const ended = member.ejectedUntil > 0 && member.ejectedUntil <= now ? member.ejectedUntil : now
      member.ejectedUntil = member.facts.outlier.ejectedUntil(now)
      if (member.ejectedUntil > 0) this.#validUntil = Math.min(this.#validUntil, member.ejectedUntil)
      const fit = isFit(member)
      member.usable = fit && member.ejectedUntil === 0
      if (member.usable) usable++
      else if (fit) onlyEjected++
      // At the start all are equally new: there is nobody else to take the load meanwhile.
      if (member.usable && !was && !first) member.usableSince = ended
    }
    this.#usable = usable
    if (usable > 0 || onlyEjected === 0) return

    for (const member of this.#members) {
      member.usable = isFit(member)
      if (member.usable) this.#usable++
    }
  }

  #shareOf(member: EndpointMember, now: number): number {
    if (this.#panic[member.priority]) return member.facts.draining ? 0 : member.weight
    if (!member.usable) return 0
    const weight = member.weight * member.kept
    const { slowStart } = this.#options
    if (slowStart === undefined || now - member.usableSince >= slowStart.windowMs) return weight
    this.#validUntil = Math.min(this.#validUntil, now + slowStart.windowMs / slowStartSteps)
    return weight * slowStartFactor(now - member.usableSince, slowStart)
  }
}

/** How finely a growing weight is followed. */
const slowStartSteps = 20

const versionCell = 0
const firstEndpoint = 1
