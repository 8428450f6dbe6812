import type { FailoverRun, SiteStandby, SiteVerdict, Versioned, WriteLease } from '@budao/model'
import { leaseKey, renewedLease, runKey } from '@budao/model'
import type { UnitEffect } from '../src/failover/unit-effect.ts'
import type { UnitEvent, UnitWish } from '../src/failover/unit-event.ts'
import { stepUnit } from '../src/failover/unit-machine.ts'
import { unitRules } from '../src/failover/unit-rules.ts'
import type { UnitRules } from '../src/failover/unit-rules.ts'
import { unknownUnit } from '../src/failover/unit-state.ts'
import type { UnitState } from '../src/failover/unit-state.ts'
import { failoverConfig } from './failover-config.ts'

export const rules: UnitRules = unitRules('shop', 'shop', ['east', 'west'], failoverConfig)

/** One controller over a store that always answers at once; orders and publications are kept for the test to answer. */
export class Bench {
  now = 1_000
  state: UnitState
  readonly store: Map<string, Versioned>
  effects: UnitEffect[] = []
  /** The controller dies instead of making one more. */
  storesLeft = Infinity
  /** So many changes get no answer, and are not stored. */
  forgetful = 0

  constructor(change: Partial<UnitRules> = {}, store = new Map<string, Versioned>()) {
    this.state = unknownUnit({ ...rules, ...change })
    this.store = store
    this.feed({ kind: 'lease', record: (store.get(leaseKey('shop')) as Versioned<WriteLease>) ?? null })
    this.feed({ kind: 'run', record: (store.get(runKey('shop')) as Versioned<FailoverRun>) ?? null })
  }

  feed(event: UnitEvent): void {
    if (this.storesLeft < 0) return
    const { state, effects } = stepUnit(this.state, event, { now: this.now, wall: 1e12 + this.now })
    this.state = state
    for (const effect of effects) {
      if (effect.kind === 'read') {
        const record = this.store.get(effect.key) ?? null
        if (effect.key === leaseKey('shop'))
          this.feed({ kind: 'lease', record: record as Versioned<WriteLease> | null })
        else this.feed({ kind: 'run', record: record as Versioned<FailoverRun> | null })
        continue
      }
      if (effect.kind !== 'store') {
        this.effects.push(effect)
        continue
      }
      if (--this.storesLeft < 0) return
      if (this.forgetful > 0) {
        this.forgetful--
        this.feed({ kind: 'stored', ref: effect.ref, ok: null, current: null })
        continue
      }
      const before = this.store.get(effect.key)
      const ok = (before?.version ?? 0) === effect.version
      if (ok) this.store.set(effect.key, { version: effect.version + 1, value: effect.value })
      this.feed({ kind: 'stored', ref: effect.ref, ok, current: this.store.get(effect.key) ?? null })
    }
    if (state.wants !== null && this.state.wants !== null && event.kind !== 'go') this.feed({ kind: 'go' })
  }

  tick(ms: number): void {
    this.now += ms
    this.feed({ kind: 'tick' })
  }

  /** The verdict on each site. */
  verdicts(states: Readonly<Record<string, SiteVerdict['state']>>): void {
    const verdicts = Object.entries(states).map(([site, state]): SiteVerdict => ({
      service: 'shop',
      site,
      state,
      code: 'agreed',
      votes: [],
    }))
    this.feed({ kind: 'verdicts', verdicts })
  }

  /** Gateways of these sites are there. */
  positions(sites: readonly string[]): void {
    const there = { service: 'shop', position: 0, epoch: 0, lagMs: null, divergence: 0, capacityPercent: 100 }
    this.feed({ kind: 'positions', positions: sites.map((site) => ({ site, ...there })) })
  }

  /** What agents say of what is started only when the work comes. */
  standbys(states: Readonly<Record<string, SiteStandby['state']>>, ordered = false): void {
    const standbys = Object.entries(states).map(([site, state]): SiteStandby => ({
      service: 'shop',
      site,
      state,
      ordered,
      why: state === 'failed' ? 'shop is crash-loop: 11 ends within 9 s' : '',
    }))
    this.feed({ kind: 'standbys', standbys })
  }

  /** The site’s process takes or renews the lease. */
  renew(site: string): void {
    const record = this.store.get(leaseKey('shop')) as Versioned<WriteLease>
    const value = renewedLease(record.value, site, `${site}#1`, 40)
    if (value === null) return
    const next = { version: record.version + 1, value }
    this.store.set(leaseKey('shop'), next)
    this.feed({ kind: 'lease', record: next })
  }

  get lease(): WriteLease {
    return this.store.get(leaseKey('shop'))!.value as WriteLease
  }

  get run(): FailoverRun {
    return this.store.get(runKey('shop'))!.value as FailoverRun
  }

  /** The last order, which the agent answers. */
  answer(ok: boolean, position?: number): void {
    const last = this.effects.findLast((effect) => effect.kind === 'order')!
    const { stepId } = last.order
    this.feed({
      kind: 'answer',
      answer: { stepId, ok, why: ok ? '' : 'not now', ...(position === undefined ? {} : { position }) },
    })
  }

  published(): void {
    const last = this.effects.findLast((effect) => effect.kind === 'publish')!
    this.feed({ kind: 'published', stepId: last.stepId })
  }

  orders(): string[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'order' ? [`${effect.order.order} ${effect.order.site}`] : [],
    )
  }

  wish(wish: Partial<Extract<UnitWish, { wish: 'move' }>>): void {
    this.feed({
      kind: 'wish',
      wish: {
        id: 'w',
        wish: 'move',
        run: 'switchover',
        to: 'west',
        by: 'ann',
        reason: 'maintenance',
        ...wish,
      },
    })
  }
}

/** A leader, and `east` that writes. */
export function running(change: Partial<UnitRules> = {}): Bench {
  const bench = new Bench(change)
  bench.feed({ kind: 'led', term: 1, until: Infinity })
  bench.verdicts({ east: 'up', west: 'up' })
  bench.renew('east')
  bench.tick(500)
  return bench
}
