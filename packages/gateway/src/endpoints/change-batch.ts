import { setTimeout as sleep } from 'node:timers/promises'

/** Runs a change once for all who ask within a moment, and never twice at a time: a bounded rate, however often it is asked for. */
export class ChangeBatch<Result> {
  readonly #waitMs: number
  readonly #change: () => Promise<Result>
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<Result> | null = null

  constructor(waitMs: number, change: () => Promise<Result>) {
    this.#waitMs = waitMs
    this.#change = change
  }

  /** Settles with a change that began after this call. */
  run(): Promise<Result> {
    this.#next ??= this.#begin()
    return this.#next
  }

  async #begin(): Promise<Result> {
    await Promise.all([sleep(this.#waitMs), this.#running])
    this.#next = null
    const change = this.#change()
    this.#running = change.catch(() => {})
    return change
  }
}
