import type { Random } from '../clock.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/**
 * Fewer requests under way first. With equal weights: of two different endpoints drawn at random, the one with
 * fewer (power of two choices: nearly as even as asking all, and threads do not herd). With unequal weights
 * the shares follow weight / (under way + 1), as in Envoy: by weight while idle, away from the loaded.
 */
export class LeastRequestBalancer implements Balancer {
  readonly #endpoints: readonly BalancedEndpoint[]
  readonly #candidates: WeightedCandidates
  readonly #random: Random
  readonly #shares: Float64Array

  constructor(endpoints: readonly BalancedEndpoint[], random: Random) {
    this.#endpoints = endpoints
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#random = random
    this.#shares = new Float64Array(endpoints.length)
  }

  pick({ avoid }: BalancerPick): number {
    const picked = this.#choose(avoid)
    return picked < 0 && avoid.length > 0 ? this.#choose(nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #choose(avoid: readonly number[]): number {
    return this.#candidates.equal ? this.#lessLoadedOfTwo(avoid) : this.#byShares(avoid)
  }

  #lessLoadedOfTwo(avoid: readonly number[]): number {
    this.#candidates.drawTwo(avoid, this.#random)
    const { first, second } = this.#candidates
    if (second < 0) return first
    return this.#endpoints[second]!.load.inFlight() < this.#endpoints[first]!.load.inFlight() ? second : first
  }

  #byShares(avoid: readonly number[]): number {
    const { index, weight, count } = this.#candidates
    // Kept for the second pass: another thread may change the counts in between.
    const shares = this.#shares
    let sum = 0
    for (let c = 0; c < count; c++) {
      const i = index[c]!
      if (avoid.includes(i)) continue
      shares[i] = weight[i]! / (Math.max(0, this.#endpoints[i]!.load.inFlight()) + 1)
      sum += shares[i]!
    }
    let left = this.#random.next() * sum
    let last = -1
    for (let c = 0; c < count; c++) {
      const i = index[c]!
      if (avoid.includes(i)) continue
      last = i
      left -= shares[i]!
      if (left < 0) break
    }
    return last
  }
}
