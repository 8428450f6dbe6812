import type { BackendConfig } from '@budao/model'

/**
 * Draws one of a route's backends in proportion to their weights, which may have any sum. `u` is drawn from [0, 1).
 * Returns its index; -1 when no backend has a weight above 0.
 */
export function chooseBackend(backends: readonly Pick<BackendConfig, 'weight'>[], u: number): number {
  if (backends.length === 1) return backends[0]!.weight > 0 ? 0 : -1
  let total = 0
  for (const { weight } of backends) total += weight
  let left = u * total
  let last = -1
  for (let index = 0; index < backends.length; index++) {
    const { weight } = backends[index]!
    if (weight <= 0) continue
    if (left < weight) return index
    left -= weight
    last = index
  }
  // Rounding can leave a little over when `u` is nearly 1.
  return last
}
