import { setImmediate } from 'node:timers/promises'
import {
  type Applier,
  type ApplyResult,
  type DeadLetterReason,
  type EventLog,
  type LogEntry,
  type LogPosition,
  LogTruncatedError,
  type LoopState,
  type Row,
} from '@budao/model'
import { heartbeatTable } from '../replicated-table.ts'
import { untilItHolds } from './backoff.ts'
import { beforeGap, LostChangesError } from './gap-marker.ts'

/** From whom, into what, and who wants to know. */
export interface IncomingOptions {
  readonly origin: string
  readonly partition: number
  readonly log: Pick<EventLog, 'bounds' | 'read'>
  readonly applier: Applier
  /** A heartbeat came that says which mark of this site the origin had heard before it. */
  readonly onHeard?: (mark: string) => void
  /** This site. */
  readonly site?: string
  /** Everything before this place is in the database, durably. */
  readonly onApplied: (next: LogPosition, result: ApplyResult) => void
  readonly onState: (state: LoopState) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Some hundred events: one commit is shared by many, and the event loop is not held for long. */
const batchBytes = 256 * 1024

/** Counts since the start. */
export interface IncomingCounts {
  readonly applied: number
  readonly duplicates: number
  readonly conflicts: number
  readonly parked: Readonly<Partial<Record<DeadLetterReason, number>>>
}

/** Applies one partition of a peer's log, one batch at a time, the next one on its way meanwhile. */
export class Incoming {
  readonly #options: IncomingOptions
  readonly #stop: AbortController = new AbortController()
  readonly #running: Promise<void>
  #next: LogPosition | null = null
  #beatAt: number
  #applied = 0
  #duplicates = 0
  #conflicts = 0
  readonly #parked: Partial<Record<DeadLetterReason, number>> = {}

  constructor(options: IncomingOptions) {
    this.#options = options
    this.#beatAt = options.now()
    this.#running = this.#run()
  }

  /** Where it goes on; null: nothing is known yet. */
  get next(): LogPosition | null {
    return this.#next
  }

  get counts(): IncomingCounts {
    return {
      applied: this.#applied,
      duplicates: this.#duplicates,
      conflicts: this.#conflicts,
      parked: this.#parked,
    }
  }

  /** Since a heartbeat of the origin was applied, milliseconds: younger writes of it may be missing here. */
  get silentMs(): number {
    return this.#options.now() - this.#beatAt
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { onState } = this.#options
    try {
      const retrying = (error: Error): void => onState({ state: 'retrying', why: error.message })
      // A reader that failed begins again where the database stands.
      await untilItHolds(this.#stop.signal, () => this.#follow(retrying), retrying, isLost)
    } catch (error) {
      onState({ state: 'stopped', why: (error as Error).message })
    }
  }

  async #follow(retrying: (error: Error) => void): Promise<void> {
    const { log, origin, partition, applier, onState } = this.#options
    const { signal } = this.#stop
    const known = await applier.watermark(origin, partition)
    const from = known ?? (await beginning(log, partition))
    // Which log it is is remembered from the first contact: one that is lost before anything was read is missed too.
    if (known === null) await applier.apply({ origin, entries: [], next: from })
    this.#next = from
    const reader = log.read(from, { bytesMax: batchBytes })
    const end = (): void => reader.close()
    signal.addEventListener('abort', end, { once: true })
    try {
      while (!signal.aborted) {
        const read = await reader.next()
        if (read === null) return
        const { entries, why } = beforeGap(read)
        for (const slice of slices(entries, applier.eventsMax)) {
          const next: LogPosition = { ...from, offset: slice.at(-1)!.offset + 1 }
          const batch = { origin, entries: slice, next }
          const result = await untilItHolds(signal, () => applier.apply(batch), retrying)
          if (result === null) return
          this.#count(slice, next, result)
          onState({ state: 'running', why: '' })
          // Others have their turn, whoever wants to write here among them.
          if (slice.length < entries.length) await setImmediate()
        }
        if (why !== null) throw new LostChangesError(`changes of ${origin} are in no log: ${why}`)
      }
    } finally {
      reader.close()
      signal.removeEventListener('abort', end)
    }
  }

  #count(entries: readonly LogEntry[], next: LogPosition, result: ApplyResult): void {
    this.#next = next
    this.#applied += result.applied
    this.#duplicates += result.duplicates
    this.#conflicts += result.conflicts
    for (const reason of result.parked) this.#parked[reason] = (this.#parked[reason] ?? 0) + 1
    const { site, onHeard } = this.#options
    let beat: Row | null = null
    for (const { events } of entries)
      for (const { table, payload } of events) if (table === heartbeatTable) beat = payload
    if (beat !== null) {
      this.#beatAt = this.#options.now()
      const heard = beat['heard'] as Readonly<Record<string, string>> | undefined
      const mark = site === undefined ? undefined : heard?.[site]
      if (typeof mark === 'string') onHeard?.(mark)
    }
    this.#options.onApplied(next, result)
  }
}

/** A database that has nothing of this site begins at the first entry there ever was, or cannot begin. */
async function beginning(log: Pick<EventLog, 'bounds'>, partition: number): Promise<LogPosition> {
  const bounds = await log.bounds(partition)
  const from = { logId: bounds.logId, partition, offset: 0 }
  if (bounds.first > 0) throw new LogTruncatedError(from, bounds)
  return from
}

/** Whole entries, together about as many events as are wanted at once. */
function* slices(entries: readonly LogEntry[], eventsMax = Infinity): Generator<readonly LogEntry[]> {
  let from = 0
  let events = 0
  for (const [index, entry] of entries.entries()) {
    events += entry.events.length
    if (events < eventsMax && index < entries.length - 1) continue
    yield entries.slice(from, index + 1)
    from = index + 1
    events = 0
  }
}

function isLost(error: unknown): boolean {
  return error instanceof LogTruncatedError || error instanceof LostChangesError
}
