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
  readonly alone: { readonly canary: ReleaseLook; readonly stable: ReleaseLook } | null
  readonly crashes: { readonly release: number; readonly stable: number }
  readonly asked: AnalysisVerdict
}

/** The verdict with all guards: whatever sends back does so, and whatever holds keeps from passing. */
export function withGuards(judged: RolloutVerdict, { alone, crashes, asked }: Guards): RolloutVerdict {
  const numbers = { ...judged.numbers, canaryCrashes: crashes.release, stableCrashes: crashes.stable }
  if (judged.kind === 'abort') return { ...judged, numbers }
  if (isCrashing(crashes.release, crashes.stable)) return { kind: 'abort', cause: 'crashing', numbers }
  if (alone !== null && failsAlone(alone.canary, alone.stable))
    return { kind: 'abort', cause: 'alone', numbers }
  if (asked.kind === 'abort') return { kind: 'abort', cause: 'analysis', numbers }
  if (judged.kind === 'hold') return { ...judged, numbers }
  if (asked.kind === 'hold') return { kind: 'hold', cause: asked.cause, numbers }
  return { kind: 'pass', numbers }
}
