import type { ReleaseCount, RouteReleaseCounts } from '@budao/model'
import type { LostSites, ReleaseLook, ReleasePair } from '@budao/resilience'
import type { GatewayCounts } from './rollout-state.ts'

/** What all gateways saw since the look before. */
export interface Look {
  readonly canary: ReleaseLook
  readonly stable: ReleaseLook
  /** What of it they did at sites where both stand. */
  readonly sites: Readonly<Record<string, ReleasePair>>
  readonly lost: LostSites
  /**
   * `release`: no gateway has an endpoint of the release that it could ask. `site`: nor has any one of stable’s where the release
   * stands, so that it is no matter of the release. Null: some can be asked.
   */
  readonly away: 'release' | 'site' | null
  /** The most new lives within five minutes that any gateway saw of one endpoint or process of each. */
  readonly crashes: { readonly release: number; readonly stable: number }
}

/** Answers of stable that are needed to say how fast it is. */
const answersMin = 200
/** Above the cut lie one in twenty of its answers. */
const slowShare = 0.05

/**
 * The difference of two readings. A gateway that was not there before counts from now on: what it did before the rollout is
 * nobody’s evidence. One whose process began anew has another name. `silent` are gateways that are not heard of any more: what they
 * had counted counts, and what they last saw of endpoints does not.
 */
export function lookAt(
  before: GatewayCounts,
  now: GatewayCounts,
  cut: number | null,
  mirrored: boolean,
  silent: readonly string[] = [],
): Look {
  let canary = nothing
  let stable = nothing
  const sites: Record<string, ReleasePair> = {}
  let lost: ReleasePair = both
  const began: string[] = []
  for (const [gateway, counts] of Object.entries(now)) {
    const was = pairOf(before[gateway], mirrored)
    const is = pairOf(counts, mirrored)
    if (was === undefined || is === undefined) continue
    canary = sum(canary, difference(was.release, is.release, cut))
    stable = sum(stable, difference(was.stable, is.stable, cut))
    if (mirrored) continue
    for (const [site, there] of Object.entries(counts.sites ?? {})) {
      const then = before[gateway]?.sites?.[site]
      if (then === undefined) continue
      const known = there.lost ? lost : (sites[site] ?? both)
      const seen = {
        canary: sum(known.canary, difference(then.release, there.release, cut)),
        stable: sum(known.stable, difference(then.stable, there.stable, cut)),
      }
      if (there.lost) lost = seen
      else sites[site] = seen
      if (there.lost && !then.lost) began.push(site)
    }
  }
  const all = Object.entries(now).flatMap(([gateway, counts]) => (silent.includes(gateway) ? [] : counts))
  const crashes = { release: 0, stable: 0 }
  for (const { crashes: seen = crashes } of all) {
    crashes.release = Math.max(crashes.release, seen.release)
    crashes.stable = Math.max(crashes.stable, seen.stable)
  }
  return { canary, stable, sites, lost: { look: lost, began }, crashes, away: awayOf(all) }
}

function awayOf(all: readonly RouteReleaseCounts[]): Look['away'] {
  if (all.length === 0 || !all.every(({ unusable }) => unusable)) return null
  return all.every(({ lost = false }) => lost) ? 'site' : 'release'
}

type Pair = Pick<RouteReleaseCounts, 'release' | 'stable'>

/** What is compared: users of both, or what both did with the same requests. */
function pairOf(counts: RouteReleaseCounts | undefined, mirrored: boolean): Pair | undefined {
  return mirrored ? counts?.mirrored : counts
}

/** Where to cut: the lowest bound that at most one in twenty of stable’s answers was slower than; null while they are few. */
export function cutOf(counts: GatewayCounts, mirrored: boolean): number | null {
  const all: number[] = []
  for (const each of Object.values(counts))
    for (const [bucket, count] of (pairOf(each, mirrored)?.stable.latencies ?? []).entries())
      all[bucket] = (all[bucket] ?? 0) + count
  const answers = all.reduce((total, count) => total + count, 0)
  if (answers < answersMin) return null
  let above = answers
  for (const [bucket, count] of all.entries()) {
    above -= count
    if (above <= slowShare * answers) return bucket
  }
  return null
}

/** A gateway’s first reading in a rollout: what it counted before is what it begins from. */
export function merged(before: GatewayCounts, now: GatewayCounts): Record<string, RouteReleaseCounts> {
  return { ...before, ...now }
}

const nothing: ReleaseLook = { requests: 0, errors: 0, slow: 0 }
const both: ReleasePair = { canary: nothing, stable: nothing }

function difference(before: ReleaseCount, now: ReleaseCount, cut: number | null): ReleaseLook {
  const rise = (to: number, from: number): number => Math.max(0, to - from)
  return {
    requests: rise(now.requests, before.requests),
    errors: rise(now.errors, before.errors),
    slow: cut === null ? 0 : rise(slower(now, cut), slower(before, cut)),
  }
}

function slower({ latencies }: ReleaseCount, cut: number): number {
  let count = 0
  for (let bucket = cut + 1; bucket < latencies.length; bucket++) count += latencies[bucket]!
  return count
}

function sum(a: ReleaseLook, b: ReleaseLook): ReleaseLook {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, slow: a.slow + b.slow }
}
