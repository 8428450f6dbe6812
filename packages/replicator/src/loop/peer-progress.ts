import type { LogPosition } from '@budao/model'

/** Something in the log of which it is remembered when it went in. */
interface Mark {
  readonly positions: readonly LogPosition[]
  /** Monotonic milliseconds. */
  readonly at: number
}

const marksMax = 4096
/** Between two marks of data, milliseconds: how exact the age of what is missing is. */
const markEveryMs = 10
const samplesMax = 512

/** How far one peer has applied this site's log. All times are this site's: no two clocks are compared. */
export class PeerProgress {
  readonly peer: string
  readonly #now: () => number
  readonly #applied: Map<number, LogPosition> = new Map()
  #data: Mark[] = []
  #beats: Mark[] = []
  readonly #lags: number[] = []
  #waiters: { readonly positions: readonly LogPosition[]; readonly done: () => void }[] = []
  #ackedAt: number

  constructor(peer: string, now: () => number) {
    this.peer = peer
    this.#now = now
    this.#ackedAt = now()
  }

  /** These went into the log, durably, just now. `isBeat`: nothing but a heartbeat is among them. */
  appended(positions: readonly LogPosition[], isBeat: boolean): void {
    const marks = isBeat ? this.#beats : this.#data
    const last = marks.at(-1)
    const at = this.#now()
    if (!isBeat && last !== undefined && at - last.at < markEveryMs) {
      // The later place with the earlier time: what is missing is at most said to be older than it is.
      marks[marks.length - 1] = { positions: merged(last.positions, positions), at: last.at }
      return
    }
    marks.push({ positions, at })
    // A peer that is long away: half the marks are precise enough.
    if (marks.length > marksMax) {
      if (isBeat) this.#beats = halved(marks)
      else this.#data = halved(marks)
    }
  }

  /** The peer has everything before this place, durably. */
  applied(next: LogPosition): void {
    const now = this.#now()
    this.#ackedAt = now
    this.#applied.set(next.partition, next)
    this.#data = this.#data.filter((mark) => !this.has(mark.positions))
    this.#beats = this.#beats.filter((mark) => {
      if (!this.has(mark.positions)) return true
      this.#lags.push(now - mark.at)
      return false
    })
    if (this.#lags.length > samplesMax) this.#lags.splice(0, this.#lags.length - samplesMax)
    const waiting = this.#waiters
    this.#waiters = []
    for (const waiter of waiting) {
      if (this.has(waiter.positions)) waiter.done()
      else this.#waiters.push(waiter)
    }
  }

  /** Whether the peer has these entries. */
  has(positions: readonly LogPosition[]): boolean {
    return positions.every(({ partition, logId, offset }) => {
      const applied = this.#applied.get(partition)
      return applied !== undefined && applied.logId === logId && applied.offset > offset
    })
  }

  /** Resolves true once the peer has these entries, false after `signal`. */
  wait(positions: readonly LogPosition[], signal: AbortSignal): Promise<boolean> {
    if (this.has(positions)) return Promise.resolve(true)
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const gone = (): void => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter)
        resolve(false)
      }
      const waiter = {
        positions,
        done: () => {
          signal.removeEventListener('abort', gone)
          resolve(true)
        },
      }
      signal.addEventListener('abort', gone, { once: true })
      this.#waiters.push(waiter)
    })
  }

  /** Where the peer goes on reading; undefined: it has said nothing yet. */
  next(partition: number): LogPosition | undefined {
    return this.#applied.get(partition)
  }

  /** Whether there are writes that it may not have. */
  get isBehind(): boolean {
    return this.#data.length > 0
  }

  /** Age of the oldest write that the peer may not have, milliseconds; 0: it has all. */
  get rpoMs(): number {
    return this.#data.length === 0 ? 0 : this.#now() - this.#data[0]!.at
  }

  /** Since the peer said something, milliseconds. */
  get silentMs(): number {
    return this.#now() - this.#ackedAt
  }

  /** From a heartbeat’s place in the log to the word that it was applied, milliseconds; null: none came through yet. */
  lagMs(quantile: number): number | null {
    if (this.#lags.length === 0) return null
    const sorted = this.#lags.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]!
  }
}

/** Two marks in one: the later place with the earlier time. */
function halved(marks: readonly Mark[]): Mark[] {
  const fewer: Mark[] = []
  for (let i = 0; i < marks.length; i += 2) {
    const [first, second = first] = [marks[i]!, marks[i + 1]]
    fewer.push({ positions: merged(first.positions, second.positions), at: first.at })
  }
  return fewer
}

function merged(a: readonly LogPosition[], b: readonly LogPosition[]): readonly LogPosition[] {
  const byPartition = new Map(a.map((each) => [each.partition, each]))
  for (const each of b) byPartition.set(each.partition, each)
  return [...byPartition.values()]
}
