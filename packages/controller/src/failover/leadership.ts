import type { CompareAndSetResult, Versioned } from '@budao/model'
import { sightLease, surelyEndedAt } from '@budao/resilience'
import type { LeaseSighting, Random } from '@budao/resilience'

/** Who leads, as the store keeps it under `leaderKey`. Every new leader has the next term. */
export interface LeaderRecord {
  readonly term: number
  /** The controller, with what tells this start of its process from others. */
  readonly holder: string
  readonly renewal: number
}

/** Where it is kept. */
export const leaderKey = 'leader'

/** How long one renewal of the leadership holds, milliseconds: shorter than a write lease, so that it is over first. */
export const leaderTerms = { ttlMs: 1500, guardMs: 150, renewMs: 300, timeoutMs: 500 } as const

/** What one controller knows of the leadership. */
export interface LeadershipState {
  readonly self: string
  readonly record: Versioned<LeaderRecord> | null | undefined
  readonly sighting: LeaseSighting | null
  /** Monotonic end of its own leadership, the guard taken off; null: it does not lead. */
  readonly until: number | null
  /** When the request under way was sent. */
  readonly sentAt: number | null
  /** A compare-and-set among them; otherwise a read. */
  readonly storing: boolean
  readonly nextAt: number
}

/** What happens to it. */
export type LeadershipEvent =
  | { readonly kind: 'tick' }
  /** What a watch of the store tells, unasked. */
  | { readonly kind: 'seen'; readonly record: Versioned<LeaderRecord> }
  /** The answer of a read; undefined: none came in time. */
  | { readonly kind: 'read'; readonly record: Versioned<LeaderRecord> | null | undefined }
  /** `null`: nobody knows whether it was stored. */
  | { readonly kind: 'stored'; readonly result: CompareAndSetResult | null }
  /** The kernel where that holder ran says that it is gone: nobody need wait for its lease. */
  | { readonly kind: 'gone'; readonly holder: string }
  /** It stops in an orderly way. */
  | { readonly kind: 'resign' }

/** What it wants; one request at a time, each answered by `read` or `stored`. */
export type LeadershipEffect =
  | { readonly kind: 'read' }
  | { readonly kind: 'store'; readonly version: number; readonly record: LeaderRecord }
  /** It leads until that moment, by its own clock; said with every renewal. */
  | { readonly kind: 'led'; readonly term: number; readonly until: number }
  | { readonly kind: 'unled' }
  | { readonly kind: 'wake'; readonly at: number }

/** A controller that has just begun. */
export function newLeadership(self: string, now: number): LeadershipState {
  return { self, record: undefined, sighting: null, until: null, sentAt: null, storing: false, nextAt: now }
}

/**
 * Leadership by lease: one leads while it renews, the others watch, and take over once it has surely ended. Nothing is
 * safe because of it: every change of a unit is a compare-and-set. It only keeps two from working against each other.
 */
export function stepLeadership(
  before: LeadershipState,
  event: LeadershipEvent,
  now: number,
  random: Random,
): { readonly state: LeadershipState; readonly effects: readonly LeadershipEffect[] } {
  let state = before
  const effects: LeadershipEffect[] = []
  const see = (record: Versioned<LeaderRecord> | null): void => {
    if (record !== null && state.record && record.version < state.record.version) return
    const seen = record === null ? null : { epoch: record.value.term, renewal: record.value.renewal }
    state = { ...state, record, sighting: seen === null ? null : sightLease(state.sighting, seen, now) }
  }
  switch (event.kind) {
    case 'tick':
      break
    case 'seen':
      see(event.record)
      break
    case 'read':
      state = { ...state, sentAt: null, nextAt: now + (event.record === undefined ? leaderTerms.renewMs : 0) }
      if (event.record !== undefined) see(event.record)
      break
    case 'stored': {
      const { sentAt } = state
      state = { ...state, sentAt: null, storing: false }
      if (event.result === null) {
        state = { ...state, record: undefined, nextAt: now }
        break
      }
      see(event.result.current as Versioned<LeaderRecord> | null)
      const own = event.result.ok && sentAt !== null && state.record?.value.holder === state.self
      if (own && state.record) {
        const { ttlMs, guardMs, renewMs } = leaderTerms
        const until = sentAt + ttlMs - guardMs
        effects.push({ kind: 'led', term: state.record.value.term, until })
        state = { ...state, until, nextAt: sentAt + renewMs }
      }
      break
    }
    case 'gone':
      // Wrong or right, it is harmless: who is overtaken by a term finds every record changed under it.
      if (state.record?.value.holder === event.holder && state.sighting !== null)
        state = { ...state, sighting: { ...state.sighting, at: -Infinity }, nextAt: now }
      break
    case 'resign':
      if (state.until !== null) effects.push({ kind: 'unled' })
      return { state: { ...state, until: null, nextAt: Infinity }, effects }
  }
  const overtaken = state.record && state.record.value.holder !== state.self
  if (state.until !== null && (now >= state.until || overtaken)) {
    effects.push({ kind: 'unled' })
    state = { ...state, until: null }
  }
  if (state.sentAt !== null)
    return { state, effects: [...effects, { kind: 'wake', at: state.until ?? Infinity }] }
  const want = wish(state, now, random)
  if (want.kind === 'wake') {
    const at = Math.min(want.at, state.until ?? Infinity)
    return { state: { ...state, nextAt: want.at }, effects: [...effects, { kind: 'wake', at }] }
  }
  return { state: { ...state, sentAt: now, storing: want.kind === 'store' }, effects: [...effects, want] }
}

/** The next thing to ask the store, or when. */
function wish(
  { self, record, sighting, until, nextAt }: LeadershipState,
  now: number,
  random: Random,
): Extract<LeadershipEffect, { kind: 'read' | 'store' | 'wake' }> {
  if (now < nextAt) return { kind: 'wake', at: nextAt }
  if (record === undefined) return { kind: 'read' }
  if (record === null) return { kind: 'store', version: 0, record: { term: 1, holder: self, renewal: 0 } }
  const { term, holder, renewal } = record.value
  const mine = until !== null && holder === self
  if (mine)
    return { kind: 'store', version: record.version, record: { term, holder: self, renewal: renewal + 1 } }
  const endedAt = sighting === null ? now : surelyEndedAt(sighting, leaderTerms)
  if (now >= endedAt) {
    return { kind: 'store', version: record.version, record: { term: term + 1, holder: self, renewal: 0 } }
  }
  // Whoever watches sees renewals pushed; without a watch it reads. Not all at the same moment when it ends.
  const at = endedAt + random.next() * leaderTerms.renewMs
  return { kind: 'wake', at }
}
