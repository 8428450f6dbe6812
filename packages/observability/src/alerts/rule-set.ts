import type { LogRecord } from '@budao/model'
import type { KeptGroups } from '../rules/log-evaluator.ts'
import { LogEvaluator } from '../rules/log-evaluator.ts'
import { evaluateMetric } from '../rules/metric-evaluator.ts'
import type { AlertRule } from '../rules/rule.ts'
import type { SeriesStore } from '../series/series-store.ts'
import { evaluateRule, type ActiveAlert, type ActiveAlerts } from './lifecycle.ts'

/** A rule as it runs. */
export interface RunningRule {
  readonly rule: AlertRule
  readonly evaluator: LogEvaluator | null
  active: ActiveAlerts
  /** Why it cannot be judged; null: it can. */
  problem: string | null
  evaluations: number
  /** When it was judged last. */
  judgedAt: number
}

/** What is kept of a rule over a restart; all times are ages, milliseconds. */
export interface KeptRule {
  /** A rule that was changed begins anew. */
  readonly text: string
  readonly alerts: readonly ActiveAlert[]
  readonly groups: KeptGroups | null
}

/** A pause that is longer than this proves nothing about what went on meanwhile: that of Prometheus. */
const outageMsMax = 3_600_000

/** In a burst a rule is not judged for every record: the next look is a quarter of a second away. */
const betweenMs = 200

/** All rules of a process with their alerts. Times are handed in. */
export class RuleSet {
  readonly #running: RunningRule[]
  readonly #series: SeriesStore

  constructor(rules: readonly AlertRule[], series: SeriesStore, now: number) {
    this.#series = series
    this.#running = rules.map((rule) => ({
      rule,
      evaluator: rule.condition.source === 'log' ? new LogEvaluator(rule.condition, now) : null,
      active: new Map(),
      problem: null,
      evaluations: 0,
      judgedAt: -Infinity,
    }))
  }

  get running(): readonly RunningRule[] {
    return this.#running
  }

  /** Takes a record; the rules that it may have tipped over are judged at once. */
  take(record: LogRecord, now: number, onChange: (running: RunningRule, alert: ActiveAlert) => void): void {
    for (const running of this.#running)
      if (running.evaluator?.take(record, now) === true && now - running.judgedAt >= betweenMs)
        this.#judge(running, now, onChange)
  }

  /** Judges the rules of one kind. */
  evaluate(
    source: 'log' | 'metric',
    now: number,
    onChange: (running: RunningRule, alert: ActiveAlert) => void,
  ): void {
    for (const running of this.#running)
      if (running.rule.condition.source === source) this.#judge(running, now, onChange)
  }

  save(now: number): Readonly<Record<string, KeptRule>> {
    const age = (at: number | null): number | null => (at === null ? null : now - at)
    return Object.fromEntries(
      this.#running.map(({ rule, evaluator, active }) => [
        rule.name,
        {
          text: rule.text,
          alerts: [...active.values()].map((alert) => ({
            ...alert,
            activeAt: now - alert.activeAt,
            firedAt: age(alert.firedAt),
            resolvedAt: age(alert.resolvedAt),
            keepFiringSince: age(alert.keepFiringSince),
          })),
          groups: evaluator?.save(now) ?? null,
        },
      ]),
    )
  }

  /** Takes up what `save` gave so long ago. Time in which nobody looked does not count for `for`. */
  restore(kept: Readonly<Record<string, KeptRule>>, now: number, agoMs: number): void {
    if (agoMs > outageMsMax) return
    for (const running of this.#running) {
      const found = kept[running.rule.name]
      if (found === undefined || found.text !== running.rule.text) continue
      if (found.groups !== null) running.evaluator?.restore(found.groups, now, agoMs)
      const past = (age: number | null): number | null => (age === null ? null : now - age - agoMs)
      running.active = new Map(
        found.alerts.map((alert) => [
          alert.id,
          {
            ...alert,
            activeAt: now - alert.activeAt - (alert.state === 'pending' ? 0 : agoMs),
            firedAt: past(alert.firedAt),
            resolvedAt: past(alert.resolvedAt),
            keepFiringSince: alert.keepFiringSince === null ? null : now - alert.keepFiringSince,
          },
        ]),
      )
    }
  }

  #judge(
    running: RunningRule,
    now: number,
    onChange: (running: RunningRule, alert: ActiveAlert) => void,
  ): void {
    const { rule, evaluator, active: before } = running
    const { condition } = rule
    const samples =
      condition.source === 'log' ? evaluator!.evaluate(now) : evaluateMetric(condition, this.#series, now)
    const { active, problem } = evaluateRule(rule, before, samples, now)
    running.active = active
    running.problem = problem
    running.evaluations++
    running.judgedAt = now
    for (const [id, alert] of active) if (before.get(id)?.state !== alert.state) onChange(running, alert)
    // A rule that cannot be judged any more has no alerts: who was told of them hears that.
    for (const [id, alert] of before)
      if (alert.state === 'firing' && !active.has(id))
        onChange(running, { ...alert, state: 'resolved', resolvedAt: now })
  }
}
