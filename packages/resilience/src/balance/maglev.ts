import { hash32, mix32 } from '../hash.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/** Primes, as the algorithm needs. The large one is that of the paper. */
const smallTable = 4093
const largeTable = 65_537
/** Shares of the lightest endpoint that the small table still resolves to about a hundredth. */
const smallTableShares = 40

/**
 * Maglev consistent hashing (Eisenbud and others, NSDI 2016): a table in which endpoints take turns to claim
 * slots in an order of their own, the turns following the weights. More even than a ring, one look per choice.
 * The table has 4 093 slots for small sets and 65 537 otherwise.
 *
 * For an endpoint that is out or to be avoided the request looks at further slots in an order given by its
 * hash: only its own requests move, and they spread over all others. When the list itself changes, a small
 * part of the others' requests moves too, more if the set crosses the size between the two tables.
 */
export class MaglevBalancer implements Balancer {
  readonly #candidates: WeightedCandidates
  readonly #table: Int32Array

  constructor(endpoints: readonly BalancedEndpoint[]) {
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#table = maglevTable(endpoints)
  }

  pick({ hash, avoid }: BalancerPick): number {
    const picked = this.#look(hash, avoid)
    return picked < 0 && avoid.length > 0 ? this.#look(hash, nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #look(hash: number, avoid: readonly number[]): number {
    if (this.#candidates.countWithout(avoid) === 0) return -1
    const size = this.#table.length
    const step = 1 + (mix32(hash) % (size - 1))
    for (let n = 0, slot = (hash >>> 0) % size; n < size; n++, slot = (slot + step) % size) {
      const owner = this.#table[slot]!
      if (this.#candidates.weight[owner]! > 0 && !avoid.includes(owner)) return owner
    }
    return -1
  }
}

function maglevTable(endpoints: readonly BalancedEndpoint[]): Int32Array {
  // By id, for the list's order must not decide who claims first.
  const claimants = endpoints
    .map(({ id, weight }, owner) => ({ id, weight, owner }))
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  if (claimants.length === 0) return new Int32Array(0)

  const heaviest = Math.max(...claimants.map(({ weight }) => weight))
  const lightest = Math.min(...claimants.map(({ weight }) => weight))
  const shares = claimants.reduce((sum, { weight }) => sum + weight / lightest, 0)
  const size = shares <= smallTableShares ? smallTable : largeTable

  const table = new Int32Array(size).fill(-1)
  const turns = claimants.map(({ id, weight, owner }) => ({
    owner,
    next: hash32(id, 1) % size,
    skip: 1 + (hash32(id, 2) % (size - 1)),
    gain: weight / heaviest,
    // The first turn claims a slot in any case: the lightest must not end up without one.
    credit: 1 - weight / heaviest,
  }))
  for (let claimed = 0; claimed < size;) {
    for (const turn of turns) {
      turn.credit += turn.gain
      if (turn.credit < 1) continue
      turn.credit -= 1
      while (table[turn.next]! >= 0) turn.next = (turn.next + turn.skip) % size
      table[turn.next] = turn.owner
      if (++claimed === size) break
    }
  }
  return table
}
