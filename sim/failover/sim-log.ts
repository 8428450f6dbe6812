import type { Write } from './keeper-world.ts'

/** The writes a site has, on its disk: they outlive its processes. */
export class SimLog {
  /** The last epoch in which this site was the owner. */
  ownedEpoch = 0
  /** The highest epoch it has seen: a write of a lower one is refused here, whoever let it through the door. */
  epoch = 0
  #entries: Write[] = []

  get length(): number {
    return this.#entries.length
  }

  /** The length with it; -1: refused. */
  append(write: Write): number {
    if (write.epoch < this.epoch) return -1
    return this.#entries.push(write)
  }

  slice(from: number): readonly Write[] {
    return this.#entries.slice(from)
  }

  ids(): ReadonlySet<number> {
    return new Set(this.#entries.map(({ id }) => id))
  }

  /** How much of another log, up to `length`, begins like this one. Entries of one epoch have one order. */
  commonLength(other: SimLog, length: number): number {
    let common = Math.min(length, this.#entries.length, other.#entries.length)
    while (common > 0 && this.#entries[common - 1] !== other.#entries[common - 1]) common--
    return common
  }

  /** Keeps the first ones, drops what is not the owner’s, and adds. */
  take(keep: number, entries: readonly Write[]): void {
    this.#entries.length = Math.min(keep, this.#entries.length)
    for (const entry of entries) this.#entries.push(entry)
  }
}
