import type { RecordParts } from './stored-answer.ts'

/** Bytes of one unit of the ring: records begin at multiples of it. */
const UNIT = 64
const WAYS = 8
/** Words of a slot: position + 1 or 0 when empty, second hash of the key, 1 when it was used since it was last looked at. */
const SLOT = 4
const SLOT_BYTES = SLOT * 4
/** One slot for so many bytes of the ring: smaller records than that compete for slots before they do for bytes. */
const BYTES_PER_SLOT = 512

/** Words at the beginning of a ring's memory. */
const Head = { lock: 0, write: 1, tail: 2, entries: 3, units: 4, evictions: 5, lockBusy: 6 } as const
const HEAD_BYTES = 64

/** Words at the beginning of a record; behind them key, meta and body. */
const Record = { units: 0, slot: 1, keyLength: 2, metaLength: 3, bodyLength: 4 } as const
const RECORD_BYTES = 32
/** In place of a slot: what lies between the last record before the end of the ring and that end. */
const FILLER = -1

const SPINS = 200
const LOCK_WAIT_MS = 1
/** At most so many records are written anew, because they are in use, to make room for one. */
const KEPT_MAX = 32

/** Where a sweep begins, that it is through, and that another thread is writing: try again. */
export const SWEEP_START = -1
export const SWEEP_END = -2
export const SWEEP_BUSY = -3

/** What a ring counts. Bytes are those of records that can be found. */
export interface RingCounts {
  readonly entries: number
  readonly bytes: number
  readonly evictions: number
  /** How often a thread went without because another one was writing. */
  readonly lockBusy: number
}

/** Where a record lies, good as long as `holds` says so. */
export interface RingPlace {
  readonly slot: number
  readonly position: number
}

/**
 * A part of a memory that several threads share as a cache: a ring of records, the oldest overwritten first, and an index
 * by hash in sets of eight. A record that was used since it was written is written once more before it would be lost
 * (CLOCK; as in S3-FIFO, Yang et al. 2023, without its small queue).
 *
 * Reading takes no lock. A writer moves `write` over what it is about to overwrite before it does so; a reader copies
 * first and then looks whether its record was overtaken meanwhile, as with a sequence lock. Writers exclude one another by
 * a lock that nobody waits for longer than 2 ms: who does not get it goes without. The owner of the lock is written
 * in it, so that the lock of a thread that died can be broken; what it left half done is thrown away with the ring.
 */
export class AnswerRing {
  readonly #words: Int32Array
  readonly #bytes: Buffer
  readonly #owner: number
  readonly #sets: number
  readonly #slotsAt: number
  readonly #ringAt: number
  readonly #capacity: number
  /** Positions count up to here and begin anew: the largest multiple of the capacity that a cell can hold. */
  readonly #modulus: number

  /** `owner` is above 0 and different in each thread. The memory is zeroed when new. */
  constructor(memory: SharedArrayBuffer, offset: number, length: number, owner: number) {
    this.#owner = owner
    this.#sets = floorPower(Math.max(1, Math.floor(length / BYTES_PER_SLOT / WAYS)))
    const slotBytes = this.#sets * WAYS * SLOT_BYTES
    this.#words = new Int32Array(memory, offset, Math.floor(length / 4))
    this.#bytes = Buffer.from(memory, offset, length)
    this.#slotsAt = HEAD_BYTES / 4
    this.#ringAt = HEAD_BYTES + Math.ceil(slotBytes / UNIT) * UNIT
    this.#capacity = Math.floor((length - this.#ringAt) / UNIT)
    this.#modulus = Math.floor(0x7fff_fffe / this.#capacity) * this.#capacity
  }

  /** The largest record that is taken, key and all. */
  get recordBytesMax(): number {
    return Math.floor(this.#capacity / 4) * UNIT
  }

  /** Copies what is kept under a key. `set` and `tag` are two hashes of it. */
  read(key: string, set: number, tag: number): (RecordParts & RingPlace) | undefined {
    const first = this.#firstSlot(set)
    for (let slot = first; slot < first + WAYS * SLOT; slot += SLOT) {
      if (Atomics.load(this.#words, slot + 1) !== (tag | 0)) continue
      const position = Atomics.load(this.#words, slot) - 1
      if (position === -1) continue
      const parts = this.#copy(position, key)
      // A read-modify-write: nothing of the copying may be done behind it (a plain load would allow that on ARM).
      const write = Atomics.add(this.#words, Head.write, 0)
      if (parts === undefined || this.#distance(position, write) > this.#capacity) continue
      if (Atomics.load(this.#words, slot) !== position + 1) continue
      this.touch(slot)
      return { ...parts, slot, position }
    }
    return undefined
  }

  /** Whether that place still holds the record it was read from. */
  holds({ slot, position }: RingPlace): boolean {
    return Atomics.load(this.#words, slot) === position + 1
  }

  /** The record is in use. */
  touch(slot: number): void {
    if (Atomics.load(this.#words, slot + 2) === 0) Atomics.store(this.#words, slot + 2, 1)
  }

  /** Keeps a record in place of the one of the same key. False when it is too large, or another thread is writing. */
  put(key: string, set: number, tag: number, { meta, body }: RecordParts): boolean {
    const units = Math.ceil((RECORD_BYTES + key.length + meta.length + body.length) / UNIT)
    if (units * UNIT > this.recordBytesMax || !this.#lock()) return false
    const saved: Buffer[] = []
    const position = this.#reserve(units, saved)
    const slot = this.#slotFor(key, set, tag)
    const at = this.#byteOf(position)
    const words = at / 4
    this.#words[words + Record.units] = units
    this.#words[words + Record.slot] = slot
    this.#words[words + Record.keyLength] = key.length
    this.#words[words + Record.metaLength] = meta.length
    this.#words[words + Record.bodyLength] = body.length
    const end = at + RECORD_BYTES
    this.#bytes.write(key, end, 'latin1')
    this.#bytes.write(meta, end + key.length, 'latin1')
    this.#bytes.write(body, end + key.length + meta.length, 'latin1')
    this.#publish(slot, position, tag, units)
    for (const record of saved) this.#keep(record, key)
    this.#unlock()
    return true
  }

  /** False when another thread is writing. */
  remove(key: string, set: number, tag: number): boolean {
    if (!this.#lock()) return false
    const slot = this.#find(key, set, tag)
    if (slot !== -1) this.#clear(slot)
    this.#unlock()
    return true
  }

  /**
   * Removes what `matches` says, looking at up to `recordsMax` records from `position` on. Returns where to go on, or
   * one of the constants above.
   */
  sweep(
    position: number,
    recordsMax: number,
    matches: (key: string, meta: () => string) => boolean,
  ): { readonly next: number; readonly removed: number } {
    if (!this.#lock()) return { next: SWEEP_BUSY, removed: 0 }
    const write = this.#words[Head.write]!
    const tail = this.#words[Head.tail]!
    let removed = 0
    // Where it stopped last time may be gone meanwhile: then the tail is beyond it.
    let at =
      position === SWEEP_START || this.#distance(position, write) > this.#distance(tail, write)
        ? tail
        : position
    for (let looked = 0; at !== write && looked < recordsMax; looked++) {
      const words = this.#byteOf(at) / 4
      const slot = this.#words[words + Record.slot]!
      if (slot !== FILLER && this.#words[slot] === at + 1) {
        const start = this.#byteOf(at) + RECORD_BYTES
        const metaAt = start + this.#words[words + Record.keyLength]!
        const meta = (): string =>
          this.#bytes.toString('latin1', metaAt, metaAt + this.#words[words + Record.metaLength]!)
        if (matches(this.#bytes.toString('latin1', start, metaAt), meta)) {
          this.#clear(slot)
          removed++
        }
      }
      at = this.#ahead(at, this.#words[words + Record.units]!)
    }
    this.#unlock()
    return { next: at === write ? SWEEP_END : at, removed }
  }

  counts(): RingCounts {
    return {
      entries: Atomics.load(this.#words, Head.entries),
      bytes: Atomics.load(this.#words, Head.units) * UNIT,
      evictions: Atomics.load(this.#words, Head.evictions),
      lockBusy: Atomics.load(this.#words, Head.lockBusy),
    }
  }

  /** A thread has died: if it was writing, what it left is thrown away. */
  forget(owner: number): void {
    if (Atomics.load(this.#words, Head.lock) !== owner) return
    for (let slot = 0; slot < this.#sets * WAYS; slot++)
      Atomics.store(this.#words, this.#slotsAt + slot * SLOT, 0)
    // On in another round: what threads remember of places is not to hold for what is written there next.
    const round = Math.floor(Atomics.load(this.#words, Head.write) / this.#capacity)
    const write = ((round + 2) * this.#capacity) % this.#modulus
    Atomics.store(this.#words, Head.write, write)
    Atomics.store(this.#words, Head.tail, write)
    Atomics.store(this.#words, Head.entries, 0)
    Atomics.store(this.#words, Head.units, 0)
    this.#unlock()
  }

  #copy(position: number, key: string): RecordParts | undefined {
    const at = this.#byteOf(position)
    const words = at / 4
    const keyLength = this.#words[words + Record.keyLength]!
    if (keyLength !== key.length) return undefined
    const metaLength = this.#words[words + Record.metaLength]!
    const bodyLength = this.#words[words + Record.bodyLength]!
    const metaAt = at + RECORD_BYTES + keyLength
    const bodyAt = metaAt + metaLength
    // While it is being overwritten anything may stand there.
    if (metaLength < 0 || bodyLength < 0 || bodyAt + bodyLength > this.#bytes.length) return undefined
    if (this.#bytes.toString('latin1', at + RECORD_BYTES, metaAt) !== key) return undefined
    return {
      meta: this.#bytes.toString('latin1', metaAt, bodyAt),
      body: this.#bytes.toString('latin1', bodyAt, bodyAt + bodyLength),
    }
  }

  #lock(): boolean {
    for (let tries = 0; tries < 2; tries++) {
      for (let spin = 0; spin < SPINS; spin++)
        if (Atomics.compareExchange(this.#words, Head.lock, 0, this.#owner) === 0) return true
      Atomics.wait(this.#words, Head.lock, Atomics.load(this.#words, Head.lock), LOCK_WAIT_MS)
    }
    if (Atomics.compareExchange(this.#words, Head.lock, 0, this.#owner) === 0) return true
    Atomics.add(this.#words, Head.lockBusy, 1)
    return false
  }

  #unlock(): void {
    Atomics.store(this.#words, Head.lock, 0)
    Atomics.notify(this.#words, Head.lock, 1)
  }

  /** Makes room for so many units in one piece. What is lost for it and is in use goes to `saved`, as far as that may grow. */
  #reserve(units: number, saved: Buffer[] | null): number {
    const words = this.#words
    const write = words[Head.write]!
    const left = this.#capacity - (write % this.#capacity)
    const filler = left < units ? left : 0
    const next = this.#ahead(write, filler + units)
    let keptUnits = Math.min(4 * units, this.#capacity / 4)
    while (this.#distance(words[Head.tail]!, write) + filler + units > this.#capacity) {
      const tail = words[Head.tail]!
      const at = this.#byteOf(tail)
      const size = words[at / 4 + Record.units]!
      const slot = words[at / 4 + Record.slot]!
      words[Head.tail] = this.#ahead(tail, size)
      if (slot === FILLER || words[slot] !== tail + 1) continue
      const used = Atomics.exchange(words, slot + 2, 0) === 1
      if (used && saved !== null && saved.length < KEPT_MAX && size <= keptUnits) {
        keptUnits -= size
        saved.push(Buffer.from(this.#bytes.subarray(at, at + size * UNIT)))
      } else Atomics.add(words, Head.evictions, 1)
      this.#clear(slot)
    }
    // From here on readers know that what lies before it is being overwritten.
    Atomics.store(words, Head.write, next)
    if (filler > 0) {
      const at = this.#byteOf(write) / 4
      words[at + Record.units] = filler
      words[at + Record.slot] = FILLER
    }
    return this.#ahead(write, filler)
  }

  /** Writes a record anew that was about to be lost, unless another one has taken its slot or its key meanwhile. */
  #keep(record: Buffer, written: string): void {
    const head = new Int32Array(record.buffer, record.byteOffset, RECORD_BYTES / 4)
    const slot = head[Record.slot]!
    if (this.#words[slot] !== 0) return
    if (record.toString('latin1', RECORD_BYTES, RECORD_BYTES + head[Record.keyLength]!) === written) return
    const units = head[Record.units]!
    const position = this.#reserve(units, null)
    record.copy(this.#bytes, this.#byteOf(position))
    this.#publish(slot, position, this.#words[slot + 1]!, units)
  }

  #publish(slot: number, position: number, tag: number, units: number): void {
    if (this.#words[slot] !== 0) this.#clear(slot)
    Atomics.add(this.#words, Head.entries, 1)
    Atomics.add(this.#words, Head.units, units)
    this.#words[slot + 2] = 0
    this.#words[slot + 3] = units
    Atomics.store(this.#words, slot + 1, tag | 0)
    Atomics.store(this.#words, slot, position + 1)
  }

  #clear(slot: number): void {
    Atomics.store(this.#words, slot, 0)
    Atomics.sub(this.#words, Head.entries, 1)
    Atomics.sub(this.#words, Head.units, this.#words[slot + 3]!)
  }

  /** The slot of a key, an empty one, or the one in its set that is unused for longest. Only under the lock. */
  #slotFor(key: string, set: number, tag: number): number {
    const found = this.#find(key, set, tag)
    if (found !== -1) return found
    const first = this.#firstSlot(set)
    const write = this.#words[Head.write]!
    let victim = first
    let oldest = -1
    for (let slot = first; slot < first + WAYS * SLOT; slot += SLOT) {
      const position = this.#words[slot]! - 1
      if (position === -1) return slot
      const used = Atomics.load(this.#words, slot + 2) === 1
      const age = this.#distance(position, write) - (used ? this.#capacity : 0)
      if (slot !== first && age <= oldest) continue
      oldest = age
      victim = slot
    }
    // All are in use: who wants to stay the next time has to be used again.
    if (Atomics.load(this.#words, victim + 2) === 1)
      for (let slot = first; slot < first + WAYS * SLOT; slot += SLOT) Atomics.store(this.#words, slot + 2, 0)
    Atomics.add(this.#words, Head.evictions, 1)
    return victim
  }

  #find(key: string, set: number, tag: number): number {
    const first = this.#firstSlot(set)
    for (let slot = first; slot < first + WAYS * SLOT; slot += SLOT) {
      const position = this.#words[slot]! - 1
      if (position === -1 || this.#words[slot + 1] !== (tag | 0)) continue
      const at = this.#byteOf(position)
      const end = at + RECORD_BYTES + this.#words[at / 4 + Record.keyLength]!
      if (this.#bytes.toString('latin1', at + RECORD_BYTES, end) === key) return slot
    }
    return -1
  }

  #firstSlot(set: number): number {
    return this.#slotsAt + (set & (this.#sets - 1)) * WAYS * SLOT
  }

  #byteOf(position: number): number {
    return this.#ringAt + (position % this.#capacity) * UNIT
  }

  #ahead(position: number, units: number): number {
    return (position + units) % this.#modulus
  }

  /** How far `to` is ahead of `from`. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#modulus
  }
}

function floorPower(value: number): number {
  return 2 ** Math.floor(Math.log2(value))
}
