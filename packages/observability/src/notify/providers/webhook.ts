import { createHmac } from 'node:crypto'
import type { Channel } from '../channel.ts'
import { byStatus, post } from '../http-post.ts'
import { commonOf, type Notification } from '../notification.ts'

export interface WebhookOptions {
  readonly url: string
  /** Signs every message. */
  readonly secret?: string
  /** Wall clock, milliseconds since 1970. Default the machine's. */
  readonly now?: () => number
}

/** What Alertmanager writes for an end that is not known. */
const never = '0001-01-01T00:00:00Z'

/**
 * Any program: the JSON of Alertmanager’s webhooks, version 4, and beside it the values. `Idempotency-Key` is the same for every
 * attempt; `X-Budao-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA256 of `SECONDS.BODY`.
 */
export function webhookChannel({ url, secret, now = Date.now }: WebhookOptions): Channel {
  return {
    limit: null,
    async send(notification, signal) {
      const body = JSON.stringify(webhookPayload(notification))
      const headers: Record<string, string> = { 'idempotency-key': notification.id }
      if (secret !== undefined) {
        const seconds = Math.floor(now() / 1_000)
        const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
        headers['x-budao-signature'] = `t=${seconds},v1=${mac}`
      }
      return byStatus(await post(url, body, headers, signal))
    },
  }
}

/** The message as Alertmanager would send it. */
export function webhookPayload(notification: Notification): object {
  const { alerts, groupKey, groupLabels, status, receiver, externalUrl, truncated, reason, ackUrl } =
    notification
  return {
    version: '4',
    groupKey,
    truncatedAlerts: truncated,
    status,
    receiver,
    groupLabels,
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    externalURL: externalUrl,
    alerts: alerts.map(({ startsAt, endsAt, value, recoveredValue, ...alert }) => ({
      ...alert,
      startsAt,
      endsAt: endsAt ?? never,
      generatorURL: externalUrl,
      value,
      recoveredValue,
    })),
    reason,
    ackURL: ackUrl,
  }
}
