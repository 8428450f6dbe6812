import type { FailoverRun } from '@budao/model'
import type { Timeline } from '../timeline.ts'
import type { Checker } from './checker.ts'
import type { Network } from './network.ts'
import { outside } from './network.ts'
import type { Fault } from './schedule.ts'
import { domains } from './schedule.ts'
import type { SimAgent } from './sim-agent.ts'
import type { SimController } from './sim-controller.ts'
import type { SimKeeper } from './sim-keeper.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimStore } from './sim-store.ts'

/** What faults act upon. */
export interface FaultyWorld {
  readonly timeline: Timeline
  readonly network: Network
  readonly store: SimStore
  readonly checker: Checker
  readonly keepers: readonly SimKeeper[]
  readonly controllers: readonly SimController[]
  readonly agents: readonly SimAgent[]
  readonly watcher: SimProcess
  readonly begin: {
    readonly keeper: (keeper: SimKeeper) => void
    readonly controller: (controller: SimController) => void
    readonly watcher: () => void
    readonly agent: (agent: SimAgent) => void
  }
}

/** A failover of a site that had no trouble for so long before was needless, milliseconds. */
const troubleKeptMs = 14_000

/** Breaks things and mends them, and knows whether a failover had a reason. */
export class Faults {
  readonly #world: FaultyWorld
  /** How many faults hold each process down. */
  readonly #down = new Map<SimProcess, number>()
  /** Last moment at which a site had trouble that one may fail over for. */
  readonly #troubleAt = new Map<string, number>()
  readonly #active = new Set<Fault>()
  #judged = ''

  constructor(world: FaultyWorld) {
    this.#world = world
  }

  plan(fault: Fault): void {
    const { timeline, checker } = this.#world
    timeline.after(fault.from, () => {
      checker.say(
        `fault begins: ${fault.kind} ${fault.domain}${fault.kind === 'one-way' ? ` → ${fault.to}` : ''}`,
      )
      this.#active.add(fault)
      this.#act(fault, 1)
    })
    timeline.after(fault.until, () => {
      checker.say(`fault ends: ${fault.kind} ${fault.domain}`)
      this.#note()
      this.#active.delete(fault)
      this.#act(fault, -1)
    })
  }

  /** At every look: an automatic run must have begun with a site that had trouble. */
  judge(run: FailoverRun | null): void {
    this.#note()
    if (run === null || run.by !== 'automatic' || run.id === this.#judged || run.verdict === null) return
    this.#judged = run.id
    const troubleAt = this.#troubleAt.get(run.from) ?? -Infinity
    if (this.#world.timeline.now() - troubleAt > troubleKeptMs)
      this.#world.checker.broken(`${run.id} left ${run.from}, which had no trouble: ${run.reason}`)
  }

  #note(): void {
    const now = this.#world.timeline.now()
    for (const fault of this.#active) {
      const troubles =
        fault.kind !== 'controller' &&
        fault.kind !== 'store' &&
        // Slow is no reason to move anything.
        fault.kind !== 'slow-site' &&
        !(fault.kind === 'one-way' && !(fault.domain === 'witness' || fault.to === 'witness'))
      if (!troubles) continue
      this.#troubleAt.set(fault.domain, now)
      if (fault.kind === 'one-way') this.#troubleAt.set(fault.to, now)
    }
  }

  #act(fault: Fault, by: 1 | -1): void {
    const { network, store, keepers, controllers, agents, watcher } = this.#world
    const { kind, domain, to, much } = fault
    const keeper = keepers.find(({ site }) => site === domain)
    const controller = controllers[domains.indexOf(domain)]!
    const here = [
      keeper?.backend.process,
      keeper?.process,
      controller.process,
      domain === 'witness' ? watcher : undefined,
      agents.find(({ site }) => site === domain)?.process,
    ]
    const others = [...domains, outside].filter((each) => each !== domain)
    switch (kind) {
      case 'backend':
        return this.#hold(keeper!.backend.process, by, true)
      case 'keeper':
        return this.#hold(keeper!.process, by, true)
      case 'controller':
        return this.#hold(controller.process, by, true)
      case 'site':
        for (const each of here) if (each !== undefined) this.#hold(each, by, true)
        return
      case 'power':
        if (by === 1) network.power(domain, false)
        for (const each of here) if (each !== undefined) this.#hold(each, by, false)
        if (by === -1 && ![...this.#active].some((each) => each.kind === 'power' && each.domain === domain))
          network.power(domain, true)
        return
      case 'cut':
        for (const each of others) {
          network.link(domain, each).blocked += by
          network.link(each, domain).blocked += by
        }
        return
      case 'one-way':
        network.link(domain, to).blocked += by
        return
      case 'reject':
        for (const each of others) network.link(each, domain).refused += by
        return
      case 'slow':
      case 'lossy':
        for (const each of others) {
          for (const link of [network.link(domain, each), network.link(each, domain)]) {
            if (kind === 'slow') link.extraMs += by * much
            else link.lossPercent += by * much
          }
        }
        return
      case 'slow-site':
        keeper!.backend.slowMs += by * much
        return
      case 'store':
        store.down += by
        return
      case 'freeze': {
        if (by === -1) return
        const frozen =
          fault.process === 'backend'
            ? keeper?.backend.process
            : fault.process === 'keeper'
              ? keeper?.process
              : controller.process
        frozen?.pause(fault.until - fault.from)
      }
    }
  }

  #hold(process: SimProcess, by: 1 | -1, power: boolean): void {
    const { keepers, controllers, agents, watcher, begin } = this.#world
    const before = this.#down.get(process) ?? 0
    this.#down.set(process, before + by)
    const keeper = keepers.find((each) => each.process === process)
    const backend = keepers.find((each) => each.backend.process === process)?.backend
    if (backend !== undefined) backend.held = before + by > 0
    if (by === 1 && before === 0) {
      const controller = controllers.find((each) => each.process === process)
      if (controller !== undefined && power) this.#tellGone(controller)
      if (backend !== undefined) backend.kill(power)
      else process.kill()
    }
    if (by === 1 || before > 1 || backend?.wanted === false) return
    process.start()
    const agent = agents.find((each) => each.process === process)
    if (agent !== undefined) return begin.agent(agent)
    if (keeper !== undefined) begin.keeper(keeper)
    else if (process === watcher) begin.watcher()
    else {
      const controller = controllers.find((each) => each.process === process)
      if (controller !== undefined) begin.controller(controller)
    }
  }

  /** The others have connections to it, which its kernel closes. */
  #tellGone(controller: SimController): void {
    const { network, controllers, timeline } = this.#world
    const { name } = controller
    for (const other of controllers) {
      const ms = network.delayMs(controller.process.domain, other.process.domain)
      const { starts } = other.process
      if (other === controller || ms < 0) continue
      timeline.after(ms, () => {
        if (other.process.starts === starts) other.process.reach(() => other.gone(name))
      })
    }
  }
}
