import { randomUUID } from 'node:crypto'
import type {
  AuditQuery,
  AuditRecord,
  AuditVerdict,
  AutomationChange,
  AutomationScope,
  MoveWish,
  NodesReport,
  SiteDrainReport,
  SiteDrainResult,
  SiteDrainWish,
  UnitReport,
  WatchedReport,
  Versioned,
  WishResult,
} from '@budao/model'
import type { FailoverDesk } from '../failover-desk.ts'
import { chooseTarget, listOf } from '../failover/target-choice.ts'
import type { UnitEffect } from '../failover/unit-effect.ts'
import { serviceOf } from './control-events.ts'
import type { Controller } from './controller.ts'
import { explain, type DeskWorld } from './desk-world.ts'
import { SiteDrains } from './site-drains.ts'
import { StoredSwitches, switchesKey } from './stored-switches.ts'

/** Wishes that are not answered yet; more are refused. */
const wishesMax = 256

/** What people ask of one controller, answered: the other side of `FailoverDesk`. */
export class Desk implements FailoverDesk {
  readonly #world: DeskWorld
  readonly #wishes: Map<string, (result: WishResult) => void> = new Map()
  readonly #switches: StoredSwitches
  readonly #drains: SiteDrains

  constructor(world: DeskWorld) {
    this.#world = world
    this.#switches = new StoredSwitches(world.store)
    this.#drains = new SiteDrains(world, (wish) => this.move(wish))
  }

  /** What stands under a key of the store that is about no unit. */
  seen(key: string, record: Versioned): void {
    if (key === switchesKey) {
      for (const [unit, automation] of this.#switches.seen(record))
        this.#world.controller.automation(unit, automation)
    } else this.#drains.seen(key, record)
  }

  /** A wish was taken up, or refused. */
  replied({ wish, ok, why }: Extract<UnitEffect, { kind: 'reply' }>): void {
    const run = why.evidence['run']
    this.#settle(wish, { ok, why, runId: typeof run === 'string' && ok ? run : null })
  }

  /** This controller leads no longer: what waited is somebody else’s now. */
  unled(): void {
    for (const id of [...this.#wishes.keys()]) this.#settle(id, this.#notLeader(''))
  }

  reports(): readonly UnitReport[] {
    return this.#world.controller.reports()
  }

  nodes(): NodesReport {
    return this.#world.nodes()
  }

  watched(): readonly WatchedReport[] {
    return this.#world.watched()
  }

  move({ unit, kind, to, by, reason, force }: MoveWish): Promise<WishResult> {
    return this.#wish(unit, (id) => ({ id, wish: 'move', run: kind, to, by, reason, force }))
  }

  /** A gateway ends that holds a unit: it goes to the best other site that is well, if there is one. */
  leave({
    unit,
    node,
    site,
  }: {
    readonly unit: string
    readonly node: string
    readonly site: string
  }): Promise<WishResult> {
    const state = this.#world.controller.states().find(({ rules }) => rules.unit === unit)
    const refuse = (message: string): Promise<WishResult> =>
      Promise.resolve({ ok: false, why: explain('wish-refused', unit, message), runId: null })
    if (this.#world.controller.term === null) return Promise.resolve(this.#notLeader(unit))
    if (state === undefined) return refuse('it is not known here')
    if (state.lease?.value.site !== site) return refuse(`it is not at ${site}`)
    if (state.automation !== 'on') return refuse(`automation is ${state.automation}`)
    const { target, refused } = chooseTarget(state, site, { forced: true, warm: true })
    if (target === null) return refuse(`no other site can take it: ${listOf(refused)}`)
    const reason = `${node} is told to end`
    return this.#wish(unit, (id) => ({
      id,
      wish: 'move',
      run: 'switchover',
      to: target,
      by: node,
      reason,
      unattended: true,
    }))
  }

  async acknowledge({
    unit,
    by,
    reason,
  }: {
    readonly unit: string
    readonly by: string
    readonly reason: string
  }): Promise<WishResult> {
    const result = await this.#wish(unit, (id) => ({ id, wish: 'acknowledge', by, reason }))
    return { ...result, runId: null }
  }

  async setAutomation({ scope, automation, by, reason }: AutomationChange): Promise<WishResult> {
    const units = this.#unitsOf(scope)
    const problem = await this.#switches.set(units, automation)
    const subject = scope === 'all' ? 'all' : 'unit' in scope ? scope.unit : scope.service
    const why = explain(
      problem === null ? 'moved' : 'wish-refused',
      subject,
      problem ?? `automation is ${automation}`,
    )
    if (problem !== null) return { ok: false, why, runId: null }
    this.#world.journal.changed('automation.changed', 'failover.automation', {
      subject,
      by,
      message: `Automation of ${subject === 'all' ? 'all units' : subject} is ${automation}: ${reason}`,
      detail: { automation, reason, units: units.join(', ') },
    })
    return { ok: true, why, runId: null }
  }

  async drainSite(wish: SiteDrainWish): Promise<SiteDrainResult> {
    const { why } = this.#notLeader('')
    if (this.#world.controller.term === null) return { ok: false, why, refused: [] }
    return this.#drains.drain(wish)
  }

  undrainSite(wish: {
    readonly site: string
    readonly by: string
    readonly reason: string
  }): Promise<WishResult> {
    return this.#drains.undrain(wish)
  }

  drains(): readonly SiteDrainReport[] {
    return this.#drains.reports()
  }

  audit(query: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#world.audit.query(query)
  }

  verifyAudit(): Promise<AuditVerdict> {
    return this.#world.audit.verify()
  }

  #wish(unit: string, make: (id: string) => Parameters<Controller['wish']>[1]): Promise<WishResult> {
    const { controller } = this.#world
    if (controller.term === null) return Promise.resolve(this.#notLeader(unit))
    if (this.#wishes.size >= wishesMax) {
      const why = explain('wish-refused', unit, `${wishesMax} wishes wait already`)
      return Promise.resolve({ ok: false, why, runId: null })
    }
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<WishResult>()
    this.#wishes.set(id, resolve)
    controller.wish(unit, make(id))
    return promise
  }

  #settle(id: string, result: WishResult): void {
    this.#wishes.get(id)?.(result)
    this.#wishes.delete(id)
  }

  #notLeader(unit: string): WishResult {
    const leader = this.nodes().leader?.node
    const message = leader === undefined ? 'nobody leads' : `${leader} leads, not ${this.#world.node}`
    return { ok: false, why: explain('not-leader', unit, message), runId: null }
  }

  #unitsOf(scope: AutomationScope): readonly string[] {
    const units = this.#world.controller.states().map(({ rules }) => rules.unit)
    if (scope === 'all') return units
    return 'unit' in scope
      ? units.filter((unit) => unit === scope.unit)
      : units.filter((unit) => serviceOf(unit) === scope.service)
  }
}
