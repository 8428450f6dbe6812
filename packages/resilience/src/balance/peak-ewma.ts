import type { Random } from '../clock.ts'
import { WeightedCandidates, nothing } from './balancer.ts'
import type { BalancedEndpoint, Balancer, BalancerPick } from './balancer.ts'

/**
 * Of two different endpoints drawn at random, the one that costs less: latency × (under way + 1) / weight,
 * latency being the peak EWMA of `SharedEndpointLoad` (as in Finagle and Envoy). Weights scale how much load an
 * endpoint may carry; they are not shares while latencies differ.
 */
export class PeakEwmaBalancer implements Balancer {
  readonly #endpoints: readonly BalancedEndpoint[]
  readonly #candidates: WeightedCandidates
  readonly #random: Random

  constructor(endpoints: readonly BalancedEndpoint[], random: Random) {
    this.#endpoints = endpoints
    this.#candidates = new WeightedCandidates(endpoints.map((endpoint) => endpoint.weight))
    this.#random = random
  }

  pick({ avoid, now }: BalancerPick): number {
    const picked = this.#choose(avoid, now)
    return picked < 0 && avoid.length > 0 ? this.#choose(nothing, now) : picked
  }

  reweigh(weights: ArrayLike<number>): void {
    this.#candidates.reweigh(weights)
  }

  #choose(avoid: readonly number[], now: number): number {
    this.#candidates.drawTwo(avoid, this.#random)
    const { first, second } = this.#candidates
    if (second < 0) return first
    return this.#cost(second, now) < this.#cost(first, now) ? second : first
  }

  #cost(i: number, now: number): number {
    const { load } = this.#endpoints[i]!
    return (load.latencyMs(now) * (Math.max(0, load.inFlight()) + 1)) / this.#candidates.weight[i]!
  }
}
