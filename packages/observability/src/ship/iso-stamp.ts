/** Of a `Date`. */
const secondMax = 8.64e12
const zero = 0x30

/** ISO 8601 in UTC, as bytes. Many records in a row have the same second, so that only the end of it changes. */
export class IsoStamp {
  #second = Number.NaN
  #bytes = Buffer.alloc(0)

  /** Until it is asked again. */
  of(ms: number): Buffer {
    const second = Math.max(-secondMax, Math.min(secondMax, Math.floor(ms / 1_000)))
    if (second !== this.#second) {
      this.#bytes = Buffer.from(new Date(second * 1_000).toISOString())
      this.#second = second
    }
    const rest = Math.max(0, Math.min(999, Math.floor(ms - second * 1_000)))
    const bytes = this.#bytes
    const end = bytes.length - 1
    bytes[end - 1] = zero + (rest % 10)
    bytes[end - 2] = zero + (Math.floor(rest / 10) % 10)
    bytes[end - 3] = zero + Math.floor(rest / 100)
    return bytes
  }
}
