import type { ByteText } from '../record/byte-text.ts'
import { JsonLine, type Place } from './json-line.ts'
import type { LevelJson } from './level-json.ts'
import type { RecordFacts } from './record-facts.ts'
import { hashStart, textHash, valueHash } from './term-hash.ts'

const lineEnd = 0x0a
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const zero = 0x30
const nine = 0x39
const close = 0x7d
const space = 0x20

/**
 * Lines of JSON become lines of the store by copying: what `jsonParser` and `JSON.stringify` would make of them, without an object in
 * between, which takes three times as long. A line for which that is not sure to be the same is left to the parser.
 */
export class JsonTranscriber {
  readonly #to: ByteText
  readonly #facts: RecordFacts
  readonly #line = new JsonLine()
  #seen = Buffer.alloc(0)
  #seenSource = 0
  #seenAt: number | null = null

  constructor(to: ByteText, facts: RecordFacts) {
    this.#to = to
    this.#facts = facts
  }

  /**
   * Adds the line that begins at `from`, where it ends before `end` or at it; says where the next one begins. -1, and nothing is
   * added: it is longer than `lengthMax` bytes, or has to be read. `bytes` are valid UTF-8.
   */
  add(bytes: Buffer, from: number, end: number, source: number, observed: number, lengthMax: number): number {
    const next = this.#line.read(bytes, from, end)
    if (next < 0 || next - from > lengthMax) return -1
    return this.#write(bytes, source, observed) ? next : -1
  }

  #write(bytes: Buffer, source: number, observed: number): boolean {
    const to = this.#to
    const { trace, span, body, attributes } = this.#line
    const before = to.length
    const timestamp = this.#line.timestamp ?? observed
    to.add(texts.ts)
    to.addNumber(timestamp)
    to.add(this.#seenText(source, timestamp === observed ? null : observed))
    const searched = to.length
    const level = this.#line.level ?? this.#levelOfStatus(bytes)
    if (level !== null) to.add(level.json)
    if (trace.from >= 0) {
      to.add(texts.trace)
      to.add(bytes, trace.from, trace.to)
    }
    if (span.from >= 0) {
      to.add(texts.span)
      to.add(bytes, span.from, span.to)
    }
    to.add(texts.body)
    if (body.from >= 0) to.add(bytes, body.from, body.to)
    else if (!this.#addSentence(bytes)) {
      to.shorten(before)
      return false
    }
    if (attributes > 0) this.#addAttributes(bytes)
    to.addByte(close)
    this.#facts.add(timestamp, observed, level?.number ?? 0, source)
    this.#facts.addText(searched, to.length)
    this.#addTerms(bytes, level)
    to.addByte(lineEnd)
    return true
  }

  #addTerms(bytes: Buffer, level: LevelJson | null): void {
    const facts = this.#facts
    const { trace, span, attributes, names, valueFrom, valueTo } = this.#line
    if (level !== null && level.term !== null) facts.addTerm(level.term)
    if (trace.from >= 0) facts.addTerm(valueHash(traceName, bytes, trace.from, trace.to))
    if (span.from >= 0) facts.addTerm(valueHash(spanName, bytes, span.from, span.to))
    for (let index = 0; index < attributes; index++)
      facts.addTerm(valueHash(names[index]!, bytes, valueFrom[index]!, valueTo[index]!))
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
    const { status, levels } = this.#line
    const isNumber = status.from >= 0 && bytes[status.from] !== quote && bytes[status.from]! <= nine
    return isNumber ? levels.ofStatus(Number(bytes.toString('latin1', status.from, status.to))) : null
  }

  /** The message of a line without one: what was asked of a server, or nothing. False where that has to be read. */
  #addSentence(bytes: Buffer): boolean {
    const to = this.#to
    const { method, path, status, problem } = this.#line
    if (method.from < 0) {
      to.add(texts.empty)
      return true
    }
    // An app whose call got no answer says 0, and why.
    const isUnanswered = status.from < 0 || (status.to === status.from + 1 && bytes[status.from] === zero)
    const outcome = isUnanswered ? problem : status
    if (!isText(bytes, method) || !isText(bytes, path) || outcome.from < 0) return false
    const first = bytes[outcome.from]!
    if (isUnanswered ? first !== quote : first <= zero || first > nine) return false
    to.add(bytes, method.from, method.to - 1)
    to.addByte(space)
    to.add(bytes, path.from + 1, path.to - 1)
    to.addByte(space)
    if (isUnanswered) to.add(bytes, outcome.from + 1, outcome.to - 1)
    else to.add(bytes, outcome.from, outcome.to)
    to.addByte(quote)
    return true
  }

  #addAttributes(bytes: Buffer): void {
    const to = this.#to
    const { attributes, isSpaced, nameFrom, nameTo, valueFrom, valueTo } = this.#line
    to.add(texts.attr)
    for (let index = 0; index < attributes; index++) {
      if (index > 0) to.addByte(comma)
      const from = nameFrom[index]!
      if (isSpaced) {
        to.add(bytes, from, nameTo[index]!)
        to.addByte(colon)
        to.add(bytes, valueFrom[index]!, valueTo[index]!)
        continue
      }
      // Those that stand one behind the other are copied as they stand.
      while (index + 1 < attributes && nameFrom[index + 1] === valueTo[index]! + 1) index++
      to.add(bytes, from, valueTo[index]!)
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

function isText(bytes: Buffer, { from }: Place): boolean {
  return from >= 0 && bytes[from] === quote
}
