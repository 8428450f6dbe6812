import type { BudaoEvent, EventDraft } from '@budao/model'
import type { EventFeed, EventQuery } from './admin-source.ts'
import { EventFile } from './event-file.ts'
import type { EventFileStatus } from './event-file.ts'

/** How many events are kept, and where. */
export interface EventLogOptions {
  /** Folder for the audit file `events.ndjson`; made when missing. Without it events live in memory only. */
  readonly dir?: string
  /** Events kept in memory. Default 2000. */
  readonly eventsMax?: number
  /** Size at which the audit file is put aside, bytes. Default 8 MiB. */
  readonly fileBytesMax?: number
  /** Audit files kept, the current one included. Default 5. */
  readonly filesMax?: number
  /** Wall clock. Default: the machine's. */
  readonly now?: () => Date
  /** Told once per run of write failures, and of listeners that throw. Default: nobody; see `status`. */
  readonly onFailure?: (error: Error) => void
}

/**
 * Keeper of events: numbers them, keeps the newest in memory, and appends every one to a file that later
 * explains each automatic action. The file never stands in the way: what cannot be written is counted in
 * `status`, retried, and still served from memory.
 */
export class EventLog implements EventFeed {
  readonly #eventsMax: number
  readonly #now: () => Date
  readonly #onFailure: (error: Error) => void
  readonly #file: EventFile | undefined
  readonly #listeners = new Set<(event: BudaoEvent) => void>()
  #events: BudaoEvent[]
  #lastSeq: number

  private constructor(options: EventLogOptions, file: EventFile | undefined, past: BudaoEvent[]) {
    this.#eventsMax = options.eventsMax ?? 2_000
    this.#now = options.now ?? (() => new Date())
    this.#onFailure = options.onFailure ?? (() => {})
    this.#file = file
    this.#events = past.slice(-this.#eventsMax)
    this.#lastSeq = past.at(-1)?.seq ?? 0
  }

  /** Never rejects: a folder that cannot be read or written is a failure in `status`, and numbering begins at 1. */
  static async open(options: EventLogOptions = {}): Promise<EventLog> {
    if (options.dir === undefined) return new EventLog(options, undefined, [])
    const file = new EventFile(options.dir, {
      fileBytesMax: options.fileBytesMax ?? 8 * 1024 * 1024,
      filesMax: options.filesMax ?? 5,
      onFailure: options.onFailure ?? (() => {}),
    })
    return new EventLog(options, file, await file.readTail(options.eventsMax ?? 2_000))
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** State of the audit file; null when there is none. */
  get status(): EventFileStatus | null {
    return this.#file?.status ?? null
  }

  /** Numbers and dates the event, keeps it, tells the listeners. Never throws, never waits for the disk. */
  append(draft: EventDraft): BudaoEvent {
    const event: BudaoEvent = { seq: this.#lastSeq + 1, at: this.#now().toISOString(), ...draft }
    this.#lastSeq = event.seq
    this.#events.push(event)
    // Cut in batches: removing one element from the front at every append would copy the list each time.
    if (this.#events.length >= this.#eventsMax * 1.25) this.#events = this.#events.slice(-this.#eventsMax)
    this.#file?.append(event)
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#onFailure(error instanceof Error ? error : new Error(String(error)))
      }
    }
    return event
  }

  list({ after, limit = 100, kind }: EventQuery = {}): readonly BudaoEvent[] {
    const kept = this.#events.slice(-this.#eventsMax)
    const wanted = kept.filter(
      (event) => (after === undefined || event.seq > after) && (kind === undefined || isOfKind(event, kind)),
    )
    // Following on, the oldest come first so that nothing is skipped; otherwise the newest matter.
    return after === undefined ? wanted.slice(Math.max(0, wanted.length - limit)) : wanted.slice(0, limit)
  }

  subscribe(listener: (event: BudaoEvent) => void): () => void {
    // A wrapper of its own for each subscription: the same function may subscribe twice.
    const own = (event: BudaoEvent): void => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Resolves when everything appended so far is written, or has failed to be. */
  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  /** Writes what is left and stops retrying. Later appends reach memory only. */
  async close(): Promise<void> {
    await this.#file?.close()
  }
}

function isOfKind(event: BudaoEvent, kind: NonNullable<EventQuery['kind']>): boolean {
  return kind.endsWith('.*') ? event.kind.startsWith(kind.slice(0, -1)) : event.kind === kind
}
