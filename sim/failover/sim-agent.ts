import type { FailoverRun, OrderAnswer, SiteOrder, SiteStandby, Versioned, WriteLease } from '@budao/model'
import { leaseKey, opinionEveryMs, runKey } from '@budao/model'
import { unit, type KeeperWorld } from './keeper-world.ts'
import type { Site } from './schedule.ts'
import type { SimKeeper } from './sim-keeper.ts'
import type { SimProcess } from './sim-process.ts'

const storeTimeoutMs = 600

/** How long the processes of a cold site take, and whether they start at all. */
export interface ColdStart {
  readonly startMs: number
  readonly fails: boolean
}

/** The agent of a site whose backend is started only when the work goes there. What it was told to do stands over its own restarts. */
export class SimAgent {
  readonly site: Site
  readonly process: SimProcess
  readonly #keeper: SimKeeper
  readonly #cold: ColdStart
  readonly #world: KeeperWorld
  readonly #tell: (standby: SiteStandby) => void
  #state: SiteStandby['state'] = 'cold'
  /** Orders to start. */
  #starts = 0
  /** Starts that it has begun, or called off. */
  #begun = 0

  constructor(
    keeper: SimKeeper,
    process: SimProcess,
    cold: ColdStart,
    world: KeeperWorld,
    tell: (standby: SiteStandby) => void,
  ) {
    this.site = keeper.site
    this.process = process
    this.#keeper = keeper
    this.#cold = cold
    this.#world = world
    this.#tell = tell
    keeper.backend.wanted = false
    keeper.backend.process.kill()
  }

  /** The agent begins, and finds what it has looked after as that is. */
  start(): void {
    this.#turn()
    if (this.#state === 'starting') this.#begin()
  }

  order({ stepId, order, epoch }: SiteOrder, answer: (value: OrderAnswer) => void): void {
    const reply = (why: string): void => answer({ stepId, ok: why === '', why })
    if (order === 'start') {
      this.#starts++
      if (this.#state === 'cold' || this.#state === 'failed') this.#begin()
      return reply('')
    }
    if (order !== 'stop') return reply('an agent holds no leases')
    const starts = this.#starts
    const { store } = this.#world
    store.get(this.process, leaseKey(unit), storeTimeoutMs, (stored) => {
      store.get(this.process, runKey(unit), storeTimeoutMs, (journal) => {
        const lease = (stored as Versioned<WriteLease> | null | undefined)?.value
        const run = (journal as Versioned<FailoverRun> | null | undefined)?.value
        if (lease === undefined || journal === undefined) return reply('the store is away')
        const elsewhere = lease.epoch === epoch && lease.site !== this.site && lease.state === 'held'
        if (!elsewhere || (run !== undefined && run.outcome === null) || this.#starts !== starts)
          return reply('it is needed')
        this.#stop()
        reply('')
      })
    })
  }

  #begin(): void {
    this.#state = 'starting'
    const begun = ++this.#begun
    this.process.after(this.#cold.startMs, () => {
      if (this.#begun !== begun) return
      this.#state = this.#cold.fails ? 'failed' : 'warm'
      this.#world.checker.say(
        `the processes of ${this.site} ${this.#cold.fails ? 'do not start' : 'are started'}`,
      )
      if (!this.#cold.fails) this.#keeper.backend.want(true)
    })
  }

  #stop(): void {
    if (this.#keeper.isOwner()) this.#world.checker.broken(`${this.site} was stopped while it wrote`)
    this.#world.checker.say(`the processes of ${this.site} are stopped`)
    this.#state = 'cold'
    this.#begun++
    this.#keeper.backend.want(false)
  }

  #turn(): void {
    this.process.after(opinionEveryMs, () => this.#turn())
    // One that is killed after it was ready is started again by whoever killed it in this world.
    const state = this.#state === 'warm' && !this.#keeper.backend.process.alive ? 'unwell' : this.#state
    this.#tell({ service: 'shop', site: this.site, state, ordered: state !== 'cold', why: '' })
  }
}
