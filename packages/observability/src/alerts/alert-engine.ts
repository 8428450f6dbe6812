import type {
  AckWish,
  AlertsDesk,
  AlertsReport,
  BudaoEvent,
  LogFilter,
  LogRecord,
  SilenceReport,
  SilenceWish,
} from '@budao/model'
import { Receivers } from '../notify/receivers.ts'
import type { Notification } from '../notify/notification.ts'
import { SeriesStore } from '../series/series-store.ts'
import { PeopleDesk } from './people-desk.ts'
import { alertMetrics } from './alert-metrics.ts'
import type { ToldAlert } from './alert-group.ts'
import { DeliveryNews } from './delivery-news.ts'
import { Dispatcher, type Message } from './dispatcher.ts'
import type { AlertEngineOptions, ToldRecord } from './engine-options.ts'
import { isOwnEvent, recordOfEvent } from './event-record.ts'
import type { ActiveAlert } from './lifecycle.ts'
import { notificationOf } from './notify-message.ts'
import { OwnAlerts } from './own-alerts.ts'
import { RuleSet, type KeptRule, type RunningRule } from './rule-set.ts'
import { Scraper } from './scraper.ts'
import { SeenAlerts } from './seen-alerts.ts'
import { Silences, type Silence } from './silence.ts'
import { ofRecord, toRecord } from './told-record.ts'

/** Something is due within this time of its hour. */
const tickMs = 250
/** Rules over records are judged at least so often; those that a record tips over at once. */
const logsMs = 250
const saveMs = 5_000
/** Two controllers see one beginning at most so far apart. */
const takeoverGraceMs = 60_000
/** Rules that were not judged for so many intervals have stood still. */
const stalledIntervals = 3

interface KeptState {
  readonly savedAt: number
  readonly rules: Readonly<Record<string, KeptRule>>
}

/**
 * Judges rules over records, events and metrics, and tells people: the loop around decisions that are all functions of state and
 * time (`rules/`, `alert-group.ts`, `lifecycle.ts`, `notify/outbox.ts`).
 */
export class AlertEngine implements AlertsDesk {
  readonly #desk: PeopleDesk
  readonly #options: AlertEngineOptions
  readonly #series: SeriesStore
  readonly #rules: RuleSet
  readonly #silences: Silences
  readonly #dispatcher: Dispatcher
  readonly #receivers: Receivers
  readonly #scraper: Scraper
  readonly #news: DeliveryNews
  readonly #own: OwnAlerts
  readonly #seen: SeenAlerts
  readonly #onChange: (running: RunningRule, alert: ActiveAlert) => void
  #timer: NodeJS.Timeout | undefined
  /** Null until it is known. */
  #notifying: boolean | null = null
  #scraping = false
  #tickedAt: number
  #logsAt = -Infinity
  #metricsAt = -Infinity
  #judgedAt: number
  #savedAt: number
  readonly #failing = new Set<string>()
  #records = 0

  constructor(options: AlertEngineOptions) {
    const { rules, store, intervalMs } = options
    const now = options.now()
    this.#options = options
    const windows = rules.map(({ condition }) => condition.windowMs)
    this.#series = new SeriesStore({ retentionMs: Math.max(0, ...windows) + 2 * intervalMs })
    this.#rules = new RuleSet(rules, this.#series, now)
    this.#silences = new Silences(store?.list('silence/').map(({ value }) => value as Silence))
    this.#dispatcher = new Dispatcher(
      {
        timing: options.timing,
        groupBy: options.groupBy,
        inhibit: options.inhibit,
        sendResolved: (receiver) => this.#receivers.sendResolved(receiver),
      },
      this.#silences,
    )
    this.#news = new DeliveryNews((event) => options.report(event))
    this.#receivers = new Receivers(options.receivers, {
      ...options,
      delivered: (notifications) => this.#delivered(notifications),
      failed: (notification, why) => {
        this.#untold(notification.groupKey)
        this.#news.failed(notification, why)
      },
      struggles: (notification, why, attempts) => this.#news.struggles(notification, why, attempts),
    })
    this.#scraper = new Scraper(this.#series, options.sources, wantedMetrics(rules))
    this.#onChange = (running, alert) => this.#changed(running, alert)
    this.#seen = new SeenAlerts((alert, receivers) => this.#tell(alert, receivers))
    this.#own = new OwnAlerts((alert) => this.#saw(alert, options.notify))
    this.#desk = new PeopleDesk(options, {
      rules: this.#rules,
      seen: this.#seen,
      dispatcher: this.#dispatcher,
      silences: this.#silences,
      send: (message) => this.#send(message),
      keepTold: (groupKey) => this.#keepTold(groupKey),
    })
    this.#tickedAt = this.#judgedAt = this.#savedAt = now
    this.#restore()
    options.shared?.follow({
      silenced: (silence) => this.#desk.silenced(silence),
      acknowledged: (id, acknowledgement) => this.#desk.acknowledged(id, acknowledgement),
      others: (node, alerts) => this.#seen.others(node, alerts, options.now()),
      own: () => this.#seen.toShare(options.now(), (alert) => this.#desk.newest(alert)),
    })
  }

  /** From now on rules are judged, and people told. */
  begin(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
  }

  /** Which records rules want to see. */
  get filters(): readonly LogFilter[] {
    return this.#options.rules.flatMap(({ condition }) =>
      condition.source === 'log'
        ? [condition.filter, ...(condition.kind === 'ratio' ? [condition.of] : [])]
        : [],
    )
  }

  /** A record came in. */
  take(record: LogRecord): void {
    this.#records++
    this.#rules.take(record, this.#options.now(), this.#onChange)
  }

  /** Something happened in this process. */
  takeEvent(event: BudaoEvent): void {
    if (!isOwnEvent(event)) this.take(recordOfEvent(event, this.#options.wallNow()))
  }

  report(): AlertsReport {
    return {
      ...this.#desk.report(),
      notifies: this.#notifying === true,
      notifier: this.#options.shared?.notifier ?? null,
      judgedMs: Math.round(this.#options.now() - this.#judgedAt),
      receivers: this.#receivers.reports(),
    }
  }

  silence(wish: SilenceWish): SilenceReport {
    return this.#desk.silence(wish)
  }

  endSilence(id: string, by: string): boolean {
    return this.#desk.endSilence(id, by)
  }

  acknowledgeLink(token: string): number | null {
    return this.#desk.acknowledgeLink(token)
  }

  linkSummary(token: string): readonly string[] | null {
    return this.#desk.linkSummary(token)
  }

  acknowledge(wish: AckWish): number {
    return this.#desk.acknowledge(wish)
  }

  /** Prometheus text. */
  metrics(): string {
    return alertMetrics(this.report(), {
      records: this.#records,
      series: this.#series.size,
      seriesDropped: this.#series.dropped,
      scrapeProblems: this.#scraper.problems.size,
      evaluations: this.#rules.running.reduce((sum, { evaluations }) => sum + evaluations, 0),
    })
  }

  /** What waits to be sent stays on disk, with everything that is known. */
  close(): void {
    clearInterval(this.#timer)
    this.#save(this.#options.now())
    this.#receivers.close()
    this.#options.store?.close()
  }

  #tick(): void {
    const { now, intervalMs, wallNow, report } = this.#options
    const at = now()
    const pauseMs = at - this.#tickedAt
    this.#tickedAt = at
    if (pauseMs > stalledIntervals * Math.max(intervalMs, logsMs)) {
      const seconds = Math.round(pauseMs / 1_000)
      const message = `No rule was judged for ${seconds} s: the process was stopped, or had no CPU.`
      report({
        kind: 'alert.stalled',
        severity: 'critical',
        subject: 'alerts',
        message,
        evidence: { pauseMs },
      })
      this.#own.raise('BudaoAlertsStalled', {}, message, seconds, at)
    }
    this.#own.end(at)
    const mayTell = this.#mayTell(at)
    if (at - this.#logsAt >= logsMs) {
      this.#logsAt = at
      this.#rules.evaluate('log', at, this.#onChange)
      this.#judged(at)
    }
    if (at - this.#metricsAt >= intervalMs && !this.#scraping) void this.#scrape(at)
    if (mayTell) {
      if (this.#dispatcher.dueAt <= at)
        for (const message of this.#dispatcher.flush(at, wallNow())) this.#send(message)
      this.#desk.escalate(at)
    } else this.#dispatcher.prune(at)
    if (at - this.#savedAt >= saveMs) this.#save(at)
  }

  async #scrape(at: number): Promise<void> {
    this.#scraping = true
    this.#metricsAt = at
    try {
      await this.#scraper.scrape(this.#options.now, Math.min(5_000, this.#options.intervalMs))
      this.#rules.evaluate('metric', this.#options.now(), this.#onChange)
    } finally {
      this.#scraping = false
    }
  }

  /** Whether people are told from here at this time; begins to, or leaves it to another process. */
  #mayTell(now: number): boolean {
    const { shared, wallNow } = this.#options
    const notifies = shared === null ? true : shared.notifies()
    if (notifies === null) return false
    if (notifies === this.#notifying) return notifies
    this.#notifying = notifies
    if (!notifies) {
      for (const { groupKey } of this.#receivers.stop()) this.#untold(groupKey)
      return false
    }
    const epoch = wallNow() - now
    for (const [key, record] of shared?.told() ?? [])
      this.#dispatcher.remember(key, ofRecord(record, epoch, takeoverGraceMs))
    this.#receivers.begin()
    this.#dispatcher.hurry(now)
    return true
  }

  /** A rule that cannot be judged is an alert for as long as that is so. */
  #judged(now: number): void {
    this.#judgedAt = now
    for (const { rule, problem } of this.#rules.running) {
      if (problem === null) {
        this.#failing.delete(rule.name)
        continue
      }
      this.#own.raise('BudaoRuleFailing', { rule: rule.name }, `${rule.name}: ${problem}`, NaN, now)
      if (this.#failing.has(rule.name)) continue
      this.#failing.add(rule.name)
      const draft = { severity: 'warning', subject: rule.name, message: problem, evidence: {} } as const
      this.#options.report({ kind: 'alert.rule-failed', ...draft })
    }
  }

  #changed({ rule }: RunningRule, alert: ActiveAlert): void {
    const { report, notify } = this.#options
    if (alert.state === 'pending') return
    const firing = alert.state === 'firing'
    const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${value}`)
    report({
      kind: firing ? 'alert.firing' : 'alert.resolved',
      severity: firing ? 'warning' : 'info',
      subject: rule.name,
      message: alert.annotations['summary'] ?? `${rule.name}: ${rule.text}`,
      evidence: {
        value: alert.value,
        recovered: alert.recoveredValue,
        condition: rule.text,
        labels: labels.join(' '),
      },
    })
    this.#saw(toldAlert(alert), rule.notify.length > 0 ? rule.notify : notify)
  }

  /** It began or ended here. */
  #saw(alert: ToldAlert, receivers: readonly string[]): void {
    this.#seen.own(alert, receivers)
    this.#options.shared?.changed()
  }

  /** It began or ended for all. */
  #tell(alert: ToldAlert, receivers: readonly string[]): void {
    if (alert.status === 'resolved') this.#desk.forget(alert.id)
    this.#dispatcher.put(alert, [...new Set(receivers)], this.#options.now())
  }

  #send(message: Omit<Message, 'reason'> & { readonly reason: Notification['reason'] }): void {
    const { now, wallNow, links, externalUrl } = this.#options
    if (message.reason === 'repeat' && this.#desk.isAcknowledged(message.alerts)) return
    const wall = wallNow()
    const notification = notificationOf(
      { ...message, alerts: message.alerts.map((alert) => this.#desk.newest(alert)) },
      {
        externalUrl,
        ackUrl: links?.make(message.groupKey, message.receiver, wall) ?? null,
        epoch: wall - now(),
        wallNow: wall,
      },
    )
    this.#keepTold(message.groupKey)
    this.#receivers.send(notification)
  }

  #delivered(notifications: readonly Notification[]): void {
    const { shared, now, wallNow } = this.#options
    for (const notification of notifications) {
      const told = this.#dispatcher.told.get(notification.groupKey)
      if (told !== undefined) shared?.publish(notification.groupKey, toRecord(told, wallNow() - now()))
      this.#news.delivered(notification)
    }
  }

  /** It was not told: what still fires is told anew when its group is looked at next. */
  #untold(groupKey: string): void {
    this.#dispatcher.forget(groupKey)
    this.#keepTold(groupKey)
  }

  #keepTold(groupKey: string): void {
    const { store, now, wallNow } = this.#options
    const told = this.#dispatcher.told.get(groupKey)
    if (told === undefined) store?.delete(`told/${groupKey}`)
    else store?.put(`told/${groupKey}`, toRecord(told, wallNow() - now()))
  }

  #save(now: number): void {
    this.#savedAt = now
    const { store, wallNow } = this.#options
    const kept: KeptState = { savedAt: wallNow(), rules: this.#rules.save(now) }
    store?.put('rules', kept)
    for (const { name } of store?.list('told/') ?? [])
      if (!this.#dispatcher.told.has(name.slice('told/'.length))) store?.delete(name)
  }

  #restore(): void {
    const { store, now, wallNow, notify } = this.#options
    const at = now()
    const epoch = wallNow() - at
    for (const { name, value } of store?.list('told/') ?? [])
      this.#dispatcher.remember(name.slice('told/'.length), ofRecord(value as ToldRecord, epoch, 0))
    const kept = store?.get('rules') as KeptState | undefined
    // A wall clock that was set back says nothing about how long nobody looked.
    if (kept !== undefined) this.#rules.restore(kept.rules, at, Math.max(0, wallNow() - kept.savedAt))
    for (const { rule, active } of this.#rules.running)
      for (const alert of active.values())
        if (alert.state !== 'pending')
          this.#seen.own(toldAlert(alert), rule.notify.length > 0 ? rule.notify : notify)
  }
}

function toldAlert(alert: ActiveAlert): ToldAlert {
  const { id, labels, annotations, state, value, recoveredValue, firedAt, activeAt, resolvedAt } = alert
  return {
    id,
    labels,
    annotations,
    status: state === 'firing' ? 'firing' : 'resolved',
    value,
    recoveredValue,
    startsAt: firedAt ?? activeAt,
    endsAt: resolvedAt,
  }
}

/** Names of the metrics that rules look at. */
function* wantedMetrics(rules: AlertEngineOptions['rules']): Generator<string> {
  for (const { condition } of rules) {
    if (condition.source !== 'metric') continue
    yield condition.selector.name
    if (condition.kind === 'ratio') yield condition.of.name
  }
}
