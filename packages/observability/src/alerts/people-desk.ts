import { randomUUID } from 'node:crypto'
import type { AckWish, AlertReport, AlertsReport, SilenceReport, SilenceWish } from '@budao/model'
import { severityOf, type NotificationReason } from '../notify/notification.ts'
import { escalationOf, type Acknowledgement } from './acknowledgements.ts'
import type { ToldAlert } from './alert-group.ts'
import type { Dispatcher, Message } from './dispatcher.ts'
import type { AlertEngineOptions } from './engine-options.ts'
import type { ActiveAlert } from './lifecycle.ts'
import { fingerprintOf } from './notify-message.ts'
import type { RuleSet } from './rule-set.ts'
import type { SeenAlerts } from './seen-alerts.ts'
import { silencesMax, type Silence, type Silences } from './silence.ts'

type Firing = Pick<ToldAlert, 'id' | 'labels'>

type Send = (message: Omit<Message, 'reason'> & { readonly reason: NotificationReason }) => void

/** What a desk works with. */
export interface DeskParts {
  readonly rules: RuleSet
  readonly seen: SeenAlerts
  readonly dispatcher: Dispatcher
  readonly silences: Silences
  readonly send: Send
  readonly keepTold: (groupKey: string) => void
}

/** What people do with alerts: look at them, silence them, say that they have seen them; and what happens when nobody does. */
export class PeopleDesk {
  readonly #options: AlertEngineOptions
  readonly #rules: RuleSet
  readonly #seen: SeenAlerts
  readonly #dispatcher: Dispatcher
  readonly #silences: Silences
  readonly #send: Send
  readonly #keepTold: (groupKey: string) => void
  readonly #acknowledged = new Map<string, Acknowledgement>()

  constructor(options: AlertEngineOptions, { rules, seen, dispatcher, silences, send, keepTold }: DeskParts) {
    this.#options = options
    this.#rules = rules
    this.#seen = seen
    this.#dispatcher = dispatcher
    this.#silences = silences
    this.#send = send
    this.#keepTold = keepTold
    for (const { name, value } of options.store?.list('ack/') ?? [])
      this.#acknowledged.set(name.slice('ack/'.length), value as Acknowledgement)
  }

  report(): Pick<AlertsReport, 'rules' | 'alerts' | 'silences'> {
    const { builtIn, notify, wallNow } = this.#options
    const wall = wallNow()
    return {
      rules: this.#rules.running.map(({ rule, active, problem }) => {
        const states = [...active.values()].map(({ state }) => state)
        const state = states.includes('firing') ? 'firing' : states.includes('pending') ? 'pending' : 'ok'
        return {
          name: rule.name,
          condition: rule.text,
          severity: rule.severity,
          builtIn: builtIn.has(rule.name),
          state,
          notify: rule.notify.length > 0 ? rule.notify : notify,
          problem: problem ?? '',
        }
      }),
      alerts: [
        ...this.#rules.running.flatMap(({ active }) => [...active.values()]),
        ...[...this.#seen.elsewhere().values()].map(activeAs),
      ].map((alert) => this.#alertReport(alert, wall)),
      silences: this.#silences.list(wall).map((silence) => silenceReport(silence, wall)),
    }
  }

  /** Throws a RangeError for a matcher that is none, and where there are too many. */
  silence({ matchers, forMs, by, reason }: SilenceWish): SilenceReport {
    const { store, shared, wallNow, report } = this.#options
    const now = wallNow()
    const silence: Silence = {
      id: randomUUID().slice(0, 8),
      matchers,
      startsAt: now,
      endsAt: now + forMs,
      by,
      reason,
    }
    if (this.#silences.active(now) >= silencesMax)
      throw new RangeError(`at most ${silencesMax} silences hold at once; end some`)
    try {
      this.#silences.put(silence)
    } catch (error) {
      throw new RangeError(`matchers: ${(error as Error).message}`, { cause: error })
    }
    store?.put(`silence/${silence.id}`, silence)
    shared?.silence(silence)
    report({
      kind: 'alert.silenced',
      severity: 'info',
      subject: silence.id,
      message: `${by} wants to hear nothing of ${matchers.join(', ')}: ${reason}`.slice(0, 500),
      evidence: { until: new Date(silence.endsAt).toISOString(), by, reason },
    })
    return silenceReport(silence, now)
  }

  /** False where there is none that has not ended. */
  endSilence(id: string, by: string): boolean {
    const { store, shared, wallNow, report, now } = this.#options
    const ended = this.#silences.end(id, wallNow())
    if (ended === null) return false
    store?.put(`silence/${id}`, ended)
    shared?.silence(ended)
    this.#dispatcher.hurry(now())
    report({
      kind: 'alert.unsilenced',
      severity: 'info',
      subject: id,
      message: `${by} ended the silence of ${ended.matchers.join(', ')}.`.slice(0, 500),
      evidence: { by },
    })
    return true
  }

  /** Another controller was told of it. */
  silenced(silence: Silence): void {
    const { store, wallNow, now } = this.#options
    const merged = this.#silences.merge(silence)
    store?.put(`silence/${silence.id}`, merged)
    if (merged.endsAt <= wallNow()) this.#dispatcher.hurry(now())
  }

  /** The same of an acknowledgement; null: it is over. */
  acknowledged(id: string, acknowledgement: Acknowledgement | null): void {
    const { store } = this.#options
    if (acknowledgement === null) {
      if (this.#acknowledged.delete(id)) store?.delete(`ack/${id}`)
      return
    }
    this.#acknowledged.set(id, acknowledgement)
    store?.put(`ack/${id}`, acknowledgement)
  }

  /** How many alerts this was about; 0: none fires of that name. */
  acknowledge({ alert: wanted, by, reason }: AckWish): number {
    const found = this.#firing().filter(
      ({ id, labels }) => fingerprintOf(id) === wanted || labels['alertname'] === wanted,
    )
    this.#acknowledge(found, by, reason)
    return found.length
  }

  /** By a link of a message: all that fires of its group. Null where the link is made up or too old. */
  acknowledgeLink(token: string): number | null {
    const { links, wallNow } = this.#options
    const about = links?.read(token, wallNow()) ?? null
    if (about === null) return null
    const group = this.#dispatcher.groups.get(about.groupKey)
    const ids = new Set(group?.alerts.keys())
    const found = this.#firing().filter(({ id }) => ids.has(id))
    this.#acknowledge(found, `a reader of ${about.receiver}`, `by the link of a message to ${about.receiver}`)
    return found.length
  }

  /** What the link is about, for people; null where it is made up or too old. */
  linkSummary(token: string): readonly string[] | null {
    const about = this.#options.links?.read(token, this.#options.wallNow()) ?? null
    if (about === null) return null
    return [...(this.#dispatcher.groups.get(about.groupKey)?.alerts.values() ?? [])]
      .filter(({ status }) => status === 'firing')
      .map(({ labels, annotations }) => annotations['summary'] ?? labels['alertname'] ?? '')
  }

  isAcknowledged(alerts: readonly { readonly id: string; readonly status: string }[]): boolean {
    const firing = alerts.filter(({ status }) => status === 'firing')
    return firing.length > 0 && firing.every(({ id }) => this.#acknowledged.has(id))
  }

  /** An alert has ended: the next one of its kind is to be seen anew. */
  forget(id: string): void {
    const { store, shared } = this.#options
    shared?.acknowledge(id, null)
    if (this.#acknowledged.delete(id)) store?.delete(`ack/${id}`)
  }

  /** The alert with its newest value. */
  newest(alert: ToldAlert): ToldAlert {
    if (alert.status !== 'firing') return alert
    for (const { active } of this.#rules.running) {
      const found = active.get(alert.id)
      if (found !== undefined) return { ...alert, value: found.value, annotations: found.annotations }
    }
    const elsewhere = this.#seen.elsewhere().get(alert.id)
    if (elsewhere === undefined) return alert
    return { ...alert, value: elsewhere.value, annotations: elsewhere.annotations }
  }

  /** Tells others of what nobody has acknowledged. */
  escalate(now: number): void {
    const { escalation, report, wallNow } = this.#options
    if (escalation === null) return
    for (const [groupKey, { receiver, labels: groupLabels, alerts }] of this.#dispatcher.groups) {
      const told = this.#dispatcher.told.get(groupKey)
      if (told === undefined || told.firing.size === 0 || now - told.since < escalation.afterMs) continue
      const wall = wallNow()
      const firing = [...alerts.values()].filter(
        ({ status, labels }) => status === 'firing' && this.#dispatcher.mutedBy(labels, wall) === null,
      )
      const step = escalationOf(
        told,
        escalation,
        severityOf({ alerts: firing }),
        this.isAcknowledged(firing),
        now,
      )
      if (firing.length === 0 || step !== 'escalate') continue
      this.#dispatcher.escalated(groupKey)
      this.#keepTold(groupKey)
      for (const to of escalation.to)
        this.#send({ groupKey, groupLabels, receiver: to, alerts: firing, reason: 'escalation' })
      report({
        kind: 'alert.escalated',
        severity: 'warning',
        subject: firing[0]!.labels['alertname'] ?? groupKey,
        message: `Nobody has acknowledged ${firing.length} alert(s) of ${receiver}; told ${escalation.to.join(', ')}.`,
        evidence: { group: groupKey, waitedMs: Math.round(now - told.since) },
      })
    }
  }

  #acknowledge(alerts: readonly Firing[], by: string, reason: string): void {
    const { store, shared, wallNow, report } = this.#options
    if (alerts.length === 0) return
    const acknowledgement: Acknowledgement = { by, at: wallNow(), reason }
    for (const { id } of alerts) {
      this.#acknowledged.set(id, acknowledgement)
      store?.put(`ack/${id}`, acknowledgement)
      shared?.acknowledge(id, acknowledgement)
    }
    report({
      kind: 'alert.acknowledged',
      severity: 'info',
      subject: alerts[0]!.labels['alertname'] ?? '',
      message: `${by} has seen ${alerts.length} alert(s)${reason === '' ? '' : `: ${reason}`}`.slice(0, 500),
      evidence: { by, alerts: alerts.length },
    })
  }

  #firing(): Firing[] {
    const own = this.#rules.running.flatMap(({ active }) =>
      [...active.values()].filter(({ state }) => state === 'firing'),
    )
    return [...own, ...this.#seen.elsewhere().values()]
  }

  #alertReport(alert: ActiveAlert, wall: number): AlertReport {
    const { id, labels, annotations, state, value, activeAt, firedAt, resolvedAt } = alert
    const epoch = wall - this.#options.now()
    const acknowledgement = this.#acknowledged.get(id)
    return {
      fingerprint: fingerprintOf(id),
      name: labels['alertname'] ?? '',
      severity: labels['severity'] ?? '',
      state,
      labels,
      annotations,
      value: Number.isFinite(value) ? value : null,
      since: instant(epoch + (firedAt ?? activeAt)),
      endedAt: resolvedAt === null ? null : instant(epoch + resolvedAt),
      seenElsewhere: this.#seen.nodesOf(id),
      muted: this.#dispatcher.mutedBy(labels, wall),
      acknowledged:
        acknowledgement === undefined ? null : { ...acknowledgement, at: instant(acknowledgement.at) },
    }
  }
}

/** What is known of one that other controllers see. */
function activeAs({ id, labels, annotations, value, startsAt }: ToldAlert): ActiveAlert {
  const times = { activeAt: startsAt, firedAt: startsAt, resolvedAt: null, keepFiringSince: null }
  return { id, labels, annotations, state: 'firing', value, recoveredValue: null, ...times }
}

function silenceReport({ startsAt, endsAt, ...silence }: Silence, now: number): SilenceReport {
  const state = endsAt <= now ? 'expired' : startsAt > now ? 'pending' : 'active'
  return { ...silence, startsAt: instant(startsAt), endsAt: instant(endsAt), state }
}

function instant(ms: number): string {
  return new Date(Math.round(ms)).toISOString()
}
