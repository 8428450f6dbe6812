import { mix32 } from './hash.ts'

/**
 * Which of several weighted places a key belongs to, always the same: its index, -1 when all weights are 0.
 *
 * Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005): every place
 * draws an exponential time from the key, its rate the place's weight, and the first wins. Shares are the weights'
 * shares of their sum, and only those keys move that must: raising a weight brings keys to that place and takes none
 * from it, lowering one the reverse, and nothing moves between two others.
 *
 * @param seeds one for each weight, all different: what the place is, not where it stands in the list
 */
export function stickyChoice(weights: readonly number[], seeds: readonly number[], key: number): number {
  let first = Infinity
  let chosen = -1
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index]!
    if (weight <= 0) continue
    const seed = seeds[index]!
    const uniform = (mix32(mix32(key ^ seed) + seed) + 0.5) / 0x1_0000_0000
    const time = -Math.log(uniform) / weight
    if (time >= first) continue
    first = time
    chosen = index
  }
  return chosen
}
