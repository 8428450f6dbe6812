import type { AlertStore } from '../alerts/alert-store.ts'
import type { Channel, Delivery } from './channel.ts'
import type { Notification } from './notification.ts'
import { backoffMs, digestOf, enqueue, nextStep, type OutboxEntry } from './outbox.ts'
import { SendBudget } from './send-budget.ts'

export interface ReceiverSenderOptions {
  readonly name: string
  readonly channel: Channel
  /** Where messages wait, so that a restart loses none; null: in memory only. */
  readonly store: AlertStore | null
  readonly retryForMs: number
  readonly now: () => number
  readonly wallNow: () => number
  readonly random: () => number
  /** A message arrived; several when they were sent as one. */
  delivered(notifications: readonly Notification[]): void
  /** It was given up, or refused for good. */
  failed(notification: Notification, why: string): void
  /** An attempt failed, and there will be another. */
  struggles(notification: Notification, why: string, attempts: number): void
}

/** One attempt lasts this long at most: slower channels count as silent. */
const attemptMsMax = 10_000
interface KeptEntry {
  readonly notification: Notification
  readonly createdAt: number
  readonly attempts: number
}

/** Brings messages to one receiver, one at a time, slower than its channel allows. */
export class ReceiverSender {
  readonly #options: ReceiverSenderOptions
  readonly #budget: SendBudget
  #queue: readonly OutboxEntry[] = []
  #timer: NodeJS.Timeout | undefined
  #abort: AbortController | null = null
  #paused = true
  counts: { delivered: number; failed: number; retried: number } = { delivered: 0, failed: 0, retried: 0 }
  /** Why the last attempt failed; empty after one that did not. */
  problem = ''

  constructor(options: ReceiverSenderOptions) {
    this.#options = options
    const { store, name } = options
    const shift = options.now() - options.wallNow()
    const sentAt = (store?.get(`sent/${name}`) as number[] | undefined) ?? []
    this.#budget = new SendBudget(
      options.channel.limit,
      sentAt.map((at) => at + shift),
    )
    this.#queue = (store?.list(`outbox/${name}/`) ?? []).map(({ value }) => ({
      ...(value as KeptEntry),
      createdAt: (value as KeptEntry).createdAt + shift,
      notBefore: options.now(),
      problem: '',
    }))
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Since when the oldest waits, monotonic; null: none does. */
  get oldestAt(): number | null {
    return this.#queue.reduce<number | null>((at, { createdAt }) => Math.min(at ?? Infinity, createdAt), null)
  }

  /** Resolves nothing: what becomes of it is told by the options. */
  send(notification: Notification): void {
    const before = this.#queue
    this.#queue = enqueue(before, notification, this.#options.now())
    this.#keep(before)
    this.#schedule(0)
  }

  /** From now on it sends. */
  begin(): void {
    this.#paused = false
    this.#schedule(0)
  }

  /** Another process sends from now on: what waits here is that one’s to tell, and is given back. */
  stop(): Notification[] {
    this.#paused = true
    clearTimeout(this.#timer)
    const before = this.#queue
    this.#queue = []
    this.#keep(before)
    return before.map(({ notification }) => notification)
  }

  /** What waits stays on disk. */
  close(): void {
    this.#paused = true
    clearTimeout(this.#timer)
    this.#abort?.abort(new Error('the process ends'))
    this.#options.channel.close?.()
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer)
    if (this.#paused || this.#abort !== null) return
    this.#timer = setTimeout(() => void this.#step(), Math.min(inMs, 60_000)).unref()
  }

  async #step(): Promise<void> {
    const { now, retryForMs, failed } = this.#options
    if (this.#paused || this.#abort !== null) return
    const at = now()
    const step = nextStep(this.#queue, this.#budget.left(at), this.#budget.nextAt(at), retryForMs, at)
    switch (step.kind) {
      case 'wait':
        if (step.until < Infinity) this.#schedule(Math.max(1, step.until - at))
        return
      case 'give-up':
        this.#remove([step.entry])
        this.counts.failed++
        failed(step.entry.notification, step.entry.problem)
        return this.#schedule(0)
      case 'send':
        await this.#attempt(step.entries)
        this.#schedule(0)
    }
  }

  async #attempt(entries: readonly OutboxEntry[]): Promise<void> {
    const { channel, now, store, name, wallNow } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    // Newest first: of two words about one alert the newer counts.
    const notification = digestOf(entries.map((entry) => entry.notification).toReversed())
    this.#budget.sent(now())
    if (channel.limit !== null)
      store?.put(
        `sent/${name}`,
        this.#budget.sentAt.map((at) => at - now() + wallNow()),
      )
    let delivery: Delivery
    try {
      delivery = await channel.send(
        notification,
        AbortSignal.any([abort.signal, AbortSignal.timeout(attemptMsMax)]),
      )
    } catch (error) {
      delivery = { kind: 'retry', why: reasonOf(error) }
    }
    this.#abort = null
    if (abort.signal.aborted) return
    this.#settle(entries, delivery)
  }

  #settle(entries: readonly OutboxEntry[], delivery: Delivery): void {
    const { now, delivered, failed, struggles, random } = this.#options
    // One that was merged with a newer word meanwhile is another one: the newer word still has to go.
    const left = entries.filter((entry) => this.#queue.includes(entry))
    this.problem = delivery.kind === 'delivered' ? '' : delivery.why
    if (delivery.kind === 'delivered') {
      this.#remove(left)
      this.counts.delivered++
      return delivered(entries.map(({ notification }) => notification))
    }
    if (delivery.kind === 'refused') {
      this.#remove(left)
      this.counts.failed += left.length
      for (const { notification } of left) failed(notification, delivery.why)
      return
    }
    this.counts.retried++
    const attempts = Math.max(...entries.map((entry) => entry.attempts)) + 1
    const waitMs = Math.max(delivery.afterMs ?? 0, backoffMs(attempts, random()))
    if (delivery.afterMs !== undefined) this.#budget.hold(now() + Math.max(delivery.afterMs, 1))
    const tried = new Map(
      entries.map((entry) => [
        entry,
        { ...entry, attempts: entry.attempts + 1, notBefore: now() + waitMs, problem: delivery.why },
      ]),
    )
    const before = this.#queue
    this.#queue = before.map((entry) => tried.get(entry) ?? entry)
    this.#keep(before)
    struggles(entries[0]!.notification, delivery.why, attempts)
  }

  #remove(gone: readonly OutboxEntry[]): void {
    const before = this.#queue
    this.#queue = before.filter((entry) => !gone.includes(entry))
    this.#keep(before)
  }

  /** Brings the disk up to the queue: only what changed. */
  #keep(before: readonly OutboxEntry[]): void {
    const { store, name, now, wallNow } = this.#options
    if (store === null) return
    const shift = wallNow() - now()
    const nameOf = ({ notification }: OutboxEntry): string => `outbox/${name}/${notification.id}`
    for (const entry of before) if (!this.#queue.includes(entry)) store.delete(nameOf(entry))
    for (const entry of this.#queue) {
      if (before.includes(entry)) continue
      const { notification, createdAt, attempts } = entry
      const kept: KeptEntry = { notification, createdAt: createdAt + shift, attempts }
      store.put(nameOf(entry), kept)
    }
  }
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return `no answer within ${attemptMsMax / 1_000} s`
  const { code, message: deeper } = (cause ?? {}) as NodeJS.ErrnoException
  return [message, deeper === '' ? code : (deeper ?? code)].filter((part) => part !== undefined).join(': ')
}
