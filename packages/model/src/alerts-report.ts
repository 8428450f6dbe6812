/** Rules, alerts and receivers of a process at one moment. */
export interface AlertsReport {
  /** Whether this process tells people; of several controllers one does. */
  readonly notifies: boolean
  /** The controller that does, as it was seen last; null: there is one process, or nobody does. */
  readonly notifier: string | null
  /** Since rules were last judged, milliseconds. */
  readonly judgedMs: number
  readonly rules: readonly AlertRuleReport[]
  readonly alerts: readonly AlertReport[]
  readonly silences: readonly SilenceReport[]
  readonly receivers: readonly ReceiverReport[]
}

export interface AlertRuleReport {
  readonly name: string
  readonly condition: string
  readonly severity: string
  readonly builtIn: boolean
  readonly state: 'ok' | 'pending' | 'firing'
  readonly notify: readonly string[]
  /** Why it cannot be judged; empty: it can. */
  readonly problem: string
}

export interface AlertReport {
  /** Names it in links and wishes. */
  readonly fingerprint: string
  readonly name: string
  readonly severity: string
  readonly state: 'pending' | 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly value: number | null
  /** ISO 8601 in UTC. */
  readonly since: string
  /** Null while it has not ended. */
  readonly endedAt: string | null
  /** Other controllers that see it fire. */
  readonly seenElsewhere: readonly string[]
  /** Why nobody is told of it; null: somebody is. */
  readonly muted: 'silenced' | 'inhibited' | null
  readonly acknowledged: { readonly by: string; readonly at: string; readonly reason: string } | null
}

export interface SilenceReport {
  readonly id: string
  readonly matchers: readonly string[]
  readonly startsAt: string
  readonly endsAt: string
  readonly by: string
  readonly reason: string
  readonly state: 'pending' | 'active' | 'expired'
}

export interface ReceiverReport {
  readonly name: string
  readonly kind: string
  readonly waiting: number
  /** Since when the oldest message waits, milliseconds; null: none does. */
  readonly oldestMs: number | null
  readonly delivered: number
  readonly failed: number
  readonly retried: number
  /** Of the last attempt; empty after one that was taken. */
  readonly problem: string
}

/** A wish not to hear of some alerts. */
export interface SilenceWish {
  readonly matchers: readonly string[]
  /** Milliseconds. */
  readonly forMs: number
  readonly by: string
  readonly reason: string
}

/** A person has seen an alert: nobody else is woken for it. */
export interface AckWish {
  /** Of an alert, or its name: then all of that name. */
  readonly alert: string
  readonly by: string
  readonly reason: string
}
