const firstBytes = 65_536
/** Shorter pieces are copied here: a call of the engine’s own costs more. */
const loopBytesMax = 40
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
