import type { Random } from '../clock.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/**
 * The endpoint with the fewest requests under way for its weight, of all. Ties are drawn at random by weight,
 * so that while all are idle the shares follow the weights. One choice costs one pass over the endpoints.
 */
export class LeastConnectionsBalancer implements Balancer {
  readonly #endpoints: readonly BalancedEndpoint[]
  readonly #candidates: WeightedCandidates
  readonly #random: Random

  constructor(endpoints: readonly BalancedEndpoint[], random: Random) {
    this.#endpoints = endpoints
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#random = random
  }

  pick({ avoid }: BalancerPick): number {
    const picked = this.#choose(avoid)
    return picked < 0 && avoid.length > 0 ? this.#choose(nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #choose(avoid: readonly number[]): number {
    const { index, weight, count } = this.#candidates
    let best = -1
    let least = Infinity
    let tied = 0
    for (let c = 0; c < count; c++) {
      const i = index[c]!
      if (avoid.length > 0 && avoid.includes(i)) continue
      const relative = this.#endpoints[i]!.load.inFlight() / weight[i]!
      if (relative > least) continue
      if (relative < least) {
        least = relative
        tied = weight[i]!
        best = i
      } else {
        // Weighted reservoir of one: each of the tied ends up chosen in proportion to its weight.
        tied += weight[i]!
        if (this.#random.next() * tied < weight[i]!) best = i
      }
    }
    return best
  }
}
