import { randomUUID } from 'node:crypto'
import type {
  AuditQuery,
  AuditRecord,
  AuditVerdict,
  AutomationChange,
  FailoverRun,
  MoveWish,
  NodesReport,
  SiteDrainReport,
  SiteDrainResult,
  SiteDrainWish,
  SiteVerdict,
  UnitReport,
  WatchedReport,
  Versioned,
  WishResult,
  WriteLease,
} from '@budao/model'
import { leaseKey, renewedLease, runKey } from '@budao/model'
import { brokenLink, chainAudit } from '../src/failover/audit-chain.ts'
import { planDrain } from '../src/failover/drain-plan.ts'
import { nextRuns } from '../src/failover/run-queue.ts'
import type { UnitEffect } from '../src/failover/unit-effect.ts'
import type { UnitEvent, UnitWish } from '../src/failover/unit-event.ts'
import { stepUnit } from '../src/failover/unit-machine.ts'
import { reportUnit } from '../src/failover/unit-report.ts'
import { unitRules } from '../src/failover/unit-rules.ts'
import { unknownUnit } from '../src/failover/unit-state.ts'
import type { UnitState } from '../src/failover/unit-state.ts'
import type { FailoverDesk } from '../src/failover-desk.ts'
import { SqliteCoordination } from '../src/providers/sqlite-coordination.ts'
import { failoverConfig } from './failover-config.ts'

/** What the sites of this little world do. */
export interface LocalDeskOptions {
  readonly path: string
  readonly units?: readonly string[]
  readonly sites?: readonly string[]
}

/**
 * A whole failover in one process: the real rules over the real store in a file, and sites that do what they are told. Who
 * holds a lease renews it four times a second; orders are answered at once, unless a test says that a site is stopped.
 */
export class LocalDesk implements FailoverDesk {
  readonly #store: SqliteCoordination
  readonly #states: Map<string, UnitState> = new Map()
  readonly #replies: Map<string, (result: WishResult) => void> = new Map()
  readonly #verdicts: Map<string, SiteVerdict> = new Map()
  readonly #stopped: Set<string> = new Set()
  readonly #drains: Map<string, SiteDrainReport> = new Map()
  readonly #sites: readonly string[]
  #closed = false
  readonly #turns: NodeJS.Timeout
  readonly records: AuditRecord[] = []
  leads = true
  leaderAdmin: string | null = null

  constructor({ path, units = ['shop'], sites = ['east', 'west'] }: LocalDeskOptions) {
    this.#store = new SqliteCoordination({ path })
    this.#sites = sites
    for (const unit of units) {
      const rules = unitRules(unit, unit.split('/')[0]!, sites, failoverConfig)
      this.#states.set(unit, unknownUnit(rules))
    }
    for (const site of sites) this.say(site, 'up')
    for (const unit of units) {
      this.#feed(unit, { kind: 'lease', record: null })
      this.#feed(unit, { kind: 'run', record: null })
    }
    this.#store.watch('', (key, record) => this.#known(key, record))
    this.#turns = setInterval(() => this.#turn(), 50)
  }

  /** Everybody’s word on a site from now on. */
  say(site: string, state: 'up' | 'degraded' | 'suspect' | 'down'): void {
    const votes = [...this.#sites, 'witness'].map((domain) => ({
      observer: domain === 'witness' ? domain : `gw-${domain}`,
      domain,
      state,
      use: 'counted' as const,
      causes: state === 'down' ? (['silence', 'missed'] as const) : [],
      ageMs: 120,
      silentMs: state === 'down' ? 2412 : 80,
    }))
    this.#verdicts.set(site, {
      service: 'shop',
      site,
      state,
      code: state === 'down' ? 'quorum' : 'agreed',
      votes,
    })
  }

  /** The site’s process does nothing any more. */
  stop(site: string): void {
    this.#stopped.add(site)
  }

  goOn(site: string): void {
    this.#stopped.delete(site)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#turns)
    this.#store.close()
  }

  reports(): readonly UnitReport[] {
    const moment = { now: performance.now(), wall: Date.now() }
    return [...this.#states.values()].map((state) => reportUnit(state, moment))
  }

  watched(): readonly WatchedReport[] {
    return [{ service: 'shop', verdicts: [...this.#verdicts.values()] }]
  }

  nodes(): NodesReport {
    const leader = this.leads ? 'witness' : 'gw-west'
    return {
      self: 'witness',
      leader: { node: leader, term: 3, self: this.leads, admin: this.leaderAdmin },
      store: { type: 'sqlite', reachable: true, answeredMs: 40 },
      nodes: [null, ...this.#sites].map((site, index) => ({
        node: site === null ? 'witness' : `gw-${site}`,
        site,
        domain: site ?? 'witness',
        roles: site === null ? ['controller', 'observer'] : ['controller', 'observer', 'keeper'],
        address: `10.0.${index}.2:9940`,
        admin: null,
        link: index === 0 ? 'self' : site !== null && this.#stopped.has(site) ? 'silent' : 'up',
        sinceMs: index === 0 ? null : 93_000,
        answeredMs: index === 0 ? null : 210,
        roundTripMs: index === 0 ? null : 1.4,
        why: '',
        abstains: null,
      })),
    }
  }

  async move({ unit, kind, to, by, reason, force }: MoveWish): Promise<WishResult> {
    return this.#wish(unit, { wish: 'move', run: kind, to, by, reason, force })
  }

  async acknowledge({ unit, by, reason }: { unit: string; by: string; reason: string }): Promise<WishResult> {
    return this.#wish(unit, { wish: 'acknowledge', by, reason })
  }

  async setAutomation({ scope, automation, by, reason }: AutomationChange): Promise<WishResult> {
    const units = [...this.#states.values()].filter(
      ({ rules }) =>
        scope === 'all' || ('unit' in scope ? rules.unit === scope.unit : rules.service === scope.service),
    )
    for (const { rules } of units) {
      this.#feed(rules.unit, { kind: 'automation', automation })
      this.#audit({ action: 'automation.changed', subject: rules.unit, detail: { automation, reason } }, by)
    }
    return this.#done(units[0]!.rules.unit, `automation is ${automation}`)
  }

  async drainSite(wish: SiteDrainWish): Promise<SiteDrainResult> {
    const { site, by, reason, force } = wish
    const plan = planDrain(site, [...this.#states.values()], wish)
    if (!plan.ok) {
      const message = `${site} cannot be drained: ${plan.refused.map((each) => `${each.unit}: ${each.why}`).join('; ')}`
      const why = { code: 'last-healthy-site' as const, unit: plan.refused[0]!.unit, message, evidence: {} }
      return { ok: false, why, refused: plan.refused }
    }
    const moves = plan.moves.map((each) => ({ ...each, state: 'waiting' as const, runId: null, why: '' }))
    const drain: SiteDrainReport = {
      site,
      since: new Date().toISOString(),
      by,
      reason,
      forced: force,
      state: moves.length === 0 ? 'drained' : 'moving',
      moves,
      lost: plan.lost,
    }
    this.#drains.set(site, drain)
    for (const { unit, to } of plan.moves) {
      const { ok, why, runId } = await this.move({ unit, kind: 'switchover', to, by, reason, force: false })
      this.#change(site, unit, ok ? { state: 'moving', runId } : { state: 'failed', why: why.message })
    }
    if (plan.moves.length === 0) this.#tellDrained()
    return { ok: true, drain: this.#drains.get(site)! }
  }

  async undrainSite({ site }: { site: string }): Promise<WishResult> {
    const was = this.#drains.delete(site)
    this.#tellDrained()
    const unit = [...this.#states.keys()][0]!
    const message = was ? `${site} may have work again` : `${site} was not drained`
    return { ok: was, runId: null, why: { code: 'draining', unit, message, evidence: {} } }
  }

  drains(): readonly SiteDrainReport[] {
    return [...this.#drains.values()]
  }

  async audit({ subject, after, limit = 100 }: AuditQuery): Promise<readonly AuditRecord[]> {
    const found = this.records.filter(
      (record) => (subject === undefined || record.subject === subject) && record.seq > (after ?? 0),
    )
    return after === undefined ? found.slice(-limit) : found.slice(0, limit)
  }

  async verifyAudit(): Promise<AuditVerdict> {
    const broken = brokenLink(this.records)
    const last = this.records.at(-1)
    const { length: records } = this.records
    return {
      ok: broken === null,
      records,
      last: last === undefined ? null : { seq: last.seq, hash: last.hash },
      broken,
    }
  }

  #wish(unit: string, wish: DistributiveOmit<UnitWish, 'id'>): Promise<WishResult> | WishResult {
    if (!this.leads) {
      return {
        ok: false,
        runId: null,
        why: { code: 'not-leader', unit, message: 'another controller leads', evidence: {} },
      }
    }
    const id = randomUUID()
    return new Promise((resolve) => {
      this.#replies.set(id, resolve)
      this.#feed(unit, { kind: 'wish', wish: { id, ...wish } })
    })
  }

  #done(unit: string, message: string): WishResult {
    return { ok: true, runId: null, why: { code: 'owner-fine', unit, message, evidence: {} } }
  }

  #turn(): void {
    const now = performance.now()
    for (const [unit, state] of this.#states) {
      if (this.leads) this.#feed(unit, { kind: 'led', term: 3, until: now + 1500 })
      else if (state.term !== null) this.#feed(unit, { kind: 'unled' })
      this.#feed(unit, { kind: 'verdicts', verdicts: [...this.#verdicts.values()] })
      const { lease } = this.#states.get(unit)!
      this.#feed(unit, {
        kind: 'positions',
        positions: this.#sites.map((site) => ({
          service: state.rules.service,
          site,
          position: 100,
          epoch: lease?.value.epoch ?? 0,
          lagMs: 0,
          divergence: 0,
          capacityPercent: 100,
        })),
      })
      if (lease) this.#renew(lease)
    }
    this.#followDrains()
  }

  /** The site’s process takes what it was granted, and keeps what it has. */
  #renew({ value, version }: Versioned<WriteLease>): void {
    if (this.#stopped.has(value.site)) return
    const next = renewedLease(value, value.site, `gw-${value.site}#1`, 0)
    if (next !== null) void this.#store.compareAndSet(leaseKey(value.unit), version, next)
  }

  #feed(unit: string, event: UnitEvent): void {
    if (this.#closed) return
    const { state, effects } = stepUnit(this.#states.get(unit)!, event, {
      now: performance.now(),
      wall: Date.now(),
    })
    this.#states.set(unit, state)
    for (const effect of effects) this.#carryOut(unit, effect)
    if (this.#states.get(unit)!.wants === null || event.kind === 'go') return
    for (const next of nextRuns([...this.#states.values()])) this.#feed(next, { kind: 'go' })
  }

  #carryOut(unit: string, effect: UnitEffect): void {
    switch (effect.kind) {
      case 'store':
        void this.#store.compareAndSet(effect.key, effect.version, effect.value).then(({ ok, current }) => {
          this.#feed(unit, { kind: 'stored', ref: effect.ref, ok, current })
        })
        break
      case 'read':
        void this.#store.get(effect.key).then((record) => {
          if (record !== null) this.#known(effect.key, record)
          else if (effect.key === leaseKey(unit)) this.#feed(unit, { kind: 'lease', record: null })
          else this.#feed(unit, { kind: 'run', record: null })
        })
        break
      case 'order': {
        const { stepId, site } = effect.order
        if (this.#stopped.has(site)) break
        setImmediate(() =>
          this.#feed(unit, { kind: 'answer', answer: { stepId, ok: true, why: '', position: 100 } }),
        )
        break
      }
      case 'publish':
        setImmediate(() => this.#feed(unit, { kind: 'published', stepId: effect.stepId }))
        break
      case 'audit': {
        const { actor = 'witness', ...draft } = effect.draft
        this.#audit(draft, actor)
        break
      }
      case 'reply': {
        const runId = effect.ok ? ((effect.why.evidence['run'] as string | undefined) ?? null) : null
        this.#replies.get(effect.wish)?.({ ok: effect.ok, why: effect.why, runId })
        this.#replies.delete(effect.wish)
        break
      }
      case 'notify':
      case 'wake':
        break
    }
  }

  #audit(
    draft: Pick<AuditRecord, 'action' | 'subject' | 'detail'> & { term?: number; epoch?: number },
    actor: string,
  ): void {
    const at = new Date().toISOString()
    // As it stands in a file: what JSON leaves out is no part of it.
    const detail = JSON.parse(JSON.stringify(draft.detail)) as Record<string, unknown>
    this.records.push(
      chainAudit(this.records.at(-1) ?? null, { term: 3, epoch: 0, ...draft, detail, at, actor }),
    )
  }

  #known(key: string, record: Versioned): void {
    for (const unit of this.#states.keys()) {
      if (key === leaseKey(unit)) this.#feed(unit, { kind: 'lease', record: record as Versioned<WriteLease> })
      else if (key === runKey(unit))
        this.#feed(unit, { kind: 'run', record: record as Versioned<FailoverRun> })
    }
  }

  #followDrains(): void {
    for (const { site, state, moves } of this.#drains.values()) {
      if (state !== 'moving') continue
      for (const { unit, runId } of moves) {
        const run = this.#states.get(unit)!.run?.value
        if (run?.id !== runId || run.outcome === null) continue
        this.#change(
          site,
          unit,
          run.outcome === 'done' ? { state: 'moved' } : { state: 'failed', why: 'rolled back' },
        )
      }
      const now = this.#drains.get(site)!.moves
      if (now.every((move) => move.state === 'moved')) {
        this.#drains.set(site, { ...this.#drains.get(site)!, state: 'drained' })
        this.#tellDrained()
      } else if (now.every((move) => move.state === 'moved' || move.state === 'failed')) {
        this.#drains.set(site, { ...this.#drains.get(site)!, state: 'stuck' })
      }
    }
  }

  #change(site: string, unit: string, change: Partial<SiteDrainReport['moves'][number]>): void {
    const drain = this.#drains.get(site)!
    const moves = drain.moves.map((move) => (move.unit === unit ? { ...move, ...change } : move))
    this.#drains.set(site, { ...drain, moves })
  }

  #tellDrained(): void {
    const sites = [...this.#drains.values()]
      .filter(({ state }) => state === 'drained')
      .map(({ site }) => site)
    for (const unit of this.#states.keys()) this.#feed(unit, { kind: 'drained', sites })
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
