import type { ByteText } from '../record/byte-text.ts'
import { instantOf } from '../record/instant.ts'
import { afterSpace, isSame, nextLine, valueEnd } from '../record/json-bytes.ts'
import { meaningOf } from './known-keys.ts'
import { type LevelJson, LevelTexts } from './level-json.ts'
import type { RecordFacts } from './record-facts.ts'
import { hashed, hashedMax, hashStart, textHash, valueHash } from './term-hash.ts'
import { UtcBytes } from '../record/utc-bytes.ts'

const lineEnd = 0x0a
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const zero = 0x30
const nine = 0x39
const backslash = 0x5c
const open = 0x7b
const close = 0x7d
const space = 0x20
const asciiMax = 0x7f

/** More keys than this, and the line is read. */
const keysMax = 64
/** Where a value stands: from its first byte to behind its last; `from` is -1 where there is none. */
class Place {
  from = -1
  to = -1

  set(from: number, to: number): void {
    this.from = from
    this.to = to
  }
}

/**
 * Lines of JSON become lines of the store by copying: what `jsonParser` and `JSON.stringify` would make of them, without making an object in
 * between, which takes three times as long. Only of lines for which that is sure to be the same: one object without objects inside,
 * its texts escaped as `JSON.stringify` escapes, its numbers written as JavaScript writes them. All others are left to the parser.
 */
export class JsonTranscriber {
  readonly #to: ByteText
  readonly #facts: RecordFacts
  readonly #levels = new LevelTexts()
  readonly #utc = new UtcBytes()
  /** Of the keys of the line. */
  readonly #hashes = new Int32Array(keysMax)
  /** Of each attribute: its name with quotes, and its value. */
  readonly #names = new Int32Array(keysMax)
  readonly #nameFrom = new Int32Array(keysMax)
  readonly #nameTo = new Int32Array(keysMax)
  readonly #valueFrom = new Int32Array(keysMax)
  readonly #valueTo = new Int32Array(keysMax)
  #attributes = 0
  #isSpaced = false
  #hash = 0
  #timestamp: number | undefined
  #seen = Buffer.alloc(0)
  #seenSource = 0
  #seenAt: number | null = null
  #level: LevelJson | null = null
  readonly #body = new Place()
  readonly #trace = new Place()
  readonly #span = new Place()
  readonly #status = new Place()
  readonly #method = new Place()
  readonly #path = new Place()
  readonly #problem = new Place()

  constructor(to: ByteText, facts: RecordFacts) {
    this.#to = to
    this.#facts = facts
  }

  /**
   * Adds the line that begins at `from`, where it ends before `end` or at it; says where the next one begins. -1, and nothing is
   * added: it is longer than `lengthMax` bytes, or has to be read. `bytes` are valid UTF-8.
   */
  add(bytes: Buffer, from: number, end: number, source: number, observed: number, lengthMax: number): number {
    const next = this.#scan(bytes, from, end)
    if (next < 0 || next - from > lengthMax) return -1
    return this.#write(bytes, source, observed) ? next : -1
  }

  #scan(bytes: Buffer, from: number, end: number): number {
    if (bytes[from] !== open) return -1
    this.#attributes = 0
    this.#isSpaced = false
    this.#timestamp = undefined
    this.#level = null
    this.#body.from = this.#trace.from = this.#span.from = -1
    this.#status.from = this.#method.from = this.#path.from = this.#problem.from = -1
    let at = from + 1
    for (let keys = 0; keys < keysMax; keys++) {
      at = afterSpace(bytes, at, end)
      const name = at
      const nameEnd = this.#nameEnd(bytes, name, end)
      if (nameEnd < 0 || this.#isKnown(keys)) return -1
      at = afterSpace(bytes, nameEnd, end)
      if (at >= end || bytes[at] !== colon) return -1
      const value = afterSpace(bytes, at + 1, end)
      at = valueEnd(bytes, value, end)
      if (at < 0 || at >= end) return -1
      if (value !== nameEnd + 1) this.#isSpaced = true
      if (!this.#take(bytes, name, nameEnd, value, at)) return -1
      at = afterSpace(bytes, at, end)
      if (at >= end) return -1
      const byte = bytes[at++]
      if (byte === close) return nextLine(bytes, at, end)
      if (byte !== comma) return -1
    }
    return -1
  }

  /** Behind the closing quote of a name in plain ASCII; its hash is then `#hash`. */
  #nameEnd(bytes: Buffer, from: number, end: number): number {
    if (from >= end || bytes[from] !== quote) return -1
    let hash = hashStart
    for (let at = from + 1; at < end; at++) {
      const byte = bytes[at]!
      if (byte === quote) {
        if (at - from > hashedMax) return -1
        this.#hash = hash
        return byte === bytes[from + 1 + proto.length] && isSame(bytes, from + 1, at, proto) ? -1 : at + 1
      }
      if (byte === backslash || byte < space || byte > asciiMax) return -1
      hash = hashed(hash, byte)
    }
    return -1
  }

  /** Whether the line has had this key: the last one counts then. */
  #isKnown(keys: number): boolean {
    const hash = this.#hash
    for (let key = 0; key < keys; key++) if (this.#hashes[key] === hash) return true
    this.#hashes[keys] = hash
    return false
  }

  /** False where it cannot be said what the value becomes. */
  #take(bytes: Buffer, name: number, nameEnd: number, value: number, to: number): boolean {
    const meaning = meaningOf(bytes, name + 1, nameEnd - 1, this.#hash)
    const isString = bytes[value] === quote
    const isNumber = !isString && bytes[value]! <= nine
    switch (meaning) {
      case 'time': {
        if (this.#timestamp !== undefined) break
        const instant = isString
          ? (this.#utc.instant(bytes, value + 1, to - 1) ?? instantOf(jsonIn(bytes, value, to)))
          : isNumber
            ? instantOf(Number(bytes.toString('latin1', value, to)))
            : undefined
        if (instant === undefined) break
        this.#timestamp = instant
        return true
      }
      case 'level':
        if (isString) this.#level ??= this.#levels.ofWord(bytes, value, to)
        else if (isNumber) this.#level = this.#levels.ofTens(Number(bytes.toString('latin1', value, to)))
        else break
        return true
      case 'number':
        if (!isNumber || this.#level !== null) break
        this.#level = this.#levels.ofNumber(Number(bytes.toString('latin1', value, to)))
        return true
      case 'body':
        if (isString && this.#body.from < 0) return this.#keep(this.#body, value, to)
        break
      case 'trace':
        if (isString && this.#trace.from < 0) return this.#keep(this.#trace, value, to)
        break
      case 'span':
        if (isString && this.#span.from < 0) return this.#keep(this.#span, value, to)
        break
      case 'status':
        this.#keep(this.#status, value, to)
        break
      case 'method':
        this.#keep(this.#method, value, to)
        break
      case 'path':
        this.#keep(this.#path, value, to)
        break
      case 'problem':
        this.#keep(this.#problem, value, to)
        break
    }
    const attribute = this.#attributes++
    this.#names[attribute] = this.#hash
    this.#nameFrom[attribute] = name
    this.#nameTo[attribute] = nameEnd
    this.#valueFrom[attribute] = value
    this.#valueTo[attribute] = to
    return true
  }

  #keep(place: Place, from: number, to: number): true {
    place.set(from, to)
    return true
  }

  #write(bytes: Buffer, source: number, observed: number): boolean {
    const to = this.#to
    const facts = this.#facts
    const before = to.length
    const timestamp = this.#timestamp ?? observed
    to.add(texts.ts)
    to.addNumber(timestamp)
    to.add(this.#seenText(source, timestamp === observed ? null : observed))
    const text = to.length
    const level = this.#level ?? this.#levelOfStatus(bytes)
    if (level !== null) to.add(level.json)
    if (this.#trace.from >= 0) {
      to.add(texts.trace)
      to.add(bytes, this.#trace.from, this.#trace.to)
    }
    if (this.#span.from >= 0) {
      to.add(texts.span)
      to.add(bytes, this.#span.from, this.#span.to)
    }
    to.add(texts.body)
    if (this.#body.from >= 0) to.add(bytes, this.#body.from, this.#body.to)
    else if (!this.#addSentence(bytes)) {
      to.shorten(before)
      return false
    }
    if (this.#attributes > 0) this.#addAttributes(bytes)
    to.addByte(close)
    facts.add(timestamp, observed, level?.number ?? 0, source)
    facts.addText(text, to.length)
    to.addByte(lineEnd)
    if (level !== null && level.term !== null) facts.addTerm(level.term)
    if (this.#trace.from >= 0) facts.addTerm(valueHash(traceName, bytes, this.#trace.from, this.#trace.to))
    if (this.#span.from >= 0) facts.addTerm(valueHash(spanName, bytes, this.#span.from, this.#span.to))
    for (let index = 0; index < this.#attributes; index++)
      facts.addTerm(valueHash(this.#names[index]!, bytes, this.#valueFrom[index]!, this.#valueTo[index]!))
    return true
  }

  /** What is the same for all lines of a piece of a file: when they were seen, and where. */
  #seenText(source: number, observed: number | null): Buffer {
    if (source !== this.#seenSource || observed !== this.#seenAt) {
      this.#seen = Buffer.from(`${observed === null ? '' : `,"obs":${observed}`},"src":${source}`)
      this.#seenSource = source
      this.#seenAt = observed
    }
    return this.#seen
  }

  #levelOfStatus(bytes: Buffer): LevelJson | null {
    const { from, to } = this.#status
    const isNumber = from >= 0 && bytes[from] !== quote && bytes[from]! <= nine
    return isNumber ? this.#levels.ofStatus(Number(bytes.toString('latin1', from, to))) : null
  }

  /** The message of a line without one: what was asked of a server, or nothing. False where that has to be read. */
  #addSentence(bytes: Buffer): boolean {
    const method = this.#method
    if (method.from < 0) {
      this.#to.add(texts.empty)
      return true
    }
    const path = this.#path
    const status = this.#status
    // An app whose call got no answer says 0, and why.
    const isUnanswered = status.from < 0 || (status.to === status.from + 1 && bytes[status.from] === zero)
    const outcome = isUnanswered ? this.#problem : status
    if (!isText(bytes, method) || !isText(bytes, path) || outcome.from < 0) return false
    const first = bytes[outcome.from]!
    if (isUnanswered ? first !== quote : first <= zero || first > nine) return false
    this.#to.add(bytes, method.from, method.to - 1)
    this.#to.addByte(space)
    this.#to.add(bytes, path.from + 1, path.to - 1)
    this.#to.addByte(space)
    if (isUnanswered) this.#to.add(bytes, outcome.from + 1, outcome.to - 1)
    else this.#to.add(bytes, outcome.from, outcome.to)
    this.#to.addByte(quote)
    return true
  }

  #addAttributes(bytes: Buffer): void {
    const to = this.#to
    to.add(texts.attr)
    const count = this.#attributes
    for (let index = 0; index < count; index++) {
      if (index > 0) to.addByte(comma)
      const from = this.#nameFrom[index]!
      if (this.#isSpaced) {
        to.add(bytes, from, this.#nameTo[index]!)
        to.addByte(colon)
        to.add(bytes, this.#valueFrom[index]!, this.#valueTo[index]!)
        continue
      }
      // Those that stand one behind the other are copied as they stand.
      while (index + 1 < count && this.#nameFrom[index + 1] === this.#valueTo[index]! + 1) index++
      to.add(bytes, from, this.#valueTo[index]!)
    }
    to.addByte(close)
  }
}

const texts = {
  ts: Buffer.from('{"ts":'),
  trace: Buffer.from(',"trace":'),
  span: Buffer.from(',"span":'),
  body: Buffer.from(',"body":'),
  empty: Buffer.from('""'),
  attr: Buffer.from(',"attr":{'),
} as const

const traceName = textHash(hashStart, 'trace')
const spanName = textHash(hashStart, 'span')

/** To an object it is no name like others. */
const proto = Buffer.from('__proto__')

function isText(bytes: Buffer, { from }: Place): boolean {
  return from >= 0 && bytes[from] === quote
}

function jsonIn(bytes: Buffer, from: number, to: number): unknown {
  return JSON.parse(bytes.toString('utf8', from, to))
}
