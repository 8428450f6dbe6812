import type { SeenAlert } from '../shared/node-alerts.ts'
import type { ToldAlert } from './alert-group.ts'
import { identityOf } from './labels.ts'

interface Known {
  readonly alert: ToldAlert
  readonly receivers: readonly string[]
}

/** What ended here is told to other controllers for so long, with the value at which it did. */
const endShownMs = 60_000

/**
 * Alerts with the same labels are one alert, whichever controllers see it: it begins with the first of them and ends with the last. What
 * becomes of it is told to `tell`, once.
 */
export class SeenAlerts {
  readonly #own = new Map<string, Known>()
  readonly #others = new Map<string, Map<string, Known>>()
  readonly #tell: (alert: ToldAlert, receivers: readonly string[]) => void

  constructor(tell: (alert: ToldAlert, receivers: readonly string[]) => void) {
    this.#tell = tell
  }

  /** It began or ended here. */
  own(alert: ToldAlert, receivers: readonly string[]): void {
    this.#own.set(alert.id, { alert, receivers })
    if (alert.status === 'firing' || this.nodesOf(alert.id).length === 0) this.#tell(alert, receivers)
  }

  /** All that another controller sees at this time. */
  others(node: string, seen: readonly SeenAlert[], now: number): void {
    const before = this.#others.get(node) ?? new Map<string, Known>()
    const after = new Map<string, Known>()
    const ended = new Map<string, ToldAlert>()
    for (const each of seen) {
      const id = identityOf(each.labels)
      const known = before.get(id)?.alert
      if (each.status === 'firing')
        after.set(id, { alert: alertOf(each, id, known?.startsAt, now), receivers: each.receivers })
      else ended.set(id, alertOf(each, id, known?.startsAt, now))
    }
    this.#others.set(node, after)
    for (const [id, { alert, receivers }] of after)
      if (!before.has(id) && this.#own.get(id)?.alert.status !== 'firing') this.#tell(alert, receivers)
    for (const [id, { alert, receivers }] of before) {
      if (after.has(id) || this.#own.get(id)?.alert.status === 'firing' || this.nodesOf(id).length > 0)
        continue
      this.#tell(ended.get(id) ?? { ...alert, status: 'resolved', endsAt: now }, receivers)
    }
  }

  /** For the others: what fires here, and what has ended a moment ago. */
  toShare(now: number, newest: (alert: ToldAlert) => ToldAlert): SeenAlert[] {
    const seen: SeenAlert[] = []
    for (const [id, { alert, receivers }] of this.#own) {
      if (alert.endsAt !== null && now - alert.endsAt > endShownMs) this.#own.delete(id)
      else seen.push(shareOf(newest(alert), receivers, now))
    }
    return seen
  }

  /** Other controllers that see it fire. */
  nodesOf(id: string): string[] {
    return [...this.#others].flatMap(([node, alerts]) => (alerts.has(id) ? [node] : []))
  }

  /** What fires at other controllers, and not here; each once. */
  elsewhere(): ReadonlyMap<string, ToldAlert> {
    const found = new Map<string, ToldAlert>()
    for (const alerts of this.#others.values())
      for (const [id, { alert }] of alerts)
        if (this.#own.get(id)?.alert.status !== 'firing') found.set(id, alert)
    return found
  }
}

/** The beginning stays what it was when it was first heard of: messages take different times. */
function alertOf(seen: SeenAlert, id: string, startsAt: number | undefined, now: number): ToldAlert {
  const { labels, annotations, status, value, recoveredValue, firingMs, endedMs } = seen
  return {
    id,
    labels,
    annotations,
    status,
    value: value ?? NaN,
    recoveredValue,
    startsAt: startsAt ?? now - firingMs,
    endsAt: endedMs === null ? null : now - endedMs,
  }
}

function shareOf(alert: ToldAlert, receivers: readonly string[], now: number): SeenAlert {
  const { labels, annotations, status, value, recoveredValue, startsAt, endsAt } = alert
  return {
    labels,
    annotations,
    receivers,
    status,
    value: Number.isFinite(value) ? value : null,
    recoveredValue,
    firingMs: Math.max(0, Math.round(now - startsAt)),
    endedMs: endsAt === null ? null : Math.max(0, Math.round(now - endsAt)),
  }
}
