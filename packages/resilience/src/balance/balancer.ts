import type { Random } from '../clock.ts'
import type { EndpointLoad } from '../endpoint-load.ts'

/** One endpoint as a balancer sees it. */
export interface BalancedEndpoint {
  /** Names the endpoint towards the consistent hashes: the same id gets the same hashes, whatever the order. */
  readonly id: string
  /** Relative share, 0 or more, may be a fraction; 0 gets nothing. */
  readonly weight: number
  readonly load: EndpointLoad
}

/** What a choice depends on. The caller may reuse one object for all calls. */
export interface BalancerPick {
  /** Unsigned 32 bits; only ring-hash and maglev look at it. */
  readonly hash: number
  /** Monotonic milliseconds. */
  readonly now: number
  /** Endpoints this request has already tried, by index. */
  readonly avoid: readonly number[]
}

/**
 * Chooses one endpoint of a fixed list.
 *
 * An endpoint in `avoid` is chosen only when every other one has weight 0; then the choice is made as if
 * nothing were to be avoided, since trying again beats not trying. `pick` allocates nothing.
 */
export interface Balancer {
  /** Index into the list the balancer was built with; -1 when no endpoint has a weight above 0. */
  pick(pick: BalancerPick): number
  /**
   * New weights by index, 0 for an endpoint that is out for now. Round robin goes on where it was. Ring-hash and
   * maglev only distinguish 0 from more: their shares are those of the weights they were built with.
   */
  reweigh(weights: ArrayLike<number>): void
}

/** The indexes that have a weight, with what sampling them needs. Shared by the balancers that choose at random. */
export class WeightedCandidates {
  /** Indexes of weight above 0, in ascending order; the first `count` entries count. */
  readonly index: Int32Array
  readonly weight: Float64Array
  count = 0
  /** Whether all candidates weigh the same. */
  equal = true
  /** What `drawTwo` drew: fields, since a choice must not allocate. -1 for none. */
  first = -1
  second = -1

  constructor(weights: ArrayLike<number>) {
    this.index = new Int32Array(weights.length)
    this.weight = new Float64Array(weights.length)
    this.reweigh(weights)
  }

  reweigh(weights: ArrayLike<number>): void {
    this.count = 0
    this.equal = true
    for (let i = 0; i < this.weight.length; i++) {
      const weight = weights[i] ?? 0
      this.weight[i] = weight > 0 ? weight : 0
      if (!(weight > 0)) continue
      this.index[this.count++] = i
      if (weight !== this.weight[this.index[0]!]) this.equal = false
    }
  }

  /** How many candidates are not in `avoid`. */
  countWithout(avoid: readonly number[]): number {
    if (avoid.length === 0) return this.count
    let count = 0
    for (let c = 0; c < this.count; c++) if (!avoid.includes(this.index[c]!)) count++
    return count
  }

  /** Draws two different candidates that are not in `avoid`, uniformly, into `first` and `second`. */
  drawTwo(avoid: readonly number[], random: Random): void {
    const count = this.countWithout(avoid)
    this.first = -1
    this.second = -1
    if (count === 0) return
    const first = Math.floor(random.next() * count)
    this.first = this.#nth(first, avoid)
    if (count === 1) return
    const second = Math.floor(random.next() * (count - 1))
    this.second = this.#nth(second < first ? second : second + 1, avoid)
  }

  #nth(n: number, avoid: readonly number[]): number {
    if (avoid.length === 0) return this.index[n]!
    for (let c = 0, left = n; c < this.count; c++) {
      if (!avoid.includes(this.index[c]!) && left-- === 0) return this.index[c]!
    }
    return -1
  }
}

/** For the picks that fall back to avoided endpoints. */
export const nothing: readonly number[] = []
