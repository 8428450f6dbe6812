import { hash32 } from '@budao/resilience'

const SLOTS = 4_096
/** Words of a slot: who asks (0: nobody), and a hash of what for. */
const SLOT = 2
const tagSeed = 0x9e37_79b9

/** A claim, to be given back; or that another thread asks for the same; or that there is no room to say so. */
export type FlightClaim =
  | { readonly slot: number }
  | { readonly askedBy: number; readonly slot: number }
  | null

/**
 * Which thread is asking for what, in memory that all share: a request that another thread has sent already is waited
 * for. Two keys may want the same slot; the second is then asked for as if there were no table.
 */
export class FlightTable {
  readonly #words: Int32Array
  readonly #owner: number

  /** Zeroed memory for a table. */
  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(SLOTS * SLOT * Int32Array.BYTES_PER_ELEMENT)
  }

  /** `owner` is above 0 and different in each thread. */
  constructor(memory: SharedArrayBuffer, owner: number) {
    this.#words = new Int32Array(memory)
    this.#owner = owner
  }

  claim(key: string): FlightClaim {
    const slot = (hash32(key) % SLOTS) * SLOT
    const tag = hash32(key, tagSeed) | 0
    const askedBy = Atomics.compareExchange(this.#words, slot, 0, this.#owner)
    if (askedBy === 0) {
      Atomics.store(this.#words, slot + 1, tag)
      return { slot }
    }
    const same = askedBy !== this.#owner && Atomics.load(this.#words, slot + 1) === tag
    return same ? { askedBy, slot } : null
  }

  release(slot: number): void {
    Atomics.store(this.#words, slot + 1, 0)
    Atomics.store(this.#words, slot, 0)
    Atomics.notify(this.#words, slot)
  }

  /** Resolves when that thread no longer asks, or after so many milliseconds. */
  async whenReleased(slot: number, askedBy: number, ms: number): Promise<void> {
    await Atomics.waitAsync(this.#words, slot, askedBy, ms).value
  }

  /** A thread has died: nobody is to wait for it. */
  forget(owner: number): void {
    for (let slot = 0; slot < this.#words.length; slot += SLOT)
      if (Atomics.load(this.#words, slot) === owner) this.release(slot)
  }
}
