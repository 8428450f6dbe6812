import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { LogSinkReport } from '@budao/model'
import type { RecordTest } from '../record/filter-match.ts'
import type { LogDecoder } from '../store/log-decoder.ts'
import { type LogSink, SinkBusyError, SinkTooLargeError } from './log-sink.ts'
import { type SinkPlace, SinkPlaceFile } from './sink-place.ts'
import { type SinkBatch, SinkReader } from './sink-reader.ts'
import type { SinkRecord } from './sink-record.ts'

/** What a runner is made of. */
export interface SinkRunnerOptions {
  readonly name: string
  readonly folder: string
  /** Where its place is kept. */
  readonly placeFile: string
  /** Null: all of them. */
  readonly test: RecordTest | null
  readonly batch: number
  readonly timeout: number
  open(): Promise<LogSink>
  readonly decoder: LogDecoder
  random(): number
}

const idleMs = 100
const backoffMsMin = 100
const backoffMsMax = 30_000

/**
 * Passes the log on to one sink, in order and each record at least once: its place moves when a batch is taken, so that
 * a crash repeats one batch at most.
 */
export class SinkRunner {
  readonly #options: SinkRunnerOptions
  readonly #ending = new AbortController()
  readonly #running: Promise<void>
  readonly #placeFile: SinkPlaceFile
  readonly #reader: SinkReader
  #place: SinkPlace
  #sink: LogSink | null = null
  #sent = 0
  #refused = 0
  #refusal: string | null = null
  #retries = 0
  #problem: string | null = null

  constructor(options: SinkRunnerOptions) {
    this.#options = options
    this.#placeFile = new SinkPlaceFile(options.placeFile)
    this.#place = this.#placeFile.read()
    // Made while there is room: later it is written over where there is none.
    this.#move(this.#place)
    this.#reader = new SinkReader(options, this.#place)
    this.#running = this.#run()
  }

  report(): LogSinkReport {
    return {
      name: this.#options.name,
      sent: this.#sent,
      refused: this.#refused,
      refusal: this.#refusal,
      retries: this.#retries,
      segment: this.#place.segment,
      problem: this.#problem,
    }
  }

  /** Ends after the request under way, or its timeout. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await this.#sink?.close().catch(() => {})
    this.#placeFile.close()
  }

  get #closed(): boolean {
    return this.#ending.signal.aborted
  }

  async #run(): Promise<void> {
    let batch: SinkBatch | null = null
    while (!this.#closed) {
      batch ??= this.#reader.next()
      if (batch === null) {
        await this.#sleep(idleMs)
        continue
      }
      const { records, after } = batch
      // Where a filter passes nothing for long, others have their turn all the same.
      const delivered = records.length === 0 ? turn(true) : this.#deliver(records)
      // What the sink does with these it does beside this thread.
      batch = this.#reader.hasMore ? this.#reader.next() : null
      if (batch !== null && batch.records.length > 0) this.#sink?.prepare?.(batch.records)
      if (!(await delivered)) return
      this.#move(after)
    }
  }

  /** Sends until all is taken or refused; false when it is closed before. */
  async #deliver(records: readonly SinkRecord[]): Promise<boolean> {
    let left = records
    /** Records of a request, fewer once the sink has found one too large. */
    let atOnce = left.length
    for (let attempt = 0; !this.#closed; attempt++) {
      let waitMs: number | undefined
      const some = atOnce < left.length ? left.slice(0, atOnce) : left
      try {
        this.#sink ??= await this.#options.open()
        const { again, refused, reason, ...asked } = await this.#sink.send(
          some,
          AbortSignal.timeout(this.#options.timeout),
        )
        this.#sent += some.length - again.length - refused
        if (refused > 0) this.#refuse(refused, reason)
        if (again.length < some.length) attempt = 0
        left = again.length === 0 ? left.slice(some.length) : [...again, ...left.slice(some.length)]
        this.#problem = again.length > 0 ? `${again.length} of a batch were not taken` : null
        if (left.length === 0) return true
        if (again.length === 0) continue
        waitMs = asked.waitMs
      } catch (error) {
        if (error instanceof SinkTooLargeError) {
          // One alone that is too large always will be.
          if (some.length === 1) {
            this.#refuse(1, error.message)
            left = left.slice(1)
            if (left.length === 0) return true
          }
          atOnce = Math.ceil(some.length / 2)
          continue
        }
        this.#problem = messageOf(error)
        if (error instanceof SinkBusyError) waitMs = error.waitMs
      }
      this.#retries++
      const backoff = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt, 20))
      await this.#sleep(waitMs ?? backoff * (0.5 + this.#options.random() / 2))
    }
    return false
  }

  #move(place: SinkPlace): void {
    this.#place = place
    const problem = this.#placeFile.write(place)
    if (problem !== null) this.#problem = messageOf(problem)
  }

  #refuse(count: number, reason: string | undefined): void {
    this.#refused += count
    this.#refusal = reason ?? null
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ending.signal }).catch(() => {})
  }
}

/** A cause says more than `fetch failed`. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
