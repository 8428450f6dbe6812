import type { EventDraft } from '@budao/model'
import type { OpenReceiver } from '../notify/receivers.ts'
import type { AlertRule } from '../rules/rule.ts'
import type { AckLinks } from './ack-link.ts'
import type { SeenAlert } from '../shared/node-alerts.ts'
import type { Acknowledgement, Escalation } from './acknowledgements.ts'
import type { GroupTiming } from './alert-group.ts'
import type { AlertStore } from './alert-store.ts'
import type { InhibitRule } from './inhibition.ts'
import type { MetricSource } from './scraper.ts'
import type { Silence } from './silence.ts'

/** What an engine is made with. Times in milliseconds. */
export interface AlertEngineOptions {
  readonly rules: readonly AlertRule[]
  /** Names of those that come with Budao. */
  readonly builtIn: ReadonlySet<string>
  readonly receivers: readonly OpenReceiver[]
  /** Receivers of rules that name none. */
  readonly notify: readonly string[]
  readonly sources: readonly MetricSource[]
  readonly intervalMs: number
  readonly timing: GroupTiming
  readonly groupBy: readonly string[]
  readonly inhibit: readonly InhibitRule[]
  readonly escalation: (Escalation & { readonly to: readonly string[] }) | null
  readonly retryForMs: number
  /** Null where people cannot reach this process. */
  readonly links: AckLinks | null
  readonly externalUrl: string
  /** Null: in memory only. */
  readonly store: AlertStore | null
  /** What several controllers know together; null where there is one process, which tells people then. */
  readonly shared: SharedAlerts | null
  report(event: EventDraft): void
  /** Monotonic. */
  now(): number
  wallNow(): number
  random(): number
}

/** What was told of a group, as several processes share it: plain JSON, wall-clock times. */
export interface ToldRecord {
  readonly firing: readonly (readonly [id: string, startsAt: number])[]
  readonly resolved: readonly string[]
  readonly at: number
  /** When it was last told that something new fires. */
  readonly since: number
  /** Whether others were told since, as nobody had acknowledged. */
  readonly escalated: boolean
}

/** What an engine wants to hear of other controllers. */
export interface SharedListener {
  silenced(silence: Silence): void
  /** Null: the acknowledgement is over. */
  acknowledged(id: string, acknowledgement: Acknowledgement | null): void
  /** All that another controller sees now. */
  others(node: string, alerts: readonly SeenAlert[]): void
  /** All that is seen here now. */
  own(): readonly SeenAlert[]
}

/** What several controllers know together. Nothing throws: what cannot be shared now is shared later. */
export interface SharedAlerts {
  /** This controller. */
  readonly node: string
  /** Who tells people, as it was seen last; null: nobody. */
  readonly notifier: string | null
  /** Whether this process tells people now; null: that is not known. */
  notifies(): boolean | null
  /** Tells what is known already, and from then on what changes. One engine at a time. */
  follow(listener: SharedListener): void
  told(): ReadonlyMap<string, ToldRecord>
  /** After a message was taken. */
  publish(groupKey: string, told: ToldRecord): void
  silence(silence: Silence): void
  acknowledge(id: string, acknowledgement: Acknowledgement | null): void
  /** Something began or ended here. */
  changed(): void
}
