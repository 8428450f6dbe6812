import type { ReceiverReport } from '@budao/model'
import type { AlertStore } from '../alerts/alert-store.ts'
import type { Channel } from './channel.ts'
import type { Notification } from './notification.ts'
import { ReceiverSender, type ReceiverSenderOptions } from './receiver-sender.ts'

/** One receiver, ready to be sent to. */
export interface OpenReceiver {
  readonly name: string
  /** As the configuration names it: `webhook`, `email`, … */
  readonly kind: string
  readonly sendResolved: boolean
  readonly channel: Channel
}

export interface ReceiversOptions extends Pick<
  ReceiverSenderOptions,
  'retryForMs' | 'now' | 'wallNow' | 'random'
> {
  readonly store: AlertStore | null
  delivered(notifications: readonly Notification[]): void
  failed(notification: Notification, why: string): void
  struggles(notification: Notification, why: string, attempts: number): void
}

/** All receivers of a process with what waits for them. */
export class Receivers {
  readonly #senders: ReadonlyMap<string, { readonly receiver: OpenReceiver; readonly sender: ReceiverSender }>
  readonly #now: () => number
  readonly #failed: ReceiversOptions['failed']

  constructor(receivers: readonly OpenReceiver[], options: ReceiversOptions) {
    this.#now = options.now
    this.#failed = (notification, why) => options.failed(notification, why)
    this.#senders = new Map(
      receivers.map((receiver) => [
        receiver.name,
        {
          receiver,
          sender: new ReceiverSender({ ...options, name: receiver.name, channel: receiver.channel }),
        },
      ]),
    )
  }

  sendResolved(name: string): boolean {
    return this.#senders.get(name)?.receiver.sendResolved ?? false
  }

  /** A rule of another controller may name somebody who is not known here: that is said, and not lost without a word. */
  send(notification: Notification): void {
    const found = this.#senders.get(notification.receiver)
    if (found === undefined)
      this.#failed(notification, 'there is no such receiver in `alerts` of this controller')
    else found.sender.send(notification)
  }

  begin(): void {
    for (const { sender } of this.#senders.values()) sender.begin()
  }

  /** What waited and is another process’s to tell now. */
  stop(): Notification[] {
    return [...this.#senders.values()].flatMap(({ sender }) => sender.stop())
  }

  close(): void {
    for (const { sender } of this.#senders.values()) sender.close()
  }

  reports(): ReceiverReport[] {
    return [...this.#senders.values()].map(({ receiver, sender }) => ({
      name: receiver.name,
      kind: receiver.kind,
      waiting: sender.waiting,
      oldestMs: sender.oldestAt === null ? null : Math.max(0, Math.round(this.#now() - sender.oldestAt)),
      ...sender.counts,
      problem: sender.problem,
    }))
  }
}
