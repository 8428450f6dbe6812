import type { EventDraft } from '@budao/model'
import type { Notification } from '../notify/notification.ts'

/** Says as events how receivers take messages: once for each time that one of them fails, not for every attempt. */
export class DeliveryNews {
  readonly #report: (event: EventDraft) => void
  readonly #struggling = new Set<string>()

  constructor(report: (event: EventDraft) => void) {
    this.#report = report
  }

  delivered({ receiver }: Notification): void {
    if (!this.#struggling.delete(receiver)) return
    this.#report({
      kind: 'alert.delivered-again',
      severity: 'info',
      subject: receiver,
      message: `${receiver} takes messages again.`,
      evidence: {},
    })
  }

  failed({ receiver, groupKey, alerts }: Notification, why: string): void {
    const what = `${receiver} did not take a message about ${alerts.length} alert(s)`
    this.#report({
      kind: 'alert.undelivered',
      severity: 'critical',
      subject: receiver,
      message: `${what}, and will not be asked again: ${why}`.slice(0, 500),
      evidence: { why, group: groupKey, givenUp: true },
    })
  }

  struggles({ receiver, groupKey }: Notification, why: string, attempts: number): void {
    if (this.#struggling.has(receiver)) return
    this.#struggling.add(receiver)
    this.#report({
      kind: 'alert.undelivered',
      severity: 'warning',
      subject: receiver,
      message: `${receiver} does not take messages; they are tried again: ${why}`.slice(0, 500),
      evidence: { why, group: groupKey, attempts, givenUp: false },
    })
  }
}
