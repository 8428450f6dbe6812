import { createHash, randomUUID } from 'node:crypto'
import type { Notification, NotificationReason, NotifiedAlert } from '../notify/notification.ts'
import { alertsShownMax } from '../notify/notification.ts'
import type { ToldAlert } from './alert-group.ts'
import type { Message } from './dispatcher.ts'

/** What a message is made with besides its alerts. */
export interface MessageContext {
  readonly externalUrl: string
  readonly ackUrl: string | null
  /** What monotonic time 0 is by the wall clock, milliseconds since 1970. */
  readonly epoch: number
  readonly wallNow: number
}

/** A message with the times of people, short enough to wait on disk. */
export function notificationOf(
  message: Omit<Message, 'reason'> & { readonly reason: NotificationReason },
  context: MessageContext,
): Notification {
  const { receiver, groupKey, groupLabels, reason } = message
  const firing = message.alerts.filter(({ status }) => status === 'firing')
  const resolved = message.alerts.filter(({ status }) => status === 'resolved')
  const alerts = [...firing, ...resolved].slice(0, alertsShownMax)
  return {
    id: randomUUID(),
    receiver,
    groupKey,
    groupLabels,
    reason,
    status: firing.length > 0 ? 'firing' : 'resolved',
    alerts: alerts.map((alert) => notified(alert, context.epoch)),
    truncated: message.alerts.length - alerts.length,
    firing: firing.length,
    resolved: resolved.length,
    ackUrl: firing.length > 0 ? context.ackUrl : null,
    externalUrl: context.externalUrl,
    createdAt: new Date(context.wallNow).toISOString(),
  }
}

/** What an alert is called where its labels would be too long: the same for the same labels, on every machine. */
export function fingerprintOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 16)
}

function notified(alert: ToldAlert, epoch: number): NotifiedAlert {
  const { status, labels, annotations, value, recoveredValue, startsAt, endsAt, id } = alert
  const instant = (at: number): string => new Date(Math.round(epoch + at)).toISOString()
  return {
    status,
    labels,
    annotations,
    value,
    recoveredValue,
    startsAt: instant(startsAt),
    endsAt: endsAt === null ? null : instant(endsAt),
    fingerprint: fingerprintOf(id),
  }
}
