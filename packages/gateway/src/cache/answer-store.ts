import type { PurgeMatch } from './purge-match.ts'
import type { StoredRecord } from './stored-answer.ts'

/**
 * Where answers are kept. All but `purge` do what they can and never throw or reject: a store that is away holds nothing
 * and takes nothing.
 */
export interface AnswerStore {
  /** Larger answers are not offered to it: bytes of head and body. */
  readonly entryBytesMax: number
  /** In the memory of this process: nothing is waited for. */
  readonly isHere: boolean
  /** A promise only where the store is somewhere else. */
  get(key: string): StoredRecord | undefined | Promise<StoredRecord | undefined>
  /** `epoch` from before the answer was asked for: one that was under way during a purge is not kept. */
  put(key: string, record: StoredRecord, epoch: number): void
  /** Forgets one key, at once in this gateway. */
  remove(key: string): void
  /** Removes what is meant, for all threads. Returns how many records; rejects when the store is away. */
  purge(match: PurgeMatch): Promise<number>
  /** Changes with every purge. */
  readonly epoch: number
}
