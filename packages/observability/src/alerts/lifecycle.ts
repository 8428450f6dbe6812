import type { Sample } from '../rules/condition.ts'
import type { AlertRule } from '../rules/rule.ts'
import { fillTemplate } from '../rules/template.ts'
import { identityOf, type LabelSet } from './labels.ts'

/**
 * pending   the condition holds, not yet for as long as `for`
 * firing    it has held that long, or held and ended less than `keep_firing_for` ago
 * resolved  it was firing, and is kept a while so that everybody hears of the end
 */
export type AlertState = 'pending' | 'firing' | 'resolved'

/** One alert of a rule. Times are monotonic milliseconds. */
export interface ActiveAlert {
  readonly id: string
  readonly labels: LabelSet
  readonly annotations: LabelSet
  readonly state: AlertState
  /** The last value for which the condition held. */
  readonly value: number
  /** The first value for which it did not any more; null while it holds. */
  readonly recoveredValue: number | null
  /** Since when the condition holds. */
  readonly activeAt: number
  /** Null while pending. */
  readonly firedAt: number | null
  readonly resolvedAt: number | null
  readonly keepFiringSince: number | null
}

/** All alerts of a rule, by `id`. */
export type ActiveAlerts = ReadonlyMap<string, ActiveAlert>

/** What a rule has after a look at its values; `problem` when it could not be judged, and nothing is active then. */
export interface Evaluated {
  readonly active: ActiveAlerts
  readonly problem: string | null
}

/** So long a resolved alert is kept, and told again to whoever missed it: that of Prometheus. */
export const resolvedRetentionMs = 900_000

/**
 * The alerts of a rule after its values at `now` are known, exactly as Prometheus goes on (rules/alerting.go): the first time the
 * condition holds makes an alert pending; it fires once it has held for `for`; one that ends while pending is gone without a
 * word; one that fired goes on for `keep_firing_for` and is resolved then.
 */
export function evaluateRule(
  rule: AlertRule,
  before: ActiveAlerts,
  samples: readonly Sample[],
  now: number,
): Evaluated {
  const found = new Map<string, { labels: LabelSet; annotations: LabelSet; sample: Sample }>()
  const others = new Map<string, Sample>()
  for (const sample of withNoData(rule, samples)) {
    const facts = { labels: sample.labels, value: sample.value }
    const own = mapValues(rule.labels, (text) => fillTemplate(text, facts))
    const labels = withoutEmpty({
      ...sample.labels,
      ...own,
      alertname: rule.name,
      severity: rule.severity,
    })
    const id = identityOf(labels)
    if (!sample.holds) {
      others.set(id, sample)
      continue
    }
    if (found.has(id))
      return {
        active: new Map(),
        problem: 'two alerts of this rule have the same labels; change `labels` or `by`',
      }
    const annotations = mapValues(rule.annotations, (text) => fillTemplate(text, facts))
    found.set(id, { labels, annotations, sample })
  }

  const active = new Map<string, ActiveAlert>()
  for (const [id, alert] of before) {
    const holding = found.get(id)
    const next =
      holding === undefined
        ? ending(rule, alert, others.get(id), now)
        : alert.state === 'resolved'
          ? undefined
          : {
              ...alert,
              value: holding.sample.value,
              annotations: holding.annotations,
              recoveredValue: null,
              keepFiringSince: null,
            }
    if (next !== undefined) active.set(id, next)
  }
  for (const [id, { labels, annotations, sample }] of found) {
    if (active.has(id)) continue
    active.set(id, {
      id,
      labels,
      annotations,
      state: 'pending',
      value: sample.value,
      recoveredValue: null,
      activeAt: now,
      firedAt: null,
      resolvedAt: null,
      keepFiringSince: null,
    })
  }
  let alive = 0
  for (const [id, alert] of active) {
    if (alert.state === 'resolved') continue
    alive++
    if (alert.state === 'pending' && now - alert.activeAt >= rule.forMs)
      active.set(id, { ...alert, state: 'firing', firedAt: now })
  }
  if (alive > rule.limit)
    return { active: new Map(), problem: `${alive} alerts at once, above its limit of ${rule.limit}` }
  return { active, problem: null }
}

/** What becomes of an alert whose condition does not hold now; undefined: it is gone. */
function ending(
  rule: AlertRule,
  alert: ActiveAlert,
  value: Sample | undefined,
  now: number,
): ActiveAlert | undefined {
  if (alert.state === 'resolved') return now - alert.resolvedAt! > resolvedRetentionMs ? undefined : alert
  if (value === undefined && rule.noData === 'keep_last') return alert
  if (alert.state === 'pending') return undefined
  const keepFiringSince = rule.keepFiringForMs > 0 ? (alert.keepFiringSince ?? now) : null
  const recoveredValue = value?.value ?? null
  if (keepFiringSince !== null && now - keepFiringSince < rule.keepFiringForMs)
    return { ...alert, keepFiringSince, recoveredValue }
  return { ...alert, state: 'resolved', resolvedAt: now, keepFiringSince, recoveredValue }
}

/** With `no_data: alerting` a rule that has nothing to judge is one alert by itself. */
function withNoData(rule: AlertRule, samples: readonly Sample[]): readonly Sample[] {
  if (samples.length > 0 || rule.noData !== 'alerting') return samples
  return [{ labels: {}, value: NaN, holds: true }]
}

function withoutEmpty(labels: LabelSet): LabelSet {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}

function mapValues(texts: LabelSet, change: (text: string) => string): LabelSet {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, change(text)]))
}
