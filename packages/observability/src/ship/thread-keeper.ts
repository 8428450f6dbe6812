import type { Worker } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'

/** A thread to keep running, and what it says. */
export interface ThreadKeeperOptions<From> {
  readonly name: string
  make(): Worker
  heard(message: From): void
  /** It has been started, again perhaps. */
  opened?(): void
  died?(): void
  report(event: EventDraft): void
  warn(message: string): void
}

const restartMs = 1_000
const openMs = 30_000
const closeMs = 15_000

/** Keeps one thread running: it says `open` when it is ready, and ends by itself when it is told `close`. */
export class ThreadKeeper<To, From extends { readonly kind: string }> {
  readonly #options: ThreadKeeperOptions<From>
  #thread: Worker | null = null
  #closed = false

  constructor(options: ThreadKeeperOptions<From>) {
    this.#options = options
  }

  /** Resolves when it is ready; rejects with what it said, or why it ended. */
  async start(): Promise<void> {
    this.#closed = false
    await this.#begin()
  }

  get running(): boolean {
    return this.#thread !== null
  }

  /** To a thread that is not running nothing is said. */
  send(message: To): void {
    this.#thread?.postMessage(message)
  }

  /** Ends it, and starts it with what `make` gives it now. */
  async restart(): Promise<void> {
    await this.#end()
    await this.start()
  }

  /** Ends it; it may be started again. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  async #begin(): Promise<void> {
    this.#thread = await this.#open()
    this.#options.opened?.()
  }

  async #end(): Promise<void> {
    const thread = this.#thread
    this.#thread = null
    if (thread === null) return
    const ended = new Promise<void>((resolve) => void thread.once('exit', () => resolve()))
    const timer = setTimeout(() => void thread.terminate(), closeMs)
    thread.postMessage({ kind: 'close' })
    await ended
    clearTimeout(timer)
  }

  #open(): Promise<Worker> {
    const { name, make, heard } = this.#options
    const thread = make()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(`${name} did not start in ${openMs} ms`), openMs)
      const fail = (problem: string): void => {
        clearTimeout(timer)
        reject(new Error(problem))
        void thread.terminate()
      }
      let cause = ''
      thread.on('message', (message: From & { problem?: string }) => {
        if (message.kind === 'open') {
          clearTimeout(timer)
          resolve(thread)
        } else if (message.kind === 'failed') fail(message.problem!)
        else heard(message)
      })
      thread.on('error', (error) => (cause = String(error)))
      thread.on('exit', () => {
        fail(`${name} has ended: ${cause}`)
        if (this.#thread === thread && !this.#closed) this.#onCrash(cause)
      })
    })
  }

  #onCrash(cause: string): void {
    const { name, report, died } = this.#options
    this.#thread = null
    died?.()
    report({
      kind: 'logs.crashed',
      severity: 'warning',
      subject: name,
      message: `The thread ${name} ended unexpectedly and is started anew.`,
      evidence: { reason: cause.slice(0, 2_000) },
    })
    this.#later()
  }

  #later(): void {
    setTimeout(() => void this.#again(), restartMs).unref()
  }

  async #again(): Promise<void> {
    if (this.#closed || this.#thread !== null) return
    try {
      await this.#begin()
    } catch (error) {
      this.#options.warn(`${this.#options.name} could not be started: ${(error as Error).message}`)
      return this.#later()
    }
    if (this.#closed) await this.#end()
  }
}
