const firstBytes = 65_536
/** Shorter pieces are copied here: a call of the engine’s own costs more. */
const loopBytesMax = 40
const zero = 0x30
const quote = 0x22
const backslash = 0x5c

/** A body put together from bytes, in memory that is used again for the next. */
export class ByteText {
  #buffer = Buffer.allocUnsafeSlow(firstBytes)
  #length = 0

  /** Begins the next: what `bytes` gave before is no longer what it was. */
  clear(): void {
    this.#length = 0
  }

  get length(): number {
    return this.#length
  }

  /** What was put together since `clear`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  add(bytes: Buffer, from = 0, to: number = bytes.length): void {
    const length = to - from
    const buffer = this.#room(length)
    let at = this.#length
    this.#length += length
    if (length > loopBytesMax) bytes.copy(buffer, at, from, to)
    else for (let index = from; index < to; index++) buffer[at++] = bytes[index]!
  }

  /** Takes away what was added behind the first `length` bytes. */
  shorten(length: number): void {
    this.#length = length
  }

  addByte(byte: number): void {
    const buffer = this.#room(1)
    buffer[this.#length++] = byte
  }

  /** A whole number that is not negative, in decimal. Larger ones than 2⁵³ − 1, and others, as JSON has them. */
  addNumber(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) return this.addText(JSON.stringify(value))
    const buffer = this.#room(16)
    // In two parts: division of what fits into 32 bits is many times as fast.
    const high = Math.floor(value / 1e8)
    if (high > 0x7fffffff) return this.addText(String(value))
    const low = value - high * 1e8
    const highDigits = high === 0 ? 0 : digitsOf(high)
    const lowDigits = high === 0 ? digitsOf(low) : 8
    writeDigits(buffer, this.#length, high, highDigits)
    writeDigits(buffer, this.#length + highDigits, low, lowDigits)
    this.#length += highDigits + lowDigits
  }

  addText(text: string): void {
    const buffer = this.#room(text.length * 3)
    this.#length += buffer.write(text, this.#length)
  }

  /** JSON with all that a JSON string of it would escape: quotes and what escapes, for control characters are escaped already. */
  addEscaped(bytes: Buffer): void {
    const buffer = this.#room(bytes.length * 2)
    let at = this.#length
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index]!
      if (byte === quote || byte === backslash) buffer[at++] = backslash
      buffer[at++] = byte
    }
    this.#length = at
  }

  /** With place for so many bytes more. */
  #room(bytes: number): Buffer {
    const length = this.#length + bytes
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    return this.#buffer
  }
}

function digitsOf(value: number): number {
  let digits = 1
  for (let limit = 10; value >= limit; limit *= 10) digits++
  return digits
}

function writeDigits(buffer: Buffer, from: number, value: number, digits: number): void {
  let left = value | 0
  for (let at = from + digits - 1; at >= from; at--) {
    const tenth = (left / 10) | 0
    buffer[at] = zero + left - tenth * 10
    left = tenth
  }
}
