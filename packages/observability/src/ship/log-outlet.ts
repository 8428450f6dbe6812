import { Worker } from 'node:worker_threads'
import type { EventDraft, LogFilter, LogRecord, LogsAnswer, LogSinkReport, LogsTally } from '@budao/model'
import type { LogQuery, LogTallyQuery } from '../store/log-search.ts'
import { logEnd, type LogPlace } from '../store/segment-reader.ts'
import { ThreadKeeper } from './thread-keeper.ts'
import type { FromOutlet, OutletStart, ToOutlet } from './thread-messages.ts'

/** What the outside gives. */
export interface LogOutletOptions {
  /** As the configuration has it now. */
  start(): OutletStart
  /** How sinks go; segments before `taken` have been taken by all of them. */
  reported(sinks: readonly LogSinkReport[], taken: number): void
  report(event: EventDraft): void
  warn(message: string): void
}

/** Somebody who looks at what comes. */
export type FollowListener = (records: readonly LogRecord[], missed: number) => void

interface Follower {
  readonly filter: LogFilter
  readonly listener: FollowListener
  /** Where to begin; null for a thread that is started anew: at the end there is then. */
  from: LogPlace | null
}

/** Searches waiting at a time. */
const asksMax = 32
const followersMax = 32
/** A search that takes longer is answered with what it has. */
const searchMs = 10_000
/** Who searches searches again: so long the thread stays behind the last question. */
const restAfterMs = 60_000
const youngGenerationMb = 4

/**
 * What passes records on to sinks and searches, in a thread that is there while there are sinks, or somebody asks: it takes 15 MB,
 * which an agent that only collects does not have to give.
 */
export class LogOutlet {
  readonly #options: LogOutletOptions
  readonly #thread: ThreadKeeper<ToOutlet, FromOutlet>
  /** Starts and ends of the thread, one at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  #restTimer: NodeJS.Timeout | undefined
  #closed = false
  #nextId = 1
  readonly #asks = new Map<number, Pick<PromiseWithResolvers<any>, 'resolve' | 'reject'>>()
  readonly #followers = new Map<number, Follower>()

  constructor(options: LogOutletOptions) {
    this.#options = options
    const { report, warn } = options
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#thread = new ThreadKeeper({
      name: 'logs-outlet',
      make: () =>
        new Worker(new URL(`./outlet-thread.${extension}`, import.meta.url), {
          name: 'logs-outlet',
          workerData: options.start(),
          resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
        }),
      heard: (message) => this.#heard(message),
      opened: () => {
        for (const id of this.#followers.keys()) this.#sendFollow(id)
      },
      died: () => this.#rejectAsks('the thread that searches has died'),
      report,
      warn,
    })
  }

  /** Begins to pass on, where there are sinks. */
  async start(): Promise<void> {
    if (this.#isNeeded) await this.#need()
  }

  /** Rejects when too many wait, or it cannot be searched. */
  find(query: LogQuery): Promise<LogsAnswer> {
    return this.#ask((id) => ({ kind: 'find', id, query, budgetMs: searchMs }))
  }

  /** The same. */
  tally(query: LogTallyQuery): Promise<LogsTally> {
    return this.#ask((id) => ({ kind: 'tally', id, query, budgetMs: searchMs }))
  }

  /** Tells a listener of what comes from now on, until the function it returns is called. Null when too many do so. */
  follow(filter: LogFilter, listener: FollowListener): (() => void) | null {
    if (this.#followers.size >= followersMax) return null
    const id = this.#nextId++
    // As it is now: what comes while the thread starts is not missed.
    this.#followers.set(id, { filter, listener, from: logEnd(this.#options.start().folder) })
    if (this.#thread.running) this.#sendFollow(id)
    this.#need().catch((error: Error) => this.#options.warn(`logs-outlet: ${error.message}`))
    return () => {
      this.#followers.delete(id)
      this.#thread.send({ kind: 'unfollow', id })
      this.#release()
    }
  }

  /** Has the thread as the configuration is now. */
  async apply(): Promise<void> {
    await this.#next(() => this.#thread.close())
    await this.start()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#restTimer)
    await this.#next(() => this.#thread.close())
    this.#rejectAsks('the process is ending')
  }

  async #ask<T extends LogsAnswer | LogsTally>(question: (id: number) => ToOutlet): Promise<T> {
    if (this.#closed) throw new Error('the process is ending')
    if (this.#asks.size >= asksMax) throw new Error(`${asksMax} searches are waiting already`)
    const id = this.#nextId++
    const ask = Promise.withResolvers<T>()
    // The thread may die before anybody waits for its answer.
    ask.promise.catch(() => {})
    this.#asks.set(id, ask)
    try {
      await this.#need()
      this.#thread.send(question(id))
      return await ask.promise
    } finally {
      this.#asks.delete(id)
      this.#release()
    }
  }

  get #isNeeded(): boolean {
    const hasSinks = Object.keys(this.#options.start().sinks).length > 0
    return !this.#closed && (hasSinks || this.#asks.size > 0 || this.#followers.size > 0)
  }

  /** Resolves when the thread runs. */
  #need(): Promise<unknown> {
    clearTimeout(this.#restTimer)
    return this.#next(() => (this.#closed || this.#thread.running ? undefined : this.#thread.start()))
  }

  #release(): void {
    clearTimeout(this.#restTimer)
    if (this.#isNeeded || this.#closed) return
    this.#restTimer = setTimeout(() => void this.#next(() => this.#rest()), restAfterMs).unref()
  }

  #rest(): Promise<void> | undefined {
    return this.#isNeeded ? undefined : this.#thread.close()
  }

  #next(step: () => Promise<void> | undefined): Promise<unknown> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => {})
    return done
  }

  #sendFollow(id: number): void {
    const follower = this.#followers.get(id)!
    const from = follower.from ?? logEnd(this.#options.start().folder)
    follower.from = null
    this.#thread.send({ kind: 'follow', id, filter: follower.filter, from })
  }

  #rejectAsks(why: string): void {
    for (const ask of this.#asks.values()) ask.reject(new Error(why))
  }

  #heard(message: FromOutlet): void {
    switch (message.kind) {
      case 'report':
        return this.#options.reported(message.sinks, message.taken)
      case 'found':
      case 'tallied':
        return this.#asks.get(message.id)?.resolve(message.answer)
      case 'not-found':
        return this.#asks.get(message.id)?.reject(new Error(message.problem))
      case 'followed':
        return this.#followers.get(message.id)?.listener(message.records, message.missed)
      case 'open':
      case 'failed':
        return
    }
  }
}
