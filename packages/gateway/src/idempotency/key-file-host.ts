import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Config, EventDraft } from '@budao/model'
import type { KeyCounts } from './key-file.ts'
import type { FromKeyFileThread, KeyFileStart } from './key-file-messages.ts'

const RESTART_MS = 1_000
/** Opening waits for another process that is just ending. */
const OPEN_MS = 15_000
const CLOSE_MS = 5_000

export interface KeyFileHostOptions {
  /** Absent: keys live as long as the process. */
  readonly path: string | undefined
  report(event: EventDraft): void
  warn(message: string): void
  /** The thread was started anew: the ports that lead there are those of `connect` from now on. */
  onRestart(): void
}

/** The thread that keeps idempotency keys in a file, as the main thread sees it: started where a route wants it. */
export class KeyFileHost {
  readonly #options: KeyFileHostOptions
  #thread: Worker | null = null
  #counts: ReadonlyMap<string, Readonly<KeyCounts>> = new Map()
  /** Who has a way to the thread that is running. */
  #connected = new WeakSet()
  #closed = false

  constructor(options: KeyFileHostOptions) {
    this.#options = options
  }

  /** Starts the thread if a route of this configuration needs it. Rejects with why the file cannot be used. */
  async arrange(config: Config): Promise<void> {
    if (this.#thread === null && keepsKeysHere(config)) this.#thread = await this.#start()
  }

  /** One end of a new way to the thread, for `who`; null when there is no thread, or who asks has a way there. */
  connect(who: object): MessagePort | null {
    if (this.#thread === null || this.#connected.has(who)) return null
    this.#connected.add(who)
    const { port1, port2 } = new MessageChannel()
    this.#thread.postMessage({ kind: 'port', port: port1 }, [port1])
    return port2
  }

  /** What lies in the file, by name. */
  counts(): ReadonlyMap<string, Readonly<KeyCounts>> {
    return this.#counts
  }

  /** Writes back what the log of the file holds, and closes it. */
  async close(): Promise<void> {
    this.#closed = true
    const thread = this.#thread
    this.#thread = null
    if (thread === null) return
    const ended = new Promise<void>((resolve) => void thread.once('exit', () => resolve()))
    const timer = setTimeout(() => void thread.terminate(), CLOSE_MS)
    thread.postMessage({ kind: 'close' })
    await ended
    clearTimeout(timer)
  }

  #start(): Promise<Worker> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const workerData: KeyFileStart = { path: this.#options.path ?? ':memory:' }
    const thread = new Worker(new URL(`./key-file-thread.${extension}`, import.meta.url), {
      workerData,
      name: 'key-file',
    })
    return new Promise((resolve, reject) => {
      const fail = (problem: string): void => {
        clearTimeout(timer)
        reject(new Error(problem))
        void thread.terminate()
      }
      const timer = setTimeout(() => fail(`${workerData.path} could not be opened in ${OPEN_MS} ms`), OPEN_MS)
      let cause = ''
      thread.on('message', (message: FromKeyFileThread) => {
        if (message.kind === 'event') this.#options.report(message.event)
        else if (message.kind === 'counts') this.#counts = message.counts
        else if (message.kind === 'failed') fail(message.problem)
        else {
          clearTimeout(timer)
          resolve(thread)
        }
      })
      thread.on('error', (error) => (cause = String(error)))
      thread.on('exit', () => {
        fail(`the thread of the key file has ended: ${cause}`)
        if (this.#thread === thread && !this.#closed) this.#onCrash(cause)
      })
    })
  }

  #onCrash(cause: string): void {
    this.#thread = null
    this.#connected = new WeakSet()
    this.#options.report({
      kind: 'idempotency.away',
      severity: 'critical',
      subject: this.#options.path ?? ':memory:',
      message: 'The thread that keeps idempotency keys ended unexpectedly and is started anew.',
      evidence: { reason: cause.slice(0, 2_000) },
    })
    setTimeout(() => void this.#restart(), RESTART_MS).unref()
  }

  async #restart(): Promise<void> {
    if (this.#closed || this.#thread !== null) return
    try {
      this.#thread = await this.#start()
    } catch (error) {
      this.#options.warn(`idempotency keys are still not kept: ${String(error)}`)
      setTimeout(() => void this.#restart(), RESTART_MS).unref()
      return
    }
    if (this.#closed) return void this.close()
    this.#options.onRestart()
    this.#options.report({
      kind: 'idempotency.back',
      severity: 'info',
      subject: this.#options.path ?? ':memory:',
      message: 'Idempotency keys are kept again.',
      evidence: {},
    })
  }
}

function keepsKeysHere({ routes }: Config): boolean {
  return routes.some(({ filters }) =>
    filters.some((filter) => 'idempotency' in filter && filter.idempotency.store === undefined),
  )
}
