import type { Random } from '../clock.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/**
 * Smooth weighted round robin, the algorithm of nginx: each turn every endpoint gains its weight, and the
 * richest one is chosen and pays the sum. Over one cycle each endpoint is chosen as often as its weight says,
 * spread out rather than in runs. One turn costs one pass over the endpoints.
 *
 * Threads and gateways start at random points of the cycle: otherwise all begin with the first endpoint.
 */
export class RoundRobinBalancer implements Balancer {
  readonly #candidates: WeightedCandidates
  readonly #credit: Float64Array

  constructor(endpoints: readonly BalancedEndpoint[], random: Random) {
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#credit = new Float64Array(endpoints.length)
    for (let turns = Math.floor(random.next() * this.#candidates.count); turns > 0; turns--)
      this.#turn(nothing)
  }

  pick({ avoid }: BalancerPick): number {
    const picked = this.#turn(avoid)
    return picked < 0 && avoid.length > 0 ? this.#turn(nothing) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
    // One that was out must not come back with credit or debt from before: it would get a burst, or nothing.
    for (let i = 0; i < this.#credit.length; i++) if (this.#candidates.weight[i] === 0) this.#credit[i] = 0
  }

  #turn(avoid: readonly number[]): number {
    const { index, weight, count } = this.#candidates
    const credit = this.#credit
    let best = -1
    let sum = 0
    for (let c = 0; c < count; c++) {
      const i = index[c]!
      if (avoid.length > 0 && avoid.includes(i)) continue
      credit[i]! += weight[i]!
      sum += weight[i]!
      if (best < 0 || credit[i]! > credit[best]!) best = i
    }
    if (best >= 0) credit[best]! -= sum
    return best
  }
}
