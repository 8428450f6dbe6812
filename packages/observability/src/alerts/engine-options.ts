import type { EventDraft } from '@budao/model'
import type { OpenReceiver } from '../notify/receivers.ts'
import type { AlertRule } from '../rules/rule.ts'
import type { AckLinks } from './ack-link.ts'
import type { Escalation } from './acknowledgements.ts'
import type { GroupTiming } from './alert-group.ts'
import type { AlertStore } from './alert-store.ts'
import type { InhibitRule } from './inhibition.ts'
import type { MetricSource } from './scraper.ts'

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
  /** What several controllers know of what was told; null where there is one process. */
  readonly shared: SharedTold | null
  /** Whether this process tells people now. */
  notifies(): boolean
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
}

/** Keeps what was told where all controllers see it. */
export interface SharedTold {
  /** Everything that is known. */
  all(): ReadonlyMap<string, ToldRecord>
  /** After a message was taken. Never throws; what cannot be kept may be told twice. */
  publish(groupKey: string, told: ToldRecord): void
  close(): void
}
