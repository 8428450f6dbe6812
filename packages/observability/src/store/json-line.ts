import { instantOf } from '../record/instant.ts'
import { afterSpace, isSame, nextLine, valueEnd } from '../record/json-bytes.ts'
import { UtcBytes } from '../record/utc-bytes.ts'
import { meaningOf } from './known-keys.ts'
import { type LevelJson, LevelTexts } from './level-json.ts'
import { hashed, hashedMax, hashStart } from './term-hash.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const nine = 0x39
const backslash = 0x5c
const open = 0x7b
const close = 0x7d
const space = 0x20
const asciiMax = 0x7f

/** More keys than this, and the line is parsed. */
const keysMax = 64

/** Where a value stands: from its first byte to behind its last; `from` is -1 where there is none. */
export class Place {
  from = -1
  to = -1

  set(from: number, to: number): void {
    this.from = from
    this.to = to
  }
}

/**
 * A line of JSON as `jsonParser` would understand it, by where its values stand. Only of lines that can be copied: one object without objects
 * inside, its texts escaped as `JSON.stringify` escapes, its numbers written as JavaScript writes them. One for many lines.
 */
export class JsonLine {
  /** Milliseconds since 1970; undefined where the line does not say. */
  timestamp: number | undefined
  level: LevelJson | null = null
  readonly body: Place = new Place()
  readonly trace: Place = new Place()
  readonly span: Place = new Place()
  /** These are attributes too. */
  readonly status: Place = new Place()
  readonly method: Place = new Place()
  readonly path: Place = new Place()
  readonly problem: Place = new Place()
  attributes = 0
  /** There are blanks around a colon. */
  isSpaced = false
  /** Of each attribute: the hash of its name, where that stands with its quotes, and where its value. */
  readonly names: Int32Array = new Int32Array(keysMax)
  readonly nameFrom: Int32Array = new Int32Array(keysMax)
  readonly nameTo: Int32Array = new Int32Array(keysMax)
  readonly valueFrom: Int32Array = new Int32Array(keysMax)
  readonly valueTo: Int32Array = new Int32Array(keysMax)
  readonly levels: LevelTexts = new LevelTexts()
  readonly #utc = new UtcBytes()
  /** Of all keys of the line, and of the last one. */
  readonly #hashes = new Int32Array(keysMax)
  #hash = 0

  /** Reads the line that begins at `from`; says where the next one begins, -1 for one that has to be parsed. */
  read(bytes: Buffer, from: number, end: number): number {
    if (bytes[from] !== open) return -1
    this.#clear()
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
      if (value !== nameEnd + 1) this.isSpaced = true
      this.#take(bytes, name, nameEnd, value, at)
      at = afterSpace(bytes, at, end)
      if (at >= end) return -1
      const byte = bytes[at++]
      if (byte === close) return nextLine(bytes, at, end)
      if (byte !== comma) return -1
    }
    return -1
  }

  #clear(): void {
    this.timestamp = undefined
    this.level = null
    this.body.from = this.trace.from = this.span.from = -1
    this.status.from = this.method.from = this.path.from = this.problem.from = -1
    this.attributes = 0
    this.isSpaced = false
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

  #take(bytes: Buffer, name: number, nameEnd: number, value: number, to: number): void {
    const meaning = meaningOf(bytes, name + 1, nameEnd - 1, this.#hash)
    const isString = bytes[value] === quote
    const isNumber = !isString && bytes[value]! <= nine
    switch (meaning) {
      case 'time': {
        if (this.timestamp !== undefined) break
        const instant = isString
          ? (this.#utc.instant(bytes, value + 1, to - 1) ?? instantOf(jsonIn(bytes, value, to)))
          : isNumber
            ? instantOf(Number(bytes.toString('latin1', value, to)))
            : undefined
        if (instant === undefined) break
        this.timestamp = instant
        return
      }
      case 'level':
        if (isString) this.level ??= this.levels.ofWord(bytes, value, to)
        else if (isNumber) this.level = this.levels.ofTens(Number(bytes.toString('latin1', value, to)))
        else break
        return
      case 'number':
        if (!isNumber || this.level !== null) break
        this.level = this.levels.ofNumber(Number(bytes.toString('latin1', value, to)))
        return
      case 'body':
        if (isString && this.body.from < 0) return this.body.set(value, to)
        break
      case 'trace':
        if (isString && this.trace.from < 0) return this.trace.set(value, to)
        break
      case 'span':
        if (isString && this.span.from < 0) return this.span.set(value, to)
        break
      case 'status':
        this.status.set(value, to)
        break
      case 'method':
        this.method.set(value, to)
        break
      case 'path':
        this.path.set(value, to)
        break
      case 'problem':
        this.problem.set(value, to)
        break
    }
    const attribute = this.attributes++
    this.names[attribute] = this.#hash
    this.nameFrom[attribute] = name
    this.nameTo[attribute] = nameEnd
    this.valueFrom[attribute] = value
    this.valueTo[attribute] = to
  }
}

/** To an object it is no name like others. */
const proto = Buffer.from('__proto__')

function jsonIn(bytes: Buffer, from: number, to: number): unknown {
  return JSON.parse(bytes.toString('utf8', from, to))
}
