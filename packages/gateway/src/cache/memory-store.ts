import { hash32 } from '@budao/resilience'
import {
  AnswerRing,
  SWEEP_BUSY,
  SWEEP_END,
  SWEEP_START,
  type RingCounts,
  type RingPlace,
} from './answer-ring.ts'
import type { AnswerStore } from './answer-store.ts'
import { isMeant, type PurgeMatch } from './purge-match.ts'
import { recordOf, recordParts, type StoredRecord } from './stored-answer.ts'

/** More rings mean fewer threads that want to write to the same one; fewer mean larger records. */
const RINGS_MAX = 16
/** A ring takes records up to a quarter of it; heads and the index take their part. */
const RING_ENTRIES = 5
/** The number of purges stands in front of the rings. */
const HEAD_BYTES = 64
/** What a thread keeps of records it has read, ready to use. */
const READY_BYTES_MAX = 4 * 1_024 * 1_024
const READY_ENTRY_BYTES_MAX = 256 * 1_024
/** Records looked at under one lock: others may write in between. */
const SWEEP_RECORDS = 512

export interface MemoryStoreOptions {
  /** Of the whole store, in all threads. */
  readonly bytes: number
  readonly entryBytes: number
}

interface Ready extends RingPlace {
  readonly ring: AnswerRing
  readonly record: StoredRecord
  readonly bytes: number
}

/** Answers in memory that all threads share: what one has fetched all can give, and the limit is one limit. */
export class MemoryStore implements AnswerStore {
  readonly entryBytesMax: number
  readonly isHere = true
  readonly #head: Int32Array
  readonly #rings: readonly AnswerRing[]
  /**
   * Records as this thread has read them, the oldest first. They are used while their place still holds them, so that what
   * is asked for often is read once and not for every request, and a purge is seen at once.
   */
  readonly #ready: Map<string, Ready> = new Map()
  readonly #readyBytesMax: number
  #readyBytes = 0

  /** Memory for a store, zeroed. Pages of it count once they have been written to. */
  static memory({ bytes }: MemoryStoreOptions): SharedArrayBuffer {
    return new SharedArrayBuffer(HEAD_BYTES + Math.ceil(bytes / 64) * 64)
  }

  /** `owner` is above 0 and different in each thread. */
  constructor(memory: SharedArrayBuffer, { bytes, entryBytes }: MemoryStoreOptions, owner: number) {
    const count = Math.min(RINGS_MAX, floorPower(Math.max(1, bytes / (RING_ENTRIES * entryBytes))))
    const length = Math.floor(bytes / count / 64) * 64
    this.entryBytesMax = entryBytes
    this.#head = new Int32Array(memory, 0, 1)
    this.#rings = Array.from(
      { length: count },
      (_, index) => new AnswerRing(memory, HEAD_BYTES + index * length, length, owner),
    )
    this.#readyBytesMax = Math.min(READY_BYTES_MAX, bytes / 8)
  }

  get epoch(): number {
    return Atomics.load(this.#head, 0)
  }

  get(key: string): StoredRecord | undefined {
    const ready = this.#ready.get(key)
    if (ready !== undefined) {
      if (ready.ring.holds(ready)) {
        ready.ring.touch(ready.slot)
        return ready.record
      }
      this.#forget(key, ready)
    }
    const set = hash32(key)
    const ring = this.#ringOf(set)
    const found = ring.read(key, set, hash32(key, tagSeed))
    if (found === undefined) return undefined
    const record = recordOf(found)
    if (record === null) return undefined
    const bytes = key.length + found.meta.length + found.body.length
    if (bytes <= READY_ENTRY_BYTES_MAX)
      this.#remember(key, { ring, record, bytes, slot: found.slot, position: found.position })
    return record
  }

  put(key: string, record: StoredRecord, epoch: number): void {
    if (epoch !== this.epoch) return
    const set = hash32(key)
    this.#ringOf(set).put(key, set, hash32(key, tagSeed), recordParts(record))
    // A purge that began meanwhile may have looked there already.
    if (epoch !== this.epoch) this.remove(key)
  }

  remove(key: string): void {
    const set = hash32(key)
    const tag = hash32(key, tagSeed)
    while (!this.#ringOf(set).remove(key, set, tag)) continue
  }

  /** Removes everything that matches, in all threads. Returns how many records that were. */
  async purge(match: PurgeMatch): Promise<number> {
    Atomics.add(this.#head, 0, 1)
    const meant = (key: string, meta: () => string): boolean => isMeant(match, key, () => tagsIn(meta()))
    let removed = 0
    for (const ring of this.#rings) {
      let position = SWEEP_START
      while (position !== SWEEP_END) {
        const swept = ring.sweep(position, SWEEP_RECORDS, meant)
        removed += swept.removed
        if (swept.next !== SWEEP_BUSY) position = swept.next
        // The thread that sweeps has other things to do, too.
        await new Promise(setImmediate)
      }
    }
    return removed
  }

  counts(): RingCounts {
    const sum = { entries: 0, bytes: 0, evictions: 0, lockBusy: 0 }
    for (const ring of this.#rings) {
      const counts = ring.counts()
      for (const key of ['entries', 'bytes', 'evictions', 'lockBusy'] as const) sum[key] += counts[key]
    }
    return sum
  }

  /** A thread has died. */
  forget(owner: number): void {
    for (const ring of this.#rings) ring.forget(owner)
  }

  #ringOf(set: number): AnswerRing {
    // The low bits choose the set within the ring.
    return this.#rings[(set >>> 24) & (this.#rings.length - 1)]!
  }

  #remember(key: string, ready: Ready): void {
    this.#ready.set(key, ready)
    this.#readyBytes += ready.bytes
    for (const [oldest, each] of this.#ready) {
      if (this.#readyBytes <= this.#readyBytesMax) return
      this.#forget(oldest, each)
    }
  }

  #forget(key: string, { bytes }: Ready): void {
    this.#ready.delete(key)
    this.#readyBytes -= bytes
  }
}

const tagSeed = 0x5bd1_e995

function tagsIn(meta: string): readonly string[] {
  const record = recordOf({ meta, body: '' })
  return record?.kind === 'answer' ? record.tags : []
}

function floorPower(value: number): number {
  return 2 ** Math.floor(Math.log2(value))
}
