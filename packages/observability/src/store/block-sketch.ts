import type { LogOrigin } from '../record/log-origin.ts'
import type { RecordFacts } from './record-facts.ts'
import { termHash } from './term-hash.ts'

/** Bits of each of the two maps of a block. */
const mapBits = 65_536
const mapBytes = mapBits / 8

/** Bytes with Latin letters in lower case. */
const folded = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte,
)

/** What a block may hold: where a bit is missing it surely does not. */
export interface BlockMaps {
  /** Of each three bytes in a row of its lines, letters folded. Three bytes are one Chinese character. */
  readonly text: Uint8Array
  /** Of each name with its value, twice. */
  readonly terms: Uint8Array
}

/**
 * What is known about a block of lines without reading it. Gathered while lines are appended, so it is a loop over bytes
 * and nothing else.
 */
export class BlockSketch {
  lines = 0
  tsMin: number = Infinity
  tsMax: number = -Infinity
  obsMin: number = Infinity
  obsMax: number = -Infinity
  levels = 0
  // A byte for each bit: setting one is a store, and packing them once is cheaper than a shift for each.
  readonly #text = new Uint8Array(mapBits)
  readonly #terms = new Uint8Array(mapBits)
  readonly #origins = new Set<number>()

  /** Adds records that stand in these bytes. */
  add(bytes: Buffer, facts: RecordFacts, origin: (source: number) => LogOrigin): void {
    this.lines += facts.lines
    this.tsMin = Math.min(this.tsMin, facts.tsMin)
    this.tsMax = Math.max(this.tsMax, facts.tsMax)
    this.obsMin = Math.min(this.obsMin, facts.obsMin)
    this.obsMax = Math.max(this.obsMax, facts.obsMax)
    this.levels |= facts.levels
    const { terms, texts } = facts
    for (let index = 0; index < texts.length; index += 2)
      markText(this.#text, bytes, texts[index]!, texts[index + 1]!)
    for (let index = 0; index < terms.length; index++) this.#mark(terms[index]!)
    for (const source of facts.sources)
      if (!this.#origins.has(source)) this.#addOrigin(source, origin(source))
  }

  /** As it is kept. */
  maps(): BlockMaps {
    return { text: packed(this.#text), terms: packed(this.#terms) }
  }

  clear(): void {
    this.lines = 0
    this.tsMin = this.obsMin = Infinity
    this.tsMax = this.obsMax = -Infinity
    this.levels = 0
    this.#text.fill(0)
    this.#terms.fill(0)
    this.#origins.clear()
  }

  #addOrigin(source: number, { resource, attributes }: LogOrigin): void {
    this.#origins.add(source)
    for (const values of [resource, attributes]) {
      for (const [name, value] of Object.entries(values)) this.#mark(termHash(name, value))
      const json = Buffer.from(JSON.stringify(values))
      markText(this.#text, json, 0, json.length)
    }
  }

  #mark(hash: number): void {
    this.#terms[hash >>> 16] = 1
    this.#terms[hash & 0xffff] = 1
  }
}

/** Whether a block can hold a text. Texts below three bytes can be anywhere. */
export function mayHoldText({ text: map }: Pick<BlockMaps, 'text'>, text: string): boolean {
  // As it stands in the line.
  const bytes = Buffer.from(JSON.stringify(text).slice(1, -1))
  let three = 0
  for (let index = 0; index < bytes.length; index++) {
    three = ((three << 8) | folded[bytes[index]!]!) & 0xffffff
    if (index >= 2 && !hasBit(map, threeHash(three))) return false
  }
  return true
}

/** Whether a block can hold a field with exactly a value. */
export function mayHoldTerm({ terms }: Pick<BlockMaps, 'terms'>, name: string, value: string): boolean {
  const hash = termHash(name, value)
  return hasBit(terms, hash >>> 16) && hasBit(terms, hash & 0xffff)
}

function markText(map: Uint8Array, bytes: Buffer, from: number, to: number): void {
  let three = 0
  for (let at = from; at < to; at++) {
    three = ((three << 8) | folded[bytes[at]!]!) & 0xffffff
    map[threeHash(three)] = 1
  }
}

function threeHash(three: number): number {
  return Math.imul(three, 0x9e3779b1) >>> 16
}

/** Four at a time, each to its place by one multiplication. */
function packed(map: Uint8Array): Uint8Array {
  const bits = new Uint8Array(mapBytes)
  const fours = new Uint32Array(map.buffer, map.byteOffset, mapBits / 4)
  for (let index = 0; index < mapBytes; index++)
    bits[index] = fourBits(fours[2 * index]!) | (fourBits(fours[2 * index + 1]!) << 4)
  return bits
}

/** Of four bytes that are 0 or 1 each. */
function fourBits(bytes: number): number {
  return (Math.imul(bytes, 0x1020408) >>> 24) & 15
}

function hasBit(bits: Uint8Array, index: number): boolean {
  return (bits[index >>> 3]! & (1 << (index & 7))) !== 0
}
