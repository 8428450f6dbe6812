import type { LabelSet } from './labels.ts'

/** An alert as it is told: what fires, and what has ended. Times are monotonic milliseconds. */
export interface ToldAlert {
  readonly id: string
  readonly labels: LabelSet
  readonly annotations: LabelSet
  readonly status: 'firing' | 'resolved'
  readonly value: number
  readonly recoveredValue: number | null
  readonly startsAt: number
  readonly endsAt: number | null
}

/** When a group tells of itself, milliseconds. */
export interface GroupTiming {
  /** From its first alert to its first message. */
  readonly waitMs: number
  /** From one message to the next about something new. */
  readonly intervalMs: number
  /** Until it is told again that what fires still does. */
  readonly repeatMs: number
}

/** Two starts of one alert that are no further apart are one: a restart works them out anew. */
const sameStartMs = 1_000

/** What a receiver was told last of a group. */
export interface Told {
  /** What fired, and since when. */
  readonly firing: ReadonlyMap<string, number>
  readonly resolved: ReadonlySet<string>
  readonly at: number
  /** When it was last told that something new fires. */
  readonly since: number
  /** Whether others were told since, as nobody had acknowledged. */
  readonly escalated: boolean
}

/** Alerts that go to one receiver in one message. */
export interface AlertGroup {
  readonly key: string
  readonly receiver: string
  /** The labels that its alerts share, by which they were put together. */
  readonly labels: LabelSet
  readonly alerts: ReadonlyMap<string, ToldAlert>
  /** When it is looked at next. */
  readonly dueAt: number
  readonly hasFlushed: boolean
}

/** A message of a group, or why there is none. */
export type Flush =
  | { readonly kind: 'quiet' }
  | { readonly kind: 'tell'; readonly alerts: readonly ToldAlert[]; readonly why: TellReason }

/** Why a group has something to say. */
export type TellReason = 'firing' | 'resolved' | 'repeat'

/** A group with its first alert; one that has fired long ago is told at once. */
export function openGroup(
  key: string,
  receiver: string,
  labels: LabelSet,
  timing: GroupTiming,
  now: number,
): AlertGroup {
  return { key, receiver, labels, alerts: new Map(), dueAt: now + timing.waitMs, hasFlushed: false }
}

/**
 * A group after an alert began, changed or ended. As in Alertmanager, but for one thing: when with this the last alert that the
 * receiver knows of has ended, it hears so at once, and not at the end of the interval.
 */
export function putAlert(
  group: AlertGroup,
  alert: ToldAlert,
  told: Told | undefined,
  timing: GroupTiming,
  now: number,
): AlertGroup {
  // Thousands may come at once: the group’s own map grows, since a copy for each would cost their square.
  const alerts = (group.alerts as Map<string, ToldAlert>).set(alert.id, alert)
  let { dueAt } = group
  if (!group.hasFlushed && alert.startsAt + timing.waitMs < now) dueAt = Math.min(dueAt, now)
  const known = told !== undefined && told.firing.size > 0
  if (known && [...alerts.values()].every(({ status }) => status === 'resolved')) dueAt = Math.min(dueAt, now)
  return { ...group, alerts, dueAt }
}

/**
 * What a group says at a look at it, when it is looked at next, and whether anything is left of it. `muted` says which alerts are
 * silenced or inhibited: those are as if they were not there.
 */
export function flushGroup(
  group: AlertGroup,
  told: Told | undefined,
  timing: GroupTiming,
  sendResolved: boolean,
  muted: (alert: ToldAlert) => boolean,
  now: number,
): { readonly group: AlertGroup; readonly flush: Flush } {
  const audible = [...group.alerts.values()].filter((alert) => !muted(alert))
  const why = reasonToTell(audible, told, timing.repeatMs, sendResolved, now)
  const alerts = sendResolved ? audible : audible.filter(({ status }) => status === 'firing')
  const flush: Flush =
    why === undefined || alerts.length === 0 ? { kind: 'quiet' } : { kind: 'tell', alerts, why }
  const left = new Map([...group.alerts].filter(([, { status }]) => status === 'firing'))
  return {
    group: { ...group, alerts: left, dueAt: now + timing.intervalMs, hasFlushed: true },
    flush,
  }
}

/** What a receiver knows after a message with these alerts; something new that fires waits for a person anew. */
export function toldOf(
  alerts: readonly ToldAlert[],
  why: TellReason,
  before: Told | undefined,
  now: number,
): Told {
  const firing = alerts.filter(({ status }) => status === 'firing')
  const resolved = alerts.filter(({ status }) => status === 'resolved')
  return {
    firing: new Map(firing.map(({ id, startsAt }) => [id, startsAt])),
    resolved: new Set(resolved.map(({ id }) => id)),
    at: now,
    since: why === 'firing' ? now : (before?.since ?? now),
    escalated: why !== 'firing' && before?.escalated === true,
  }
}

/** Alertmanager's rules (notify/dedup_stage): something new fires; all has ended; something has; or it is time to repeat. */
function reasonToTell(
  alerts: readonly ToldAlert[],
  told: Told | undefined,
  repeatMs: number,
  sendResolved: boolean,
  now: number,
): TellReason | undefined {
  const firing = alerts.filter(({ status }) => status === 'firing')
  const resolved = alerts.filter(({ status }) => status === 'resolved')
  if (alerts.length === 0) return undefined
  if (told === undefined) return firing.length > 0 ? 'firing' : undefined
  // One that ended and began anew is new, also to who was not told of the end.
  if (firing.some(({ id, startsAt }) => (told.firing.get(id) ?? -Infinity) + sameStartMs < startsAt))
    return 'firing'
  if (firing.length === 0) return told.firing.size > 0 ? 'resolved' : undefined
  if (sendResolved && resolved.some(({ id }) => !told.resolved.has(id))) return 'resolved'
  return told.at < now - repeatMs ? 'repeat' : undefined
}
