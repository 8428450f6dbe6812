import {
  failsAlone,
  isCrashing,
  type AnalysisVerdict,
  type ReleaseLook,
  type RolloutVerdict,
} from '@budao/resilience'

/** What is looked at beside the comparison of requests. */
export interface Guards {
  /** With all requests: what it did since the look before, and what stable ever did; null: there is stable beside it. */
  readonly alone: {
    readonly canary: ReleaseLook
    readonly stable: ReleaseLook
    readonly sites: readonly ReleaseLook[]
  } | null
  /** None of its endpoints can be asked, or nothing at all where it stands, for so long, milliseconds; null: some can. */
  readonly away: { readonly what: 'release' | 'site'; readonly forMs: number } | null
  readonly crashes: { readonly release: number; readonly stable: number }
  readonly asked: AnalysisVerdict
}

/**
 * Its users are asked stable meanwhile, so it costs nothing to wait: longer than a restart takes, and than checks need to find the same
 * outage at stable, which is Kubernetes’ grace of 30 s for a container that ends.
 */
const awayMaxMs = 30_000

/** The verdict with all guards: whatever sends back does so, and whatever holds keeps from passing. */
export function withGuards(judged: RolloutVerdict, { alone, away, crashes, asked }: Guards): RolloutVerdict {
  const numbers = { ...judged.numbers, canaryCrashes: crashes.release, stableCrashes: crashes.stable }
  if (judged.kind === 'abort') return { ...judged, numbers }
  if (isCrashing(crashes.release, crashes.stable)) return { kind: 'abort', cause: 'crashing', numbers }
  if (away?.what === 'release' && away.forMs >= awayMaxMs)
    return { kind: 'abort', cause: 'unusable', numbers }
  if (alone !== null && failsAlone(alone.canary, alone.stable, alone.sites))
    return { kind: 'abort', cause: 'alone', numbers }
  if (asked.kind === 'abort') return { kind: 'abort', cause: 'analysis', numbers }
  if (away !== null) return { kind: 'hold', cause: away.what === 'site' ? 'site-lost' : 'unusable', numbers }
  if (judged.kind === 'hold') return { ...judged, numbers }
  if (asked.kind === 'hold') return { kind: 'hold', cause: asked.cause, numbers }
  return { kind: 'pass', numbers }
}
