const second = 19
const length = 24
const letterT = 0x54
const letterZ = 0x5a
const dot = 0x2e
const zero = 0x30

/** Reads `2026-11-27T06:13:20.001Z`, which most programs write, from bytes. */
export class UtcBytes {
  /** Many lines have the same second, which is then not read again. */
  readonly #last = Buffer.alloc(second)
  #lastInstant = Number.NaN

  /** Milliseconds since 1970; undefined for what is written in another way. */
  instant(bytes: Buffer, from: number, to: number): number | undefined {
    if (to - from !== length || bytes[to - 1] !== letterZ) return undefined
    if (bytes[from + 10] !== letterT || bytes[from + second] !== dot) return undefined
    const a = bytes[from + 20]! - zero
    const b = bytes[from + 21]! - zero
    const c = bytes[from + 22]! - zero
    if (a < 0 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return undefined
    let index = second - 1
    // From its end: that is what differs.
    while (index >= 0 && bytes[from + index] === this.#last[index]) index--
    if (index >= 0) {
      const instant = Date.parse(`${bytes.toString('latin1', from, from + second)}Z`)
      bytes.copy(this.#last, 0, from, from + second)
      this.#lastInstant = instant
    }
    return Number.isNaN(this.#lastInstant) ? undefined : this.#lastInstant + a * 100 + b * 10 + c
  }
}
