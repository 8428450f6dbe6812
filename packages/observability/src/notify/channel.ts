import type { Notification } from './notification.ts'

/** How a message was taken. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** To be tried again, not before `afterMs` where the receiver said so. */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number }
  /** Trying again would not help: the address or the secret is wrong. */
  | { readonly kind: 'refused'; readonly why: string }

/** A way to reach people. One file a kind under `providers/`. */
export interface Channel {
  /** Messages that it takes in so long a time, by its own rules; senders stay below. Null: none is known. */
  readonly limit: { readonly messages: number; readonly perMs: number } | null
  /** Sends one message. What goes wrong is a value; it rejects only when the signal aborts, or by mistake. */
  send(notification: Notification, signal: AbortSignal): Promise<Delivery>
  /** Lets go of connections. */
  close?(): void
}
