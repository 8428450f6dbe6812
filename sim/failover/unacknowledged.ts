/** A write that is in the log here, and waits for the other site’s durable answer. */
interface Unacknowledged {
  /** Of the log, with it. */
  readonly length: number
  readonly since: number
  readonly acknowledge: () => void
}

/** Writes that wait for the other site, in the order of the log. */
export class UnacknowledgedWrites {
  #writes: Unacknowledged[] = []

  add(write: Unacknowledged): void {
    this.#writes.push(write)
  }

  clear(): void {
    this.#writes = []
  }

  /** Since when the first one waits; null: none does. */
  get oldestSince(): number | null {
    return this.#writes[0]?.since ?? null
  }

  /** Acknowledges those that the other site has up to `length`, each once. */
  settle(length: number): void {
    const ready = this.#writes.filter((write) => write.length <= length)
    this.#writes = this.#writes.filter((write) => write.length > length)
    for (const { acknowledge } of ready) acknowledge()
  }
}
