import {
  type ChangeSource,
  type EventLog,
  LogFullError,
  type LogPosition,
  type LoopState,
  SourceGapError,
} from '@budao/model'
import { heartbeatTable } from '../replicated-table.ts'
import { untilItHolds } from './backoff.ts'
import { boundsOf } from './log-bounds.ts'
import { markGap } from './gap-marker.ts'

/** From where to where, and who wants to know. */
export interface OutgoingOptions {
  readonly source: ChangeSource
  readonly log: EventLog
  readonly site: string
  /** Which log it was, kept with the rows: one that was lost is noticed. */
  readonly known: LogMemory
  /** Durably in the log. `isBeat`: nothing but a heartbeat. */
  readonly onAppended: (positions: readonly LogPosition[], isBeat: boolean) => void
  readonly onState: (state: LoopState) => void
}

/** Where a database keeps which logs it knows. */
export interface LogMemory {
  watermark(origin: string, partition: number): Promise<LogPosition | null>
  setWatermark(origin: string, position: LogPosition): Promise<void>
}

/** So many events are remembered with their place, for those who ask late whether the peer has them. */
const rememberedMax = 10_000

/** Carries this site's changes into its log, one batch at a time: what is not in the log yet stays in the source. */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #stop: AbortController = new AbortController()
  readonly #places: Map<string, readonly LogPosition[]> = new Map()
  readonly #waiting: Map<string, Set<(positions: readonly LogPosition[]) => void>> = new Map()
  #running: Promise<void>
  /** Why changes are missing that the source could not read; empty: none are. */
  #gap = ''
  #events = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Events carried so far. */
  get events(): number {
    return this.#events
  }

  /** Where an event is in the log, once it is; null after `signal`. */
  placeOf(id: string, signal: AbortSignal): Promise<readonly LogPosition[] | null> {
    const known = this.#places.get(id)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set()
      this.#waiting.set(id, waiting)
      const end = (positions: readonly LogPosition[] | null): void => {
        waiting.delete(end)
        if (waiting.size === 0) this.#waiting.delete(id)
        signal.removeEventListener('abort', gone)
        resolve(positions)
      }
      const gone = (): void => end(null)
      waiting.add(end)
      signal.addEventListener('abort', gone, { once: true })
      if (signal.aborted) gone()
    })
  }

  /**
   * A person accepts that changes are missing: it goes on from where the source is now, and its log says so, so that every other
   * site stops until it is filled anew. False: nothing is missing.
   */
  async acceptGap(): Promise<boolean> {
    const { source, log, site } = this.#options
    if (this.#gap === '') return false
    await source.beginAnew?.()
    await markGap(log, site, this.#gap)
    this.#gap = ''
    this.#running = this.#run()
    return true
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#options.source.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { source, onState } = this.#options
    const { signal } = this.#stop
    const retrying = (error: Error): void =>
      onState({ state: error instanceof LogFullError ? 'log-full' : 'retrying', why: error.message })
    try {
      if ((await untilItHolds(signal, () => this.#lookAtLog(), retrying)) === null) return
      for (;;) {
        const batch = await untilItHolds(signal, () => source.next(), retrying, isGap)
        if (batch === null) return
        const { transactions, position } = batch
        const positions = await untilItHolds(
          signal,
          () => this.#options.log.append(transactions, 'durable'),
          retrying,
        )
        if (positions === null) return
        this.#appended(
          transactions.flat().map(({ id, table }) => ({ id, table })),
          positions,
        )
        if (
          (await untilItHolds(signal, async () => (await source.confirm(position), true), retrying)) === null
        )
          return
        onState({ state: 'running', why: '' })
      }
    } catch (error) {
      if (isGap(error)) this.#gap = (error as Error).message
      onState({ state: 'stopped', why: (error as Error).message })
    }
  }

  /** A log that was lost began anew, and its peers may not have had all of it: that is written into it before anything else. */
  async #lookAtLog(): Promise<true> {
    const { log, site, known } = this.#options
    const found = await boundsOf(log)
    const before = await Promise.all(found.map((_, partition) => known.watermark(site, partition)))
    const isLost = found.some(({ logId }, partition) => (before[partition]?.logId ?? logId) !== logId)
    if (isLost) await markGap(log, site, 'its log was lost, and began anew')
    for (const [partition, { logId }] of found.entries()) {
      if (before[partition]?.logId !== logId) await known.setWatermark(site, { logId, partition, offset: 0 })
    }
    return true
  }

  #appended(
    events: readonly { readonly id: string; readonly table: string }[],
    positions: readonly LogPosition[],
  ): void {
    this.#options.onAppended(
      positions,
      events.every(({ table }) => table === heartbeatTable),
    )
    this.#events += events.length
    for (const { id, table } of events) {
      if (table === heartbeatTable) continue
      this.#places.set(id, positions)
      for (const end of this.#waiting.get(id) ?? []) end(positions)
    }
    for (const id of this.#places.keys()) {
      if (this.#places.size <= rememberedMax) break
      this.#places.delete(id)
    }
  }
}

function isGap(error: unknown): boolean {
  return error instanceof SourceGapError
}
