/**
 * A linearizable store of small records: leases, leadership, failovers under way. One implementation a provider.
 * Nothing of failover needs more of it than these three.
 */
export interface CoordinationStore {
  /** The record, or null where there is none. Rejects when the store cannot be asked. */
  get(key: string): Promise<Versioned | null>
  /**
   * Stores `value` if the record still has `version` (0: is still absent). Rejects when nobody knows whether it was
   * stored: read it again then.
   */
  compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult>
  /** Tells every change of a key with this prefix, first what is there. Ends with `close`. */
  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void }
}

/** A record and the number of its change, which only rises. */
export interface Versioned<T = unknown> {
  readonly version: number
  readonly value: T
}

/** `current` is what stands there now: the new record, or the one that was in the way. */
export interface CompareAndSetResult {
  readonly ok: boolean
  readonly current: Versioned | null
}
