import { alertsShownMax, commonOf, type Notification, type NotifiedAlert } from './notification.ts'

/** A message that waits, or is being tried. Monotonic milliseconds. */
export interface OutboxEntry {
  readonly notification: Notification
  readonly createdAt: number
  readonly attempts: number
  readonly notBefore: number
  readonly problem: string
}

/** What a receiver’s queue does next. */
export type OutboxStep =
  | { readonly kind: 'wait'; readonly until: number }
  /** Several are to be one message. */
  | { readonly kind: 'send'; readonly entries: readonly OutboxEntry[] }
  | { readonly kind: 'give-up'; readonly entry: OutboxEntry }

/** A receiver that takes nothing keeps so many messages at most; the oldest are merged into one then. */
export const waitingMax = 500

/** A new message joins the queue. One of the same group that still waits is one with it: nobody reads what is over. */
export function enqueue(
  queue: readonly OutboxEntry[],
  notification: Notification,
  now: number,
): readonly OutboxEntry[] {
  const same = queue.find((entry) => isSameTopic(entry.notification, notification))
  if (same === undefined)
    return limited(
      [...queue, { notification, createdAt: now, attempts: 0, notBefore: now, problem: '' }],
      now,
    )
  const merged: OutboxEntry = {
    ...same,
    notification: { ...notification, ...together([notification, same.notification]) },
    // What is new has all its time before it.
    createdAt: now,
    notBefore: same.attempts === 0 ? now : same.notBefore,
  }
  return queue.map((entry) => (entry === same ? merged : entry))
}

/** What to do now, with so many messages left to send. */
export function nextStep(
  queue: readonly OutboxEntry[],
  left: number,
  budgetAt: number,
  retryForMs: number,
  now: number,
): OutboxStep {
  const old = queue.find(({ createdAt, attempts }) => attempts > 0 && now - createdAt >= retryForMs)
  if (old !== undefined) return { kind: 'give-up', entry: old }
  const due = queue.filter(({ notBefore }) => notBefore <= now)
  if (due.length === 0)
    return { kind: 'wait', until: queue.reduce((at, { notBefore }) => Math.min(at, notBefore), Infinity) }
  if (left < 1) return { kind: 'wait', until: budgetAt }
  // Cards that would wait for their turn are stale when it comes: what is left goes to one that has all.
  return { kind: 'send', entries: due.length > left ? due : due.slice(0, 1) }
}

/** From one second on, twice as long each time, five minutes at most; a fifth more or less, so that senders do not meet. */
export function backoffMs(attempts: number, random: number): number {
  return Math.min(300_000, 1_000 * 2 ** Math.min(20, attempts - 1)) * (0.8 + 0.4 * random)
}

/** Several messages as one. Its id is that of the first: the same messages make the same digest. */
export function digestOf(notifications: readonly Notification[]): Notification {
  const [first, ...others] = notifications
  if (others.length === 0) return first!
  return {
    ...first!,
    groupKey: `digest ${first!.receiver}`,
    groupLabels: commonOf(notifications.map(({ groupLabels }) => groupLabels)),
    reason: 'digest',
    // Each group is acknowledged by itself.
    ackUrl: null,
    ...together(notifications),
  }
}

/** Alerts of several messages, the newer word about each: the first message is the newest. */
function together(
  notifications: readonly Notification[],
): Pick<Notification, 'alerts' | 'status' | 'truncated' | 'firing' | 'resolved'> {
  const found = new Map<string, NotifiedAlert>()
  for (const { alerts } of notifications)
    for (const alert of alerts) if (!found.has(alert.fingerprint)) found.set(alert.fingerprint, alert)
  const all = [...found.values()]
  const firing = all.filter(({ status }) => status === 'firing')
  const resolved = all.filter(({ status }) => status === 'resolved')
  const hidden = notifications.reduce((sum, { truncated }) => sum + truncated, 0)
  const hiddenFiring = notifications.reduce(
    (sum, each) => sum + each.firing - each.alerts.filter(({ status }) => status === 'firing').length,
    0,
  )
  const alerts = [...firing, ...resolved].slice(0, alertsShownMax)
  return {
    alerts,
    status: firing.length > 0 ? 'firing' : 'resolved',
    truncated: all.length - alerts.length + hidden,
    firing: firing.length + hiddenFiring,
    resolved: resolved.length + hidden - hiddenFiring,
  }
}

function isSameTopic(a: Notification, b: Notification): boolean {
  const isEscalation = (each: Notification): boolean => each.reason === 'escalation'
  return a.groupKey === b.groupKey && isEscalation(a) === isEscalation(b)
}

function limited(queue: readonly OutboxEntry[], now: number): readonly OutboxEntry[] {
  if (queue.length <= waitingMax) return queue
  const half = queue.slice(0, waitingMax / 2)
  const notification = digestOf(half.map((entry) => entry.notification).toReversed())
  const digest: OutboxEntry = { ...half[0]!, notification, createdAt: now }
  return [digest, ...queue.slice(waitingMax / 2)]
}
