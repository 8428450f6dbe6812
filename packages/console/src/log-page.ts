import type { LogRecord, LogsAnswer, LogsReport, LogsTally } from '@budao/model'
import { Refusal } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'
import { LogFollow } from './log-follow.ts'
import { searchParameters } from './log-search.ts'
import type { LogSearch } from './log-search.ts'

/**
 * asking    for the first time, or again; what was found before stays
 * answered  `records` is what was found, or what has come since
 * refused   the filter or a time cannot be read: `problem`
 * failed    nobody answered, or not in time: `problem`
 * off       this process collects no logs
 */
export type LogsStatus = 'asking' | 'answered' | 'refused' | 'failed' | 'off'

/** What the page of logs knows. */
export interface LogsState {
  readonly search: LogSearch
  readonly status: LogsStatus
  readonly problem: string
  /** The latest first, at most `shownMax`. */
  readonly records: readonly LogRecord[]
  /** Whether there are older ones. */
  readonly older: boolean
  /** How the search went; null: records come by themselves. */
  readonly read: LogsAnswer['read'] | null
  readonly tally: LogsTally | null
  readonly report: LogsReport | null
  readonly follow: FollowState | null
  /** Records shown with everything they have. */
  readonly open: ReadonlySet<LogRecord>
  /** Another page than the first is shown. */
  readonly paged: boolean
}

/** How records come by themselves. */
export interface FollowState {
  readonly came: number
  readonly missed: number
  /** Null while the stream is open. */
  readonly away: string | null
}

/** Rows drawn at a time: more would slow the page, and nobody reads them. */
export const shownMax = 200
/** A search may take the server 10 s. */
const waitMs = 20_000
const bars = 60
const reportEveryMs = 5_000
const tallyEveryMs = 5_000
/** Rows are drawn so often at most while records come. */
const drawEveryMs = 250

const nothing: Omit<LogsState, 'search'> = {
  status: 'asking',
  problem: '',
  records: [],
  older: false,
  read: null,
  tally: null,
  report: null,
  follow: null,
  open: new Set(),
  paged: false,
}

/** Searches and follows collected logs, for as long as the page is shown. */
export class LogPage {
  readonly #client: Pick<AdminClient, 'get' | 'stream'>
  readonly #changed: () => void
  readonly #refused: (error: unknown) => boolean
  #state: LogsState | null = null
  /** Answers to older questions come too late. */
  #question = 0
  #follow: LogFollow | null = null
  #drawing: ReturnType<typeof setTimeout> | undefined
  #reportAt = 0
  #tallyAt = 0

  /** `refused` takes errors that ask for a token, and says whether it did. */
  constructor(
    client: Pick<AdminClient, 'get' | 'stream'>,
    changed: () => void,
    refused: (error: unknown) => boolean,
  ) {
    this.#client = client
    this.#changed = changed
    this.#refused = refused
  }

  /** Null while another page is shown. */
  get state(): LogsState | null {
    return this.#state
  }

  /** Looks for something, from the first page on. */
  open(search: LogSearch): void {
    this.#stop()
    this.#set({ ...nothing, ...this.#state, search, status: 'asking', follow: null, paged: false })
    void this.#find(search, null)
  }

  /** Another page is shown: nothing is asked for. */
  leave(): void {
    this.#stop()
    this.#question++
    this.#state = null
  }

  /** Asked once a second: how the collecting goes, and the bars while records come. `now`: monotonic milliseconds. */
  async tick(now: number): Promise<void> {
    const { status, follow, search } = this.#state ?? { status: 'off' }
    if (status === 'off' || document.hidden) return
    if (now >= this.#reportAt) {
      this.#reportAt = now + reportEveryMs
      this.#set({ report: await this.#client.get<LogsReport>('/api/v1/logs/status') })
    }
    if (follow !== null && search !== undefined && now >= this.#tallyAt) {
      await this.#count(search)
      // A large store is not counted all the time.
      const took = performance.now() - now
      this.#tallyAt = performance.now() + Math.max(tallyEveryMs, 20 * took)
    }
  }

  /** What is older than what is shown. */
  showOlder(): void {
    const state = this.#state
    const last = state?.records.at(-1)
    if (state === null || last === undefined) return
    this.#stop()
    this.#set({ status: 'asking', follow: null, paged: true })
    void this.#find(state.search, last.timestamp)
  }

  /** Records come by themselves from now on, or not any more. */
  toggleFollow(): void {
    const state = this.#state
    if (state === null) return
    if (state.follow !== null) {
      this.#stop()
      return this.#set({ follow: null })
    }
    // What was on another page is not what comes next.
    if (state.paged) void this.#find(state.search, null)
    this.#set({ follow: { came: 0, missed: 0, away: null }, paged: false, read: null })
    this.#follow = new LogFollow(this.#client, state.search.filter, {
      records: (records, missed) => this.#came(records, missed),
      away: (away) => this.#state?.follow?.away !== away && this.#setFollow({ away }),
      refused: (error) => {
        this.#set({ follow: null })
        this.#failed(error)
      },
    })
  }

  /** Shows everything a record has, or only its line again. */
  toggleRecord(record: LogRecord): void {
    const open = new Set(this.#state?.open)
    if (!open.delete(record)) open.add(record)
    this.#set({ open })
  }

  async #find(search: LogSearch, before: number | null): Promise<void> {
    const question = ++this.#question
    const parameters = { ...searchParameters(search, before ?? undefined), limit: String(shownMax) }
    const path = `/api/v1/logs?${new URLSearchParams(parameters).toString()}`
    if (before === null) void this.#count(search)
    try {
      const answer = await this.#client.get<LogsAnswer>(path, waitMs)
      if (question !== this.#question || this.#state === null) return
      const known = before === null ? [] : this.#state.records.filter(({ timestamp }) => timestamp === before)
      const records = withoutKnown(answer.records, known)
      this.#set({
        status: 'answered',
        problem: '',
        records,
        older: !answer.complete && records.length > 0,
        read: answer.read,
        open: new Set(),
      })
    } catch (error) {
      if (question === this.#question) this.#failed(error)
    }
  }

  async #count(search: LogSearch): Promise<void> {
    const question = this.#question
    const parameters = { ...searchParameters(search), bars: String(bars) }
    const path = `/api/v1/logs/histogram?${new URLSearchParams(parameters).toString()}`
    try {
      const tally = await this.#client.get<LogsTally>(path, waitMs)
      if (question === this.#question) this.#set({ tally })
    } catch {
      // The search says what is wrong; without bars its answer is as good.
      if (question === this.#question) this.#set({ tally: null })
    }
  }

  #came(records: readonly LogRecord[], missed: number): void {
    const state = this.#state
    if (state?.follow === null || state === null) return
    const { follow } = state
    this.#state = {
      ...state,
      status: 'answered',
      records: [...records.toReversed(), ...state.records].slice(0, shownMax),
      older: state.older || state.records.length + records.length > shownMax,
      follow: { ...follow, came: follow.came + records.length, missed: follow.missed + missed },
    }
    if (this.#drawing !== undefined) return
    this.#drawing = setTimeout(() => {
      this.#drawing = undefined
      this.#changed()
    }, drawEveryMs)
  }

  #failed(error: unknown): void {
    if (this.#refused(error)) return
    const problem = error instanceof Error ? error.message : String(error)
    const status =
      error instanceof Refusal && error.code === 'logs-off'
        ? 'off'
        : error instanceof Refusal && error.status === 400
          ? 'refused'
          : 'failed'
    this.#set({ status, problem, records: [], older: false, read: null, tally: null })
  }

  #stop(): void {
    this.#follow?.close()
    this.#follow = null
  }

  #setFollow(change: Partial<FollowState>): void {
    if (this.#state?.follow) this.#set({ follow: { ...this.#state.follow, ...change } })
  }

  #set(change: Partial<LogsState>): void {
    if (this.#state === null && change.search === undefined) return
    this.#state = { ...this.#state!, ...change }
    this.#changed()
  }
}

/** What was shown already at the end of the page before stands at the beginning of the next: its time is included. */
function withoutKnown(records: readonly LogRecord[], known: readonly LogRecord[]): readonly LogRecord[] {
  const texts = known.map((record) => JSON.stringify(record))
  return records.filter((record) => {
    if (texts.length === 0) return true
    const at = texts.indexOf(JSON.stringify(record))
    if (at >= 0) texts.splice(at, 1)
    return at < 0
  })
}
