import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogRecord, LogSinkReport } from '@budao/model'
import type { RecordTest } from '../record/filter-match.ts'
import type { LogDecoder } from '../store/log-decoder.ts'
import { type LogPlace, readLog } from '../store/segment-reader.ts'
import { type LogSink, SinkBusyError } from './log-sink.ts'

/** What a runner is made of. */
export interface SinkRunnerOptions {
  readonly name: string
  readonly folder: string
  /** Where its place is kept. */
  readonly placeFile: string
  readonly test: RecordTest
  readonly batch: number
  readonly timeout: number
  open(): Promise<LogSink>
  readonly decoder: LogDecoder
  random(): number
}

/** A place inside of a piece: so many of its records have been taken. */
interface SinkPlace extends LogPlace {
  readonly done: number
}

const idleMs = 100
const backoffMsMin = 100
const backoffMsMax = 30_000
const requestBytesMax = 4_194_304

/**
 * Passes the log on to one sink, in order and each record at least once: its place moves when a batch is taken, so that
 * a crash repeats one batch at most.
 */
export class SinkRunner {
  readonly #options: SinkRunnerOptions
  readonly #ending = new AbortController()
  readonly #running: Promise<void>
  #place: SinkPlace
  #sink: LogSink | null = null
  #sent = 0
  #refused = 0
  #retries = 0
  #problem: string | null = null

  constructor(options: SinkRunnerOptions) {
    this.#options = options
    this.#place = readPlace(options.placeFile)
    this.#running = this.#run()
  }

  report(): LogSinkReport {
    return {
      name: this.#options.name,
      sent: this.#sent,
      refused: this.#refused,
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
  }

  get #closed(): boolean {
    return this.#ending.signal.aborted
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const piece = readLog(this.#options.folder, this.#place)
      if (piece === null) {
        await this.#sleep(idleMs)
        continue
      }
      const isSame = piece.segment === this.#place.segment && piece.offset === this.#place.offset
      if (!isSame) this.#place = { segment: piece.segment, offset: piece.offset, done: 0 }
      const { decoder, test, batch } = this.#options
      const records = decoder.records(piece).filter(test)
      for (let from = this.#place.done; from < records.length && !this.#closed;) {
        const some = withinBytes(records, from, batch)
        if (!(await this.#deliver(some))) return
        from += some.length
        this.#move({ segment: piece.segment, offset: piece.offset, done: from })
      }
      if (!this.#closed) this.#move({ ...piece.next, done: 0 })
    }
  }

  /** Sends until all is taken or refused; false when it is closed before. */
  async #deliver(records: readonly LogRecord[]): Promise<boolean> {
    let left = records
    for (let attempt = 0; !this.#closed; attempt++) {
      let waitMs: number | undefined
      try {
        this.#sink ??= await this.#options.open()
        const answer = await this.#sink.send(left, AbortSignal.timeout(this.#options.timeout))
        this.#sent += left.length - answer.again.length - answer.refused
        this.#refused += answer.refused
        if (answer.again.length < left.length) attempt = 0
        left = answer.again
        this.#problem = answer.again.length > 0 ? `${answer.again.length} of a batch were not taken` : null
        if (left.length === 0) return true
        waitMs = answer.waitMs
      } catch (error) {
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
    const { placeFile } = this.#options
    try {
      writeFileSync(`${placeFile}.new`, JSON.stringify(place))
      renameSync(`${placeFile}.new`, placeFile)
    } catch (error) {
      // A full disk: after a crash more than a batch would be sent again, and nothing lost.
      this.#problem = messageOf(error)
    }
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

function withinBytes(records: readonly LogRecord[], from: number, batch: number): readonly LogRecord[] {
  let bytes = 0
  let end = from
  while (end < records.length && end - from < batch) {
    bytes += records[end]!.body.length
    if (bytes > requestBytesMax && end > from) break
    end++
  }
  return records.slice(from, end)
}

function readPlace(file: string): SinkPlace {
  try {
    const { segment, offset, done } = JSON.parse(readFileSync(file, 'utf8')) as SinkPlace
    return { segment, offset, done }
  } catch {
    // None yet, or torn by a power loss: everything that is there is sent.
    return { segment: 0, offset: 0, done: 0 }
  }
}
