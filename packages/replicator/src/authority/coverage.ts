import { randomUUID } from 'node:crypto'

/**
 * Until when everything that another site has written is here, told by this site's clock alone: it sends marks of its
 * moments along, the other says with each heartbeat which one it had heard, and whatever was committed there before that
 * goes before the heartbeat in its log. One for each other site.
 */
export class Coverage {
  readonly #now: () => number
  /** Marks of a process that was here before mean nothing by this one's clock. */
  readonly #start: string = randomUUID().slice(0, 8)
  #coveredAt: number | null = null

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A mark of this moment, to be sent. */
  mark(): string {
    return `${this.#start} ${Math.floor(this.#now())}`
  }

  /** A heartbeat was applied whose writer had heard this mark. */
  heard(mark: string): void {
    const [start, at] = mark.split(' ')
    const coveredAt = Number(at)
    if (start !== this.#start || !Number.isFinite(coveredAt)) return
    this.#coveredAt = Math.max(this.#coveredAt ?? 0, Math.min(coveredAt, this.#now()))
  }

  /** Everything that was committed there longer ago than this is here, milliseconds; null: unknown. */
  get lagMs(): number | null {
    return this.#coveredAt === null ? null : Math.max(0, this.#now() - this.#coveredAt)
  }
}
