import { recordStart } from './segment-lines.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const zero = 0x30
const nine = 0x39
const brace = 0x7b
const braceEnd = 0x7d
const backslash = 0x5c
const [letterA, letterB, letterE, letterL, letterO, letterP, letterR, letterS, letterT] =
  Buffer.from('abeloprst')

/** From one byte to before another; empty where there is nothing. */
export class ByteRange {
  from = 0
  to = 0

  set(from: number, to: number): void {
    this.from = from
    this.to = to
  }

  get isEmpty(): boolean {
    return this.to === this.from
  }
}

/** Numbers that each attribute takes in `places`. */
export const placesOfAttribute = 4

/**
 * A record’s line in the store, cut into parts that are JSON already: what passes records on puts them together anew without reading
 * them. One for many lines, over the bytes of their piece.
 */
export class LineParts {
  bytes: Buffer = Buffer.alloc(0)
  ts = 0
  obs = 0
  src = 0
  readonly sev: ByteRange = new ByteRange()
  /** These with their quotes. */
  readonly level: ByteRange = new ByteRange()
  readonly trace: ByteRange = new ByteRange()
  readonly span: ByteRange = new ByteRange()
  readonly body: ByteRange = new ByteRange()
  /** Inside of their braces. */
  readonly attributes: ByteRange = new ByteRange()
  /** Of each attribute: where its name begins and ends, without quotes, and its value. */
  readonly places: number[] = []
  /** How many of `places` are in use. */
  placesUsed = 0

  /** False for a line that is not as the store writes it: such a one has to be read. */
  cut(bytes: Buffer, from: number, to: number): boolean {
    this.bytes = bytes
    this.obs = Number.NaN
    // One by one: a list of them would be made for each line.
    this.sev.set(0, 0)
    this.level.set(0, 0)
    this.trace.set(0, 0)
    this.span.set(0, 0)
    this.body.set(0, 0)
    this.attributes.set(0, 0)
    this.placesUsed = 0
    let at = endOfNumber(bytes, from + recordStart.length)
    this.ts = numberIn(bytes, from + recordStart.length, at)
    while (bytes[at] === comma && at < to) {
      const first = bytes[at + 2]
      const second = bytes[at + 3]
      let value = at + 4
      while (bytes[value] !== colon) if (++value >= to) return false
      value++
      if (bytes[value] === quote) {
        at = endOfString(bytes, value, to)
        const range = this.#textNamed(first, second)
        if (range === null) return false
        range.set(value, at)
      } else if (first === letterA && bytes[value] === brace) {
        at = this.#cutAttributes(value + 1, to)
        if (at < 0) return false
        this.attributes.set(value + 1, at)
        at++
      } else {
        at = endOfNumber(bytes, value)
        if (first === letterO) this.obs = numberIn(bytes, value, at)
        else if (first === letterS && second === letterR) this.src = numberIn(bytes, value, at)
        else if (first === letterS && second === letterE) this.sev.set(value, at)
        else return false
      }
    }
    if (Number.isNaN(this.obs)) this.obs = this.ts
    return !this.body.isEmpty && bytes[at] === braceEnd && at === to - 1
  }

  #textNamed(first: number | undefined, second: number | undefined): ByteRange | null {
    switch (first) {
      case letterB:
        return this.body
      case letterL:
        return this.level
      case letterT:
        return this.trace
      case letterS:
        return second === letterP ? this.span : null
      default:
        return null
    }
  }

  /** Says where the closing brace is; -1 where there is none. */
  #cutAttributes(from: number, end: number): number {
    const { bytes, places } = this
    let used = 0
    for (let at = from; at < end; at++) {
      if (bytes[at] !== quote) return -1
      const nameEnd = endOfString(bytes, at, end)
      const value = nameEnd + 1
      places[used] = at + 1
      places[used + 1] = nameEnd - 1
      places[used + 2] = value
      if (bytes[value] === quote) at = endOfString(bytes, value, end)
      else for (at = value; bytes[at] !== comma && bytes[at] !== braceEnd;) if (++at >= end) return -1
      places[used + 3] = at
      used += placesOfAttribute
      if (bytes[at] === comma) continue
      this.placesUsed = used
      return bytes[at] === braceEnd ? at : -1
    }
    return -1
  }
}

/** Of the record of a line, in milliseconds since 1970. */
export function timestampAt(bytes: Buffer, from: number): number {
  const digits = from + recordStart.length
  return numberIn(bytes, digits, endOfNumber(bytes, digits))
}

/** Behind the closing quote of a JSON string. */
function endOfString(bytes: Buffer, from: number, end: number): number {
  let at = from + 1
  while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at + 1
}

function endOfNumber(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== comma && bytes[at] !== braceEnd) at++
  return at
}

function numberIn(bytes: Buffer, from: number, to: number): number {
  // In two halves of what fits into 31 bits: each digit would be a sum of floating-point numbers otherwise.
  const middle = to - lowDigits
  const high = digitsIn(bytes, from, middle)
  const low = digitsIn(bytes, Math.max(from, middle), to)
  if (high < 0 || low < 0 || to - from > 2 * lowDigits) return Number(bytes.toString('latin1', from, to))
  return high * 10 ** lowDigits + low
}

const lowDigits = 8

/** −1 for anything else. */
function digitsIn(bytes: Buffer, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte < zero || byte > nine) return -1
    value = (value * 10 + byte - zero) | 0
  }
  return value
}
