import type { EventDraft } from '@budao/model'
import type { Cells } from '@budao/resilience'
import type { AnswerStore } from '../cache/answer-store.ts'
import type { KeyStore } from '../idempotency/key-store.ts'

/** One rate, for many keys. Times in milliseconds. */
export interface SharedLimit {
  /** What tells this limit from others in the same store. */
  readonly name: string
  readonly requests: number
  readonly perMs: number
  readonly burst: number
}

/** What a limit says to one request. */
export interface LimitVerdict {
  /** 0: admitted. Otherwise the milliseconds after which the same would be, and nothing was taken. */
  readonly waitMs: number
  /** How many more would be admitted now. */
  readonly left: number
}

/** Counts the requests of several gateways together. */
export interface SharedLimiter {
  /** Rejects with a `StoreAway` when the store does not answer in time. */
  take(key: string): Promise<LimitVerdict>
}

/** One cache, for several gateways. */
export interface SharedAnswers {
  readonly name: string
  /** Larger answers are not kept. */
  readonly entryBytes: number
  /** One cell, shared by all threads: counts purges. */
  readonly purges: Int32Array
}

/** A server that several gateways share, as one thread sees it. It may be away at any time, also at the start. */
export interface Store {
  /** False while it is away: whatever is asked of it is rejected at once. */
  readonly here: boolean
  /** Counts one who did not ask because it is away. */
  passedBy(): void
  limiter(limit: SharedLimit): SharedLimiter
  answers(cache: SharedAnswers): AnswerStore
  /** Where keys of writes are kept for several gateways. */
  writeKeys(): KeyStore
  close(): void
}

/** The store did not answer. The message says why. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway'
}

/** What the outside gives a store. */
export interface StoreEnv {
  readonly name: string
  /** Shared by all threads of this process; as long as `storeCells` says. */
  readonly cells: Cells
  /** From 0. */
  readonly worker: number
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  report(event: EventDraft): void
}
