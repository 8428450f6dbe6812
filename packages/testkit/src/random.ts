import { SeededRandom } from '@budao/resilience'

/** Draws faults, workloads and waits: a seed replays them all. */
export class SeededDraws extends SeededRandom {
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  /** True with that probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of the items. Throws on an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('expected at least one item to pick from, got none')
    return items[this.integer(0, items.length - 1)]!
  }
}
