import type { LabelSet } from '../alerts/labels.ts'

/** One alert as a message tells it. */
export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: LabelSet
  readonly annotations: LabelSet
  readonly value: number
  /** What it was when the condition had ended; null: it has not, or nobody knows. */
  readonly recoveredValue: number | null
  /** ISO 8601 in UTC. */
  readonly startsAt: string
  /** Null while it fires. */
  readonly endsAt: string | null
  readonly fingerprint: string
}

/** Why a message is sent: something new, all or something ended, it still fires, nobody has acknowledged, or many at once. */
export type NotificationReason = 'firing' | 'resolved' | 'repeat' | 'escalation' | 'digest' | 'test'

/** What goes to one receiver about one group of alerts; plain JSON, so that it can wait on disk. */
export interface Notification {
  /** The same for every attempt: receivers can tell repetitions by it. */
  readonly id: string
  readonly receiver: string
  readonly groupKey: string
  readonly groupLabels: LabelSet
  readonly reason: NotificationReason
  readonly status: 'firing' | 'resolved'
  /** At most `alertsShownMax`; those that fire come first. */
  readonly alerts: readonly NotifiedAlert[]
  /** Further alerts that are not among `alerts`. */
  readonly truncated: number
  /** Of all, those that are not shown too. */
  readonly firing: number
  readonly resolved: number
  /** Where a person says that they have seen it; null: nowhere. */
  readonly ackUrl: string | null
  /** Where the console is; empty: nobody said. */
  readonly externalUrl: string
  /** ISO 8601 in UTC. */
  readonly createdAt: string
}

/** What a message carries: who needs the rest looks at the list. */
export const alertsShownMax = 200

/** Labels that all alerts of a message have. */
export function commonOf(sets: readonly LabelSet[]): LabelSet {
  const [first, ...others] = sets
  if (first === undefined) return {}
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  )
}

/** The gravest of the severities, those that sort first: P1 before P2, critical before warning. */
export function severityOf({
  alerts,
}: {
  readonly alerts: readonly { readonly labels: LabelSet }[]
}): string {
  const all = alerts.map(({ labels }) => labels['severity'] ?? '')
  return all.toSorted()[0] ?? ''
}
