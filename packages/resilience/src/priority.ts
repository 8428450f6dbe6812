/** How many endpoints each priority has, by index; all arrays are of one length. */
export interface PriorityCounts {
  readonly healthy: readonly number[]
  /** Usable, but to be preferred less; none by default. Healthy and degraded do not overlap. */
  readonly degraded?: readonly number[] | undefined
  readonly total: readonly number[]
}

/** Percentages of Envoy’s priority load. */
export interface PriorityOptions {
  /** A priority keeps all of its traffic while this many percent of its healthy share reach 100. Default 140. */
  readonly overprovisioningFactorPct?: number
  /** Below this percentage of available endpoints a priority stops looking at health; 0 turns panic off. Default 50. */
  readonly panicThresholdPct?: number
}

/** All numbers are whole percentages, one per priority, except `normalizedTotal`. */
export interface PriorityLoad {
  /** Availability by healthy endpoints, 0 to 100, overprovisioning included. */
  readonly health: readonly number[]
  readonly degradedHealth: readonly number[]
  /** Sum of `health` and `degradedHealth`, at most 100. */
  readonly normalizedTotal: number
  /** Share of requests for the healthy endpoints of each priority. */
  readonly load: readonly number[]
  /** Share of requests for the degraded endpoints. `load` and `degradedLoad` together add up to 100. */
  readonly degradedLoad: readonly number[]
  /** Whether requests to this priority go to all of its endpoints, whatever their health. */
  readonly panic: readonly boolean[]
}

/**
 * Spreads requests over priorities. Semantics of Envoy's load balancer, in its integer arithmetic: the load
 * spills to the next priority as health falls, what rounding leaves goes to the first available priority, and
 * panic is considered only while all priorities together are short of 100. When every priority is in panic,
 * the load follows the number of endpoints instead of their health.
 *
 * All loads are 0 only where the factor is so small that healthy endpoints round to no health at all.
 */
export function priorityLoad(counts: PriorityCounts, options: PriorityOptions = {}): PriorityLoad {
  const { healthy, total } = counts
  const degraded = counts.degraded ?? total.map(() => 0)
  const factor = options.overprovisioningFactorPct ?? 140
  const threshold = Math.min(100, options.panicThresholdPct ?? 50)

  const health = total.map((all, i) => availability(healthy[i] ?? 0, all, factor))
  const degradedHealth = total.map((all, i) => availability(degraded[i] ?? 0, all, factor))
  const normalizedTotal = Math.min(100, sum(health) + sum(degradedHealth))

  // Nothing is available and nothing may panic: the load must still add up, so the first priority refuses it all.
  if (normalizedTotal === 0 && threshold === 0) {
    const load = total.map((_, i) => (i === 0 ? 100 : 0))
    return {
      health,
      degradedHealth,
      normalizedTotal,
      load,
      degradedLoad: zeros(total),
      panic: total.map(() => false),
    }
  }

  const panic = total.map((all, i) => {
    const available = (healthy[i] ?? 0) + (degraded[i] ?? 0)
    return normalizedTotal < 100 && (all === 0 ? 0 : (100 * available) / all) < threshold
  })
  const spread = panic.every(Boolean)
    ? { load: loadByCount(total), degradedLoad: zeros(total) }
    : loadByHealth(health, degradedHealth, normalizedTotal)
  return { health, degradedHealth, normalizedTotal, ...spread, panic }
}

/**
 * The priority for one request. `roll` is a whole number from 0 to 99, random or from a hash. Returns the
 * priority's index for its healthy endpoints, index + number of priorities for its degraded ones, and -1
 * where all loads are 0.
 */
export function choosePriority(spread: Pick<PriorityLoad, 'load' | 'degradedLoad'>, roll: number): number {
  const { load, degradedLoad } = spread
  let reached = 0
  for (let i = 0; i < load.length; i++) {
    reached += load[i]!
    if (roll < reached) return i
  }
  for (let i = 0; i < degradedLoad.length; i++) {
    reached += degradedLoad[i]!
    if (roll < reached) return load.length + i
  }
  return -1
}

function availability(part: number, all: number, factor: number): number {
  return all === 0 ? 0 : Math.min(100, Math.floor((factor * part) / all))
}

function loadByHealth(
  health: readonly number[],
  degradedHealth: readonly number[],
  normalizedTotal: number,
): { load: number[]; degradedLoad: number[] } {
  let left = 100
  const take = (available: number): number => {
    const share = normalizedTotal === 0 ? 0 : Math.min(left, Math.floor((available * 100) / normalizedTotal))
    left -= share
    return share
  }
  // Every healthy endpoint comes before any degraded one, also those of later priorities.
  const load = health.map(take)
  const degradedLoad = degradedHealth.map(take)

  const firstHealthy = health.findIndex((available) => available > 0)
  const firstDegraded = degradedHealth.findIndex((available) => available > 0)
  if (firstHealthy >= 0) load[firstHealthy]! += left
  else if (firstDegraded >= 0) degradedLoad[firstDegraded]! += left
  return { load, degradedLoad }
}

function loadByCount(total: readonly number[]): number[] {
  const all = sum(total)
  // No endpoint anywhere: the first priority refuses everything.
  if (all === 0) return total.map((_, i) => (i === 0 ? 100 : 0))
  const load = total.map((count) => Math.floor((100 * count) / all))
  load[total.findIndex((count) => count > 0)]! += 100 - sum(load)
  return load
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

function zeros(like: readonly unknown[]): number[] {
  return like.map(() => 0)
}
