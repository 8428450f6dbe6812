import type { Random } from '../clock.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/** Each request to an endpoint at random, in proportion to the weights. */
export class RandomBalancer implements Balancer {
  readonly #candidates: WeightedCandidates
  readonly #random: Random

  constructor(endpoints: readonly BalancedEndpoint[], random: Random) {
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#random = random
  }

  pick({ avoid }: BalancerPick): number {
    const picked = this.#draw(avoid)
    return picked < 0 && avoid.length > 0 ? this.#draw(nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #draw(avoid: readonly number[]): number {
    const { index, weight, count, equal } = this.#candidates
    if (equal && avoid.length === 0) return count === 0 ? -1 : index[Math.floor(this.#random.next() * count)]!

    let sum = 0
    for (let c = 0; c < count; c++) if (!avoid.includes(index[c]!)) sum += weight[index[c]!]!
    let left = this.#random.next() * sum
    let last = -1
    for (let c = 0; c < count; c++) {
      const i = index[c]!
      if (avoid.includes(i)) continue
      last = i
      left -= weight[i]!
      if (left < 0) break
    }
    return last // Also where rounding leaves a crumb after the last weight.
  }
}
