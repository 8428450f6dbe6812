import type { ChangeDraft, ChangeEvent } from '@budao/model'
import type { SqliteOutbox } from './sqlite-outbox.ts'

interface Waiting {
  readonly drafts: readonly ChangeDraft[]
  readonly resolve: (events: (ChangeEvent | null)[]) => void
  readonly reject: (reason: unknown) => void
}

/** So many changes share a commit; a transaction of more has one of its own. */
const groupChangesMax = 200

/**
 * Writes of many callers: what was asked for in one turn of the event loop is committed together, so that the price of a
 * sync is shared. Each caller's changes are one transaction all the same.
 */
export class SqliteWrites {
  readonly #outbox: SqliteOutbox
  readonly #onWritten: () => void
  #waiting: Waiting[] = []

  constructor(outbox: SqliteOutbox, onWritten: () => void) {
    this.#outbox = outbox
    this.#onWritten = onWritten
  }

  /** Durable once it resolves; rejects like `SqliteOutbox.write`. */
  write(drafts: readonly ChangeDraft[]): Promise<(ChangeEvent | null)[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ drafts, resolve, reject }) === 1) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const group = this.#take()
    if (this.#waiting.length > 0) setImmediate(() => this.#flush())
    try {
      const outcomes = this.#outbox.group(
        group.map(
          ({ drafts }) =>
            () =>
              drafts.map((draft) => this.#outbox.write(draft)),
        ),
      )
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') group[index]!.resolve(outcome.value)
        else group[index]!.reject(outcome.reason)
      }
      this.#onWritten()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  #take(): Waiting[] {
    let count = 0
    let changes = 0
    while (count < this.#waiting.length) {
      changes += this.#waiting[count]!.drafts.length
      if (count > 0 && changes > groupChangesMax) break
      count++
    }
    return this.#waiting.splice(0, count)
  }
}
