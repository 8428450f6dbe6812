import type {
  AuditDraft,
  Automation,
  FailoverRun,
  OrderAnswer,
  Placement,
  SiteOrder,
  SitePosition,
  SiteStandby,
  SiteVerdict,
  UnitReport,
  Versioned,
  WriteLease,
} from '@budao/model'
import { leaseKey, runKey } from '@budao/model'
import type { Random } from '@budao/resilience'
import { leaderKey, type LeaderRecord } from '../failover/leadership.ts'
import { nextRuns } from '../failover/run-queue.ts'
import type { UnitEffect } from '../failover/unit-effect.ts'
import type { Moment, UnitEvent, UnitWish } from '../failover/unit-event.ts'
import { stepUnit } from '../failover/unit-machine.ts'
import { reportUnit } from '../failover/unit-report.ts'
import type { UnitRules } from '../failover/unit-rules.ts'
import { unknownUnit, type UnitState } from '../failover/unit-state.ts'
import { LeaderLoop } from './leader-loop.ts'
import { Returns } from './returns.ts'
import type { TimedStore } from './timed-store.ts'
import type { Verdicts } from './verdicts.ts'

const turnMs = 100
/** A store that did not answer is asked again after so long. */
const readAgainMs = 250

type Notice = Extract<UnitEffect, { kind: 'notify' }>
type Reply = Extract<UnitEffect, { kind: 'reply' }>

/** What a controller has to do with. */
export interface ControllerWorld {
  /** The node with this start of its process. */
  readonly self: string
  readonly node: string
  readonly store: TimedStore
  readonly verdicts: Verdicts
  readonly random: Random
  now(): number
  /** Milliseconds since 1970. */
  wall(): number
  /** How far the data of a unit is at every site that tells. */
  positions(unit: string): readonly SitePosition[]
  /** What agents say of processes that are started only when the service comes to their site. */
  standbys(service: string): readonly SiteStandby[]
  /** To every node of the site; the best of their answers. */
  order(order: SiteOrder, timeoutMs: number): Promise<OrderAnswer>
  /** To every node that can be reached; resolves once all have it, or when the time is over. */
  publish(placement: Placement, timeoutMs: number): Promise<void>
  notify(notice: Notice): void
  replied(reply: Reply): void
  /** Resolves true once it is on the disk. */
  audit(draft: AuditDraft): Promise<boolean>
  leads(term: number | null): void
  leader(record: LeaderRecord): void
  /** What stands under any other key of the store. */
  record(key: string, record: Versioned): void
  /** An automatic move was wanted and may not begin, because it could not be recorded. */
  unrecorded(unit: string): void
}

/** The loop around the rules of all units: it feeds them what arrives, and carries out what they want. */
export class Controller {
  readonly #world: ControllerWorld
  readonly #leadership: LeaderLoop
  readonly #units: Map<string, UnitState> = new Map()
  readonly #watch: { close(): void }
  readonly #timer: NodeJS.Timeout
  readonly #wakeAt: Map<string, number> = new Map()
  #wakeTimer: NodeJS.Timeout | undefined
  /** Units whose wish to move is being written down. */
  readonly #recording: Set<string> = new Set()
  readonly #returns = new Returns()
  #term: number | null = null
  #closed = false

  constructor(units: readonly UnitRules[], world: ControllerWorld) {
    this.#world = world
    this.#leadership = new LeaderLoop(world.self, world.store, () => world.now(), world.random, {
      led: (term, until) => this.#led(term, until),
      unled: () => this.#unled(),
      record: (record) => world.leader(record),
    })
    this.units(units)
    this.#watch = world.store.store.watch('', (key, record) => this.#seen(key, record))
    world.verdicts.subscribe((service) => this.#judged(service))
    this.#timer = setInterval(() => this.#turn(), turnMs)
    this.#timer.unref()
    this.#leadership.step({ kind: 'tick' })
  }

  /** Null while another one leads. */
  get term(): number | null {
    return this.#term
  }

  get leader(): LeaderRecord | null {
    return this.#leadership.record
  }

  /** Of this controller, in the order of the configuration. */
  reports(): readonly UnitReport[] {
    const moment = this.#moment()
    return [...this.#units.values()].map((state) => {
      const verdicts = this.#world.verdicts.of(state.rules.service)
      const returning = this.#returns.of(state.rules.unit, moment.now)
      const standbys = this.#world.standbys(state.rules.service)
      return reportUnit({ ...state, verdicts, standbys }, moment, returning)
    })
  }

  states(): readonly UnitState[] {
    return [...this.#units.values()]
  }

  /** These are the units from now on; what is known of those that stay is kept. */
  units(units: readonly UnitRules[]): void {
    const before = new Map(this.#units)
    this.#units.clear()
    for (const rules of units) {
      const { unit, service, automation } = rules
      const state = before.get(unit)
      const changed = state?.rules.automation !== automation
      this.#units.set(
        unit,
        state === undefined
          ? { ...unknownUnit(rules), verdicts: this.#world.verdicts.of(service) }
          : { ...state, rules, ...(changed ? { automation } : {}) },
      )
      if (state !== undefined) continue
      void this.#read(leaseKey(unit))
      void this.#read(runKey(unit))
    }
  }

  drained(sites: readonly string[]): void {
    for (const unit of this.#units.keys()) this.#feed(unit, { kind: 'drained', sites })
  }

  automation(unit: string, automation: Automation): void {
    this.#feed(unit, { kind: 'automation', automation })
  }

  wish(unit: string, wish: UnitWish): void {
    this.#feed(unit, { kind: 'wish', wish })
  }

  /** The kernel, or itself, says that another controller is gone. */
  gone(holder: string): void {
    this.#leadership.step({ kind: 'gone', holder })
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    clearTimeout(this.#wakeTimer)
    this.#watch.close()
    this.#leadership.close()
  }

  #turn(): void {
    this.#leadership.step({ kind: 'tick' })
    this.#world.verdicts.judge()
    if (this.#term !== null) {
      for (const [unit, { rules }] of this.#units) {
        this.#feed(unit, { kind: 'standbys', standbys: this.#world.standbys(rules.service) })
        this.#feed(unit, { kind: 'positions', positions: this.#world.positions(unit) })
      }
    }
    this.#return()
    this.#tick()
  }

  /** Where a site is ready that a unit prefers, and the policy says so, the unit goes home. */
  #return(): void {
    const now = this.#world.now()
    for (const [unit, state] of this.#units) {
      const { service } = state.rules
      const verdicts = this.#world.verdicts.of(service)
      this.#returns.step(state, { verdicts, positions: this.#world.positions(unit) }, now)
      const to = this.#term === null ? null : this.#returns.due(state, now)
      if (to === null) continue
      const reason = `${to} is ready again, and preferred`
      this.wish(unit, {
        id: `return/${unit}`,
        wish: 'move',
        run: 'failback',
        to,
        by: 'policy',
        reason,
        unattended: true,
      })
    }
  }

  #judged(service: string): void {
    if (this.#closed) return
    const verdicts: readonly SiteVerdict[] = this.#world.verdicts.of(service)
    for (const [unit, { rules }] of this.#units)
      if (rules.service === service) this.#feed(unit, { kind: 'verdicts', verdicts })
  }

  #led(term: number, until: number): void {
    if (this.#term !== term) {
      this.#term = term
      this.#world.leads(term)
    }
    for (const unit of this.#units.keys()) this.#feed(unit, { kind: 'led', term, until })
  }

  #unled(): void {
    this.#term = null
    this.#world.leads(null)
    for (const unit of this.#units.keys()) this.#feed(unit, { kind: 'unled' })
  }

  #seen(key: string, record: Versioned): void {
    if (this.#closed) return
    if (key === leaderKey) this.#leadership.step({ kind: 'seen', record: record as Versioned<LeaderRecord> })
    else if (!this.#known(key, record)) this.#world.record(key, record)
  }

  /** Whether it is about a unit of this configuration. */
  #known(key: string, record: Versioned | null): boolean {
    const [kind] = key.split('/', 1)
    const unit = key.slice(kind!.length + 1)
    if (kind !== 'lease' && kind !== 'run') return false
    if (kind === 'lease') this.#feed(unit, { kind: 'lease', record: record as Versioned<WriteLease> | null })
    else this.#feed(unit, { kind: 'run', record: record as Versioned<FailoverRun> | null })
    return true
  }

  async #read(key: string): Promise<void> {
    const record = await this.#world.store.get(key)
    if (this.#closed) return
    if (record !== undefined) this.#known(key, record)
    else setTimeout(() => void this.#read(key), readAgainMs).unref()
  }

  #feed(unit: string, event: UnitEvent): void {
    const before = this.#units.get(unit)
    if (before === undefined || this.#closed) return
    const { state, effects } = stepUnit(before, event, this.#moment())
    this.#units.set(unit, state)
    for (const effect of effects) this.#carryOut(unit, effect)
    if (state.wants !== null && event.kind !== 'go') this.#schedule()
  }

  /** Those whose turn it is may begin: a person’s wish at once, what the rules want once it is written down. */
  #schedule(): void {
    for (const unit of nextRuns([...this.#units.values()])) {
      const { wants } = this.#units.get(unit)!
      if (wants?.by === 'automatic') void this.#record(unit)
      else this.#feed(unit, { kind: 'go' })
    }
  }

  /** Nothing is done that nobody could explain later: with a full disk no move begins by itself. */
  async #record(unit: string): Promise<void> {
    const { wants, lease, term } = this.#units.get(unit)!
    if (wants === null || this.#recording.has(unit)) return
    this.#recording.add(unit)
    const { kind, to, reason, verdict } = wants
    const recorded = await this.#audit({
      action: 'verdict',
      subject: unit,
      term: term ?? 0,
      epoch: lease?.value.epoch ?? 0,
      detail: { kind, to, reason, verdict },
    })
    this.#recording.delete(unit)
    const state = this.#units.get(unit)!
    if (!recorded) this.#world.unrecorded(unit)
    else if (state.wants?.by === 'automatic' && state.wants.to === to) this.#feed(unit, { kind: 'go' })
  }

  #carryOut(unit: string, effect: UnitEffect): void {
    const world = this.#world
    switch (effect.kind) {
      case 'store': {
        const { ref, key, version, value } = effect
        void world.store.compareAndSet(key, version, value).then((result) =>
          this.#feed(unit, {
            kind: 'stored',
            ref,
            ok: result?.ok ?? null,
            current: result?.current ?? null,
          }),
        )
        break
      }
      case 'read':
        void this.#read(effect.key)
        break
      case 'order':
        void world
          .order(effect.order, effect.timeoutMs)
          .then((answer) => this.#feed(unit, { kind: 'answer', answer }))
        break
      case 'publish': {
        const { stepId, placement, timeoutMs } = effect
        void world.publish(placement, timeoutMs).then(() => this.#feed(unit, { kind: 'published', stepId }))
        break
      }
      case 'notify':
        world.notify(effect)
        break
      case 'audit':
        void this.#audit(effect.draft)
        break
      case 'reply':
        world.replied(effect)
        break
      case 'wake':
        this.#wake(unit, effect.at)
        break
    }
  }

  #audit(draft: Extract<UnitEffect, { kind: 'audit' }>['draft']): Promise<boolean> {
    const at = new Date(this.#world.wall()).toISOString()
    return this.#world.audit({ actor: this.#world.node, ...draft, at })
  }

  #wake(unit: string, at: number): void {
    if (at >= (this.#wakeAt.get(unit) ?? Infinity)) return
    this.#wakeAt.set(unit, at)
    this.#arm()
  }

  /** Units whose time has come. */
  #tick(): void {
    const now = this.#world.now()
    for (const [unit, at] of this.#wakeAt) {
      if (at > now) continue
      this.#wakeAt.delete(unit)
      this.#feed(unit, { kind: 'tick' })
    }
    this.#arm()
  }

  /** One timer for whoever is next, if the turn would come too late. */
  #arm(): void {
    clearTimeout(this.#wakeTimer)
    const inMs = Math.min(...this.#wakeAt.values()) - this.#world.now()
    if (inMs >= turnMs || this.#closed) return
    // A timer may be early by a rounding; the next one must not be at the same moment.
    this.#wakeTimer = setTimeout(() => this.#tick(), Math.max(1, inMs))
    this.#wakeTimer.unref()
  }

  #moment(): Moment {
    return { now: this.#world.now(), wall: this.#world.wall() }
  }
}
