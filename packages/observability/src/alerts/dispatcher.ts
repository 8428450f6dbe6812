import {
  flushGroup,
  openGroup,
  putAlert,
  toldOf,
  type AlertGroup,
  type GroupTiming,
  type TellReason,
  type Told,
  type ToldAlert,
} from './alert-group.ts'
import { isInhibited, type InhibitRule } from './inhibition.ts'
import { identityOf, type LabelSet } from './labels.ts'
import type { Silences } from './silence.ts'

/** Settings of who is told what, and when. */
export interface DispatcherSettings {
  readonly timing: GroupTiming
  /** Labels by which alerts are put into one message; `...`: every alert by itself. */
  readonly groupBy: readonly string[]
  readonly inhibit: readonly InhibitRule[]
  /** Whether a receiver hears of ends. */
  sendResolved(receiver: string): boolean
}

/** What is to be told now. */
export interface Message {
  readonly groupKey: string
  readonly receiver: string
  readonly groupLabels: LabelSet
  readonly reason: TellReason
  readonly alerts: readonly ToldAlert[]
}

/** What was told is remembered so long after everything has ended: a controller that takes over must know it. */
const rememberedMs = 3_600_000

/** A group without anything firing is kept so long where another process tells. */
const prunedMs = 900_000

/** Puts alerts into groups and finds out when each group has something to tell. It sends nothing, and keeps no time. */
export class Dispatcher {
  readonly #settings: DispatcherSettings
  readonly #silences: Silences
  readonly #groups = new Map<string, AlertGroup>()
  readonly #told = new Map<string, Told>()
  readonly #firing = new Map<string, LabelSet>()

  constructor(settings: DispatcherSettings, silences: Silences) {
    this.#settings = settings
    this.#silences = silences
  }

  get groups(): ReadonlyMap<string, AlertGroup> {
    return this.#groups
  }

  get told(): ReadonlyMap<string, Told> {
    return this.#told
  }

  /** An alert began to fire, changed or ended; receivers without doubles. */
  put(alert: ToldAlert, receivers: readonly string[], now: number): void {
    if (alert.status === 'firing') this.#firing.set(alert.id, alert.labels)
    else this.#firing.delete(alert.id)
    for (const receiver of receivers) {
      const labels = this.#labelsOf(alert.labels)
      const key = `${receiver} ${identityOf(labels)}`
      const known = this.#groups.get(key)
      if (known === undefined && alert.status === 'resolved' && !this.#told.get(key)?.firing.has(alert.id))
        continue
      const group = known ?? openGroup(key, receiver, labels, this.#settings.timing, now)
      this.#groups.set(key, putAlert(group, alert, this.#told.get(key), this.#settings.timing, now))
    }
  }

  /** When something is due next; infinite: never. */
  get dueAt(): number {
    let due = Infinity
    for (const group of this.#groups.values()) due = Math.min(due, group.dueAt)
    return due
  }

  /** What is to be told at this time. What it gives is taken for told. */
  flush(now: number, wallNow: number): Message[] {
    const messages: Message[] = []
    for (const [key, before] of this.#groups) {
      if (before.dueAt > now) continue
      const { group, flush } = flushGroup(
        before,
        this.#told.get(key),
        this.#settings.timing,
        this.#settings.sendResolved(before.receiver),
        ({ labels }) =>
          this.#silences.isSilenced(labels, wallNow) ||
          isInhibited(this.#settings.inhibit, labels, this.#firing.values()),
        now,
      )
      if (group.alerts.size === 0) this.#groups.delete(key)
      else this.#groups.set(key, group)
      if (flush.kind === 'quiet') continue
      this.#told.set(key, toldOf(flush.alerts, flush.why, this.#told.get(key), now))
      const { receiver, labels: groupLabels } = group
      messages.push({ groupKey: key, receiver, groupLabels, reason: flush.why, alerts: flush.alerts })
    }
    for (const [key, { firing, at }] of this.#told)
      if (firing.size === 0 && now - at > rememberedMs) this.#told.delete(key)
    return messages
  }

  /** What somebody else has told, or this process before a restart. */
  remember(key: string, told: Told): void {
    this.#told.set(key, told)
  }

  /** What ended long ago is forgotten, also where nobody is told from here. */
  prune(now: number): void {
    for (const [key, { alerts }] of this.#groups)
      if ([...alerts.values()].every(({ endsAt }) => endsAt !== null && now - endsAt > prunedMs))
        this.#groups.delete(key)
  }

  /** Others were told, since nobody had acknowledged. */
  escalated(key: string): void {
    const told = this.#told.get(key)
    if (told !== undefined) this.#told.set(key, { ...told, escalated: true })
  }

  /** Nobody was told after all: the group says it again when it is looked at next. */
  forget(key: string): void {
    this.#told.delete(key)
  }

  /** Whatever is muted at this time, for showing. */
  mutedBy(labels: LabelSet, wallNow: number): 'silenced' | 'inhibited' | null {
    if (this.#silences.isSilenced(labels, wallNow)) return 'silenced'
    return isInhibited(this.#settings.inhibit, labels, this.#firing.values()) ? 'inhibited' : null
  }

  /** Every group is looked at now: after a silence ended, or when this process begins to notify. */
  hurry(now: number): void {
    for (const [key, group] of this.#groups)
      if (group.hasFlushed) this.#groups.set(key, { ...group, dueAt: Math.min(group.dueAt, now) })
  }

  #labelsOf(labels: LabelSet): LabelSet {
    const { groupBy } = this.#settings
    if (groupBy.includes('...')) return labels
    return Object.fromEntries(groupBy.filter((name) => name in labels).map((name) => [name, labels[name]!]))
  }
}
