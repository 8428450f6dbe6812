import type { ParsedLine } from '../record/parsed-line.ts'
import { parseLine } from './log-decoder.ts'
import { recordStart } from './segment-lines.ts'
import { termHash } from './term-hash.ts'

const lineEnd = 0x0a
const recordBytes = Buffer.from(recordStart)
const firstNumbers = 1_024

/** What an index has to know of records that stand in the log together. Gathered while they are put together, so that nobody reads them again. */
export class RecordFacts {
  lines = 0
  tsMin: number = Infinity
  tsMax: number = -Infinity
  obsMin: number = Infinity
  obsMax: number = -Infinity
  /** A bit for each severity number, bit 0 for those that say none. */
  levels = 0
  /** Numbers of their sources. */
  readonly sources: Set<number> = new Set()
  #lastSource = 0
  #terms = new Int32Array(firstNumbers)
  #termsUsed = 0
  #texts = new Int32Array(firstNumbers)
  #textsUsed = 0

  /** Of a piece of the log as it stands there. */
  static of(bytes: Buffer): RecordFacts {
    const facts = new RecordFacts()
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(lineEnd, from)
      const to = end < 0 ? bytes.length : end
      const isRecord = recordBytes.compare(bytes, from, from + recordBytes.length) === 0
      // What the disk has damaged is found by nobody.
      const line = isRecord ? parseLine(bytes.toString('utf8', from, to)) : undefined
      if (line !== undefined) facts.addLine(line)
      from = to + 1
    }
    facts.addText(0, bytes.length)
    return facts
  }

  /** Hashes of all names with their values. */
  get terms(): Int32Array {
    return this.#terms.subarray(0, this.#termsUsed)
  }

  /** Where text stands that may be searched for: each from a byte to before another. */
  get texts(): Int32Array {
    return this.#texts.subarray(0, this.#textsUsed)
  }

  /** One record, without its text. */
  addLine(line: ParsedLine): void {
    this.add(line.ts, line.obs ?? line.ts, line.sev ?? 0, line.src)
    if (line.level !== undefined) this.addTerm(termHash('level', line.level))
    if (line.trace !== undefined) this.addTerm(termHash('trace', line.trace))
    if (line.span !== undefined) this.addTerm(termHash('span', line.span))
    const { attr } = line
    if (attr !== undefined) for (const name in attr) this.addTerm(termHash(name, attr[name]!))
  }

  /** One record, without its terms and its text. */
  add(ts: number, obs: number, sev: number, source: number): void {
    if (ts < this.tsMin) this.tsMin = ts
    if (ts > this.tsMax) this.tsMax = ts
    if (obs < this.obsMin) this.obsMin = obs
    if (obs > this.obsMax) this.obsMax = obs
    this.levels |= 1 << sev
    if (source !== this.#lastSource) this.sources.add((this.#lastSource = source))
    this.lines++
  }

  addTerm(hash: number): void {
    if (this.#termsUsed === this.#terms.length) this.#terms = doubled(this.#terms)
    this.#terms[this.#termsUsed++] = hash
  }

  addText(from: number, to: number): void {
    if (this.#textsUsed + 2 > this.#texts.length) this.#texts = doubled(this.#texts)
    this.#texts[this.#textsUsed++] = from
    this.#texts[this.#textsUsed++] = to
  }

  clear(): void {
    this.lines = 0
    this.tsMin = this.obsMin = Infinity
    this.tsMax = this.obsMax = -Infinity
    this.levels = 0
    this.sources.clear()
    this.#lastSource = 0
    this.#termsUsed = this.#textsUsed = 0
  }
}

function doubled(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2)
  larger.set(numbers)
  return larger
}
