import { Worker } from 'node:worker_threads'
import type { WorkerAnswer, FromWorker, WorkerOrder, WorkerStart } from './worker-messages.ts'

const ANSWER_MS = 20_000
/** What a request leaves behind dies at once; a larger nursery only costs memory (measured: no difference in CPU). */
const YOUNG_GENERATION_MB = 4

export interface WorkerThreadOptions {
  /** Whatever the thread says without being asked. */
  onNews(news: Exclude<FromWorker, WorkerAnswer>): void
  /** It has ended, for whatever reason; `cause` is empty when it gave none. */
  onExit(cause: string): void
}

interface Asked {
  readonly timer: NodeJS.Timeout
  resolve(answer: WorkerAnswer): void
  reject(error: Error): void
}

/** One thread of the pool, as something that can be asked. */
export class WorkerThread {
  readonly #name: string
  readonly #thread: Worker
  readonly #asked: Map<number, Asked> = new Map()
  #lastId = 0
  #ended = false
  #cause = ''

  constructor(start: WorkerStart, options: WorkerThreadOptions) {
    this.#name = `worker ${start.worker}`
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#thread = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: start,
      name: `worker-${start.worker}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#thread.on('message', (message: FromWorker) => {
      if ('id' in message) this.#onAnswer(message)
      else options.onNews(message)
    })
    this.#thread.on('error', (error) => {
      this.#cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    this.#thread.on('exit', () => {
      this.#ended = true
      const cause = this.#cause
      for (const [id, asked] of this.#asked) {
        this.#forget(id, asked)
        asked.reject(new Error(`${this.#name} ended${cause === '' ? '' : `: ${cause}`}`))
      }
      options.onExit(cause)
    })
  }

  /** Rejects with what the thread could not do, when it ends, or when it says nothing within `timeoutMs`. */
  ask(order: WorkerOrder, timeoutMs: number = ANSWER_MS): Promise<WorkerAnswer> {
    if (this.#ended) return Promise.reject(new Error(`${this.#name} has ended`))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id)
        reject(new Error(`${this.#name} did not answer ${order.kind} within ${timeoutMs} ms`))
      }, timeoutMs)
      this.#asked.set(id, { timer, resolve, reject })
      this.#thread.postMessage({ ...order, id }, order.kind === 'key-file' ? [order.port] : [])
    })
  }

  /** `cause` is what its exit is explained with. */
  async terminate(cause = ''): Promise<void> {
    this.#cause ||= cause
    await this.#thread.terminate()
  }

  #onAnswer(answer: WorkerAnswer): void {
    const asked = this.#asked.get(answer.id)
    // Too late: whoever asked has been told so.
    if (asked === undefined) return
    this.#forget(answer.id, asked)
    if (answer.kind === 'failed') asked.reject(new Error(answer.problem))
    else asked.resolve(answer)
  }

  #forget(id: number, { timer }: Asked): void {
    clearTimeout(timer)
    this.#asked.delete(id)
  }
}
