import { hash32 } from '../hash.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/** Points on the ring for the lightest endpoint: shares then differ by about a tenth from the weights'. */
const pointsEach = 160
const pointsMax = 65_536

/**
 * Consistent hashing on a ring (ketama): every endpoint owns points in proportion to its weight, and a
 * request goes to the owner of the next point at or after its hash. An endpoint that is out or to be avoided is
 * stepped over, so only its own requests move. An endpoint that leaves the list moves only its own as well,
 * unless it was the lightest: the number of points is counted from that one.
 */
export class RingHashBalancer implements Balancer {
  readonly #candidates: WeightedCandidates
  /** Ascending. */
  readonly #points: Uint32Array
  readonly #owners: Int32Array

  constructor(endpoints: readonly BalancedEndpoint[]) {
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    const points = ringPoints(endpoints)
    this.#points = Uint32Array.from(points, (point) => point.at)
    this.#owners = Int32Array.from(points, (point) => point.owner)
  }

  pick({ hash, avoid }: BalancerPick): number {
    const picked = this.#walk(hash, avoid)
    return picked < 0 && avoid.length > 0 ? this.#walk(hash, nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #walk(hash: number, avoid: readonly number[]): number {
    // Decided here, not by walking the whole ring to find nobody.
    if (this.#candidates.countWithout(avoid) === 0) return -1
    const size = this.#owners.length
    const start = this.#firstAtOrAfter(hash >>> 0)
    for (let step = 0; step < size; step++) {
      const owner = this.#owners[(start + step) % size]!
      if (this.#candidates.weight[owner]! > 0 && !avoid.includes(owner)) return owner
    }
    return -1
  }

  #firstAtOrAfter(hash: number): number {
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#points[middle]! < hash) low = middle + 1
      else high = middle
    }
    return low === this.#points.length ? 0 : low
  }
}

function ringPoints(endpoints: readonly BalancedEndpoint[]): { at: number; owner: number }[] {
  const weights = endpoints.map((endpoint) => endpoint.weight).filter((weight) => weight > 0)
  const perWeight = Math.min(
    pointsEach / Math.min(...weights),
    pointsMax / weights.reduce((sum, weight) => sum + weight, 0),
  )
  const points = endpoints.flatMap(({ id, weight }, owner) =>
    weight > 0
      ? Array.from({ length: Math.max(1, Math.round(weight * perWeight)) }, (_, n) => ({
          at: hash32(id, n),
          owner,
        }))
      : [],
  )
  // Two owners of one point: the id decides, for the list's order must not.
  return points.toSorted((a, b) => a.at - b.at || (endpoints[a.owner]!.id < endpoints[b.owner]!.id ? -1 : 1))
}
