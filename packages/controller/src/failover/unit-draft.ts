import type { Explanation, ExplanationCode, FailoverRun, Placement, SiteOrder } from '@budao/model'
import type { UnitEffect } from './unit-effect.ts'
import type { Moment } from './unit-event.ts'
import { unitTimes } from './unit-rules.ts'
import { stateOf } from './unit-state.ts'
import type { Stage, UnitState, UnitStep } from './unit-state.ts'

/** One step in the making: the state as it becomes, and the effects as they come up. */
export class UnitDraft {
  state: UnitState
  readonly moment: Moment
  readonly #effects: UnitEffect[] = []

  constructor(state: UnitState, moment: Moment) {
    this.state = state
    this.moment = moment
  }

  get now(): number {
    return this.moment.now
  }

  step(): UnitStep {
    return { state: this.state, effects: this.#effects }
  }

  set(change: Partial<UnitState>): void {
    this.state = { ...this.state, ...change }
  }

  setStage(change: Partial<Stage>): void {
    if (this.state.stage !== null) this.set({ stage: { ...this.state.stage, ...change } })
  }

  do(effect: UnitEffect): void {
    this.#effects.push(effect)
  }

  wakeAt(at: number): void {
    this.do({ kind: 'wake', at })
  }

  /** A compare-and-set; no other begins before it has ended. */
  store(key: string, version: number, value: unknown): void {
    const stores = this.state.stores + 1
    const ref = `${this.state.rules.unit}/${this.state.term}/${stores}`
    this.set({ storing: ref, stores })
    this.do({ kind: 'store', ref, key, version, value })
  }

  /** Says why things are as they are; once, while they stay so. */
  explain(code: ExplanationCode, message: string, evidence: Explanation['evidence'] = {}): Explanation {
    const { explanation, rules } = this.state
    if (explanation?.code === code && explanation.message === message) return explanation
    const next = { code, unit: rules.unit, message, evidence }
    this.set({ explanation: next })
    return next
  }

  /** The same, and people are told. */
  tell(
    id: string,
    critical: boolean,
    code: ExplanationCode,
    message: string,
    evidence: Explanation['evidence'] = {},
  ): void {
    if (this.state.explanation?.code === code && this.state.explanation.message === message) return
    this.do({ kind: 'notify', id, what: this.explain(code, message, evidence), critical })
  }

  audit(
    action:
      | 'run.started'
      | 'run.step'
      | 'run.retargeted'
      | 'run.finished'
      | 'run.refused'
      | 'in-sync.changed'
      | 'standby.stopping'
      | 'acknowledged',
    detail: Readonly<Record<string, unknown>>,
    actor?: string,
  ): void {
    const { rules, term, lease } = this.state
    this.do({
      kind: 'audit',
      draft: {
        action,
        subject: rules.unit,
        term: term ?? 0,
        epoch: lease?.value.epoch ?? 0,
        detail,
        ...(actor === undefined ? {} : { actor }),
      },
    })
  }

  /** Enters a step of the run, if it is not in it already; `site`: one that is about several sites, in turn. */
  enter(run: FailoverRun, step: Stage['step'], epoch: number, site: string | null = null): Stage {
    const { stage } = this.state
    if (stage?.step === step && stage.epoch === epoch && stage.site === site) return stage
    const kept = stage?.epoch === epoch ? stage : null
    const next: Stage = {
      step,
      epoch,
      site,
      beganAt: this.now,
      sentAt: null,
      sentTo: null,
      againAt: this.now,
      stopped: kept?.stopped ?? false,
      position: kept?.position ?? null,
      restored: kept?.restored ?? null,
      startedAt: null,
      refusal: '',
    }
    const atMs = this.moment.wall - run.startedAt
    this.set({ stage: next, steps: [...this.state.steps, { step, atMs }] })
    this.audit('run.step', { run: run.id, step, ...(site === null ? {} : { site }) })
    return next
  }

  /** Sends the order of the step; again as soon as an attempt was not answered well. */
  order(
    run: FailoverRun,
    order: SiteOrder['order'],
    site: string,
    epoch: number,
    timeoutMs: number = unitTimes.order,
  ): void {
    const { stage, rules } = this.state
    if (stage === null || (stage.sentAt !== null && stage.sentTo === site)) return
    if (this.now < stage.againAt) return this.wakeAt(stage.againAt)
    this.setStage({ sentAt: this.now, sentTo: site })
    const stepId = `${run.id}/${order}/${site}/${epoch}`
    this.do({ kind: 'order', order: { stepId, unit: rules.unit, epoch, site, order }, timeoutMs })
  }

  /** Who may answer reads as things are: the owner first, without those that are down or drained, but for the last. */
  get readers(): readonly string[] {
    const { rules, lease, drained } = this.state
    const owner = lease?.value.site ?? ''
    const others = rules.sites.filter((each) => each !== owner && stateOf(this.state, each) !== 'down')
    const readers = [owner, ...others].filter((each) => !drained.includes(each))
    return readers.length > 0 ? readers : [owner]
  }

  /** All gateways are to know the lease as it stands. */
  publish(stepId: string, timeoutMs: number): void {
    const { rules, lease } = this.state
    if (lease === null || lease === undefined) return
    const { epoch, site } = lease.value
    const readers = this.readers
    const placement: Placement = { unit: rules.unit, service: rules.service, epoch, owner: site, readers }
    this.set({ publishedReaders: readers.join(' ') })
    this.do({ kind: 'publish', stepId, placement, timeoutMs })
  }
}
