import type {
  FailoverRun,
  OrderAnswer,
  SiteOpinion,
  SiteStandby,
  SiteVerdict,
  Versioned,
  WriteLease,
} from '@budao/model'
import { leaseKey, runKey } from '@budao/model'
import {
  judgeSite,
  leaderKey,
  leaderTerms,
  meaningOf,
  newLeadership,
  nextRuns,
  stepLeadership,
  stepUnit,
  unknownUnit,
} from './decisions.ts'
import type {
  HeardOpinion,
  LeaderRecord,
  LeadershipEvent,
  LeadershipState,
  UnitEffect,
  UnitEvent,
  UnitRules,
  UnitState,
} from './decisions.ts'
import type { SeededDraws } from '../../packages/testkit/src/random.ts'
import type { Checker } from './checker.ts'
import type { Network } from './network.ts'
import { domains, sites } from './schedule.ts'
import { unit, type Mutation } from './keeper-world.ts'
import type { SimAgent } from './sim-agent.ts'
import type { SimKeeper } from './sim-keeper.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimStore } from './sim-store.ts'

const storeTimeoutMs = 600
const turnMs = 100
const standbyStaleMs = 3000

export interface ControllerWorld {
  readonly network: Network
  readonly store: SimStore
  readonly checker: Checker
  readonly keepers: readonly SimKeeper[]
  /** Of the site that is cold. */
  readonly agents: readonly SimAgent[]
  readonly rules: UnitRules
  readonly draws: SeededDraws
  readonly mutation: Mutation
  /** Milliseconds since 1970, as this world has it. */
  wall(): number
}

/** The loop around the rules: it feeds them what arrives, and carries out what they want. */
export class SimController {
  readonly process: SimProcess
  /** Told what it makes of every word. */
  onVerdicts: (verdicts: readonly SiteVerdict[]) => void = () => undefined
  readonly #world: ControllerWorld
  #leadership: LeadershipState
  #unit: UnitState
  #heard = new Map<string, HeardOpinion>()
  #verdicts: readonly SiteVerdict[] = []
  #standby: { readonly standby: SiteStandby; readonly at: number } | null = null
  #wakeAt = Infinity

  constructor(process: SimProcess, world: ControllerWorld) {
    this.process = process
    this.#world = world
    this.#leadership = newLeadership('', 0)
    this.#unit = unknownUnit(world.rules)
  }

  get unit(): UnitState {
    return this.#unit
  }

  /** The process begins, with nothing in memory. */
  start(): void {
    const { process } = this
    this.#leadership = newLeadership(this.name, process.now())
    this.#unit = unknownUnit(this.#world.rules)
    this.#heard = new Map()
    this.#verdicts = []
    this.#standby = null
    this.#wakeAt = Infinity
    this.#world.store.watch(process, (key, record) => this.#seen(key, record))
    this.#read(leaseKey(unit))
    this.#read(runKey(unit))
    this.#turn()
  }

  hear(opinions: readonly SiteOpinion[]): void {
    const at = this.process.now()
    for (const opinion of opinions) this.#heard.set(`${opinion.observer} ${opinion.site}`, { opinion, at })
    this.#judge()
  }

  /** From an agent; forgotten when it says nothing more. */
  hearStandby(standby: SiteStandby): void {
    this.#standby = { standby, at: this.process.now() }
  }

  get name(): string {
    return `${this.process.name}#${this.process.starts}`
  }

  /** The kernel says that another controller is gone. */
  gone(holder: string): void {
    this.#lead({ kind: 'gone', holder })
  }

  feed(event: UnitEvent): void {
    const moment = { now: this.process.now(), wall: this.#world.wall() }
    const { state, effects } = stepUnit(this.#unit, event, moment)
    this.#unit = state
    for (const effect of effects) this.#carryOut(effect)
    if (state.wants !== null && event.kind !== 'go' && nextRuns([state]).length > 0) this.feed({ kind: 'go' })
  }

  #turn(): void {
    this.process.after(turnMs, () => this.#turn())
    const { process } = this
    this.#lead({ kind: 'tick' })
    this.#judge()
    if (this.#unit.term !== null) {
      const fresh = this.#standby !== null && process.now() - this.#standby.at < standbyStaleMs
      this.feed({ kind: 'standbys', standbys: fresh ? [this.#standby!.standby] : [] })
      // What a site tells of its data comes with its opinions; here it is asked for.
      for (const keeper of this.#world.keepers) {
        this.#world.network.send(process, keeper.process, () => {
          const position = keeper.position()
          this.#world.network.send(keeper.process, process, () => {
            const others = this.#unit.positions.filter(({ site }) => site !== position.site)
            this.feed({ kind: 'positions', positions: [...others, position] })
          })
        })
      }
    }
    if (process.now() >= this.#wakeAt) {
      this.#wakeAt = Infinity
      this.feed({ kind: 'tick' })
    }
  }

  #judge(): void {
    const now = this.process.now()
    const expected = this.#world.mutation === 'one-is-a-quorum' ? ['any'] : domains
    const heard = [...this.#heard.values()]
    const judged = sites.map((site) => judgeSite('shop', site, heard, expected, now))
    const slowIsDown = this.#world.mutation === 'slow-is-down'
    const next = judged.map((verdict) =>
      slowIsDown && verdict.state === 'degraded' ? { ...verdict, state: 'down' as const } : verdict,
    )
    const same = next.every((verdict, index) => {
      const before = this.#verdicts[index]
      return before !== undefined && meaningOf(before) === meaningOf(verdict)
    })
    this.onVerdicts(next)
    if (same) return
    this.#verdicts = next
    this.feed({ kind: 'verdicts', verdicts: next })
  }

  #seen(key: string, record: Versioned): void {
    if (key === leaderKey) this.#lead({ kind: 'seen', record: record as Versioned<LeaderRecord> })
    else this.#known(key, record)
  }

  #known(key: string, record: Versioned | null): void {
    if (key === leaseKey(unit)) this.feed({ kind: 'lease', record: record as Versioned<WriteLease> | null })
    else if (key === runKey(unit)) this.feed({ kind: 'run', record: record as Versioned<FailoverRun> | null })
  }

  #read(key: string): void {
    this.#world.store.get(this.process, key, storeTimeoutMs, (record) => {
      if (record === undefined) this.#read(key)
      else this.#known(key, record)
    })
  }

  #lead(event: LeadershipEvent): void {
    const now = this.process.now()
    const { state, effects } = stepLeadership(this.#leadership, event, now, this.#world.draws)
    this.#leadership = state
    for (const effect of effects) {
      switch (effect.kind) {
        case 'read':
          this.#world.store.get(this.process, leaderKey, leaderTerms.timeoutMs, (record) =>
            this.#lead({ kind: 'read', record: record as Versioned<LeaderRecord> | null | undefined }),
          )
          break
        case 'store':
          this.#world.store.compareAndSet(
            this.process,
            leaderKey,
            effect.version,
            effect.record,
            leaderTerms.timeoutMs,
            (result) => this.#lead({ kind: 'stored', result }),
          )
          break
        case 'led':
          if (this.#unit.term !== effect.term) this.#world.checker.led(this.process.name, effect.term)
          this.feed({ kind: 'led', term: effect.term, until: effect.until })
          break
        case 'unled':
          this.feed({ kind: 'unled' })
          break
        case 'wake':
          // The turn comes soon enough.
          break
      }
    }
  }

  #carryOut(effect: UnitEffect): void {
    const { network, store, keepers, checker, mutation } = this.#world
    switch (effect.kind) {
      case 'store': {
        const { ref, key, version, value } = effect
        store.compareAndSet(this.process, key, version, value, storeTimeoutMs, (result) =>
          this.feed({ kind: 'stored', ref, ok: result?.ok ?? null, current: result?.current ?? null }),
        )
        break
      }
      case 'read':
        this.#read(effect.key)
        break
      case 'order': {
        const { order, timeoutMs } = effect
        const failed = (why: string): OrderAnswer => ({ stepId: order.stepId, ok: false, why })
        if (mutation === 'lying-fence' && order.order === 'fence') {
          this.process.after(1, () => this.feed({ kind: 'answer', answer: { ...failed(''), ok: true } }))
          break
        }
        const starts = order.order === 'start' || order.order === 'stop'
        const asked = (starts ? this.#world.agents : keepers).find(({ site }) => site === order.site)!
        network.request<OrderAnswer>(
          this.process,
          asked.process,
          (answer) => asked.order(order, answer),
          timeoutMs,
          (reply) =>
            this.feed({
              kind: 'answer',
              answer: reply === 'refused' || reply === 'timeout' ? failed(reply) : reply.value,
            }),
        )
        break
      }
      case 'publish': {
        let missing = keepers.length
        checker.published(effect.placement)
        for (const keeper of keepers) {
          network.request<null>(
            this.process,
            keeper.process,
            (answer) => {
              keeper.place(effect.placement)
              answer(null)
            },
            effect.timeoutMs,
            () => {
              missing--
              if (missing === 0) this.feed({ kind: 'published', stepId: effect.stepId })
            },
          )
        }
        break
      }
      case 'notify':
        checker.notified(effect.id, effect.what)
        break
      case 'audit':
        checker.audited(this.process.name, effect.draft)
        break
      case 'reply':
        checker.replied(effect.wish, effect.ok, effect.why)
        break
      case 'wake':
        this.#wakeAt = Math.min(this.#wakeAt, effect.at)
        if (effect.at - this.process.now() < turnMs) {
          // A timer may be early by a rounding; the next one must not be at the same moment.
          this.process.after(Math.max(1, effect.at - this.process.now()), () => {
            if (this.process.now() < this.#wakeAt) return
            this.#wakeAt = Infinity
            this.feed({ kind: 'tick' })
          })
        }
        break
    }
  }
}
