import type { LogValue } from '@budao/model'
import type { LogOrigin } from '../record/log-origin.ts'
import type { ParsedLine } from '../record/parsed-line.ts'

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
  /** A bit for each severity number, bit 0 for those that say none. */
  levels = 0
  // A byte for each bit: setting one is a store, and packing them once is cheaper than a shift for each.
  readonly #text = new Uint8Array(mapBits)
  readonly #terms = new Uint8Array(mapBits)
  readonly #origins = new Set<number>()

  /** Adds lines with the bytes they became. */
  add(bytes: Buffer, lines: readonly ParsedLine[], origin: (source: number) => LogOrigin): void {
    markText(this.#text, bytes)
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index]!
      const { ts } = line
      const obs = line.obs ?? ts
      if (ts < this.tsMin) this.tsMin = ts
      if (ts > this.tsMax) this.tsMax = ts
      if (obs < this.obsMin) this.obsMin = obs
      if (obs > this.obsMax) this.obsMax = obs
      this.levels |= 1 << (line.sev ?? 0)
      if (line.level !== undefined) this.#mark('level', line.level)
      if (line.trace !== undefined) this.#mark('trace', line.trace)
      if (line.span !== undefined) this.#mark('span', line.span)
      const { attr } = line
      if (attr !== undefined) for (const name in attr) this.#mark(name, attr[name]!)
      if (!this.#origins.has(line.src)) this.#addOrigin(line.src, origin(line.src))
    }
    this.lines += lines.length
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
      for (const [name, value] of Object.entries(values)) this.#mark(name, value)
      markText(this.#text, Buffer.from(JSON.stringify(values)))
    }
  }

  #mark(name: string, value: LogValue): void {
    const hash = termHash(name, value)
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

function markText(map: Uint8Array, bytes: Buffer): void {
  let three = 0
  for (let index = 0; index < bytes.length; index++) {
    three = ((three << 8) | folded[bytes[index]!]!) & 0xffffff
    map[threeHash(three)] = 1
  }
}

function threeHash(three: number): number {
  return Math.imul(three, 0x9e3779b1) >>> 16
}

const nameHashes = new Map<string, number>()
const nameHashesMax = 10_000

/** FNV-1a, stirred at the end so that both halves of it are good. */
function termHash(name: string, value: LogValue): number {
  let hash = nameHashes.get(name)
  if (hash === undefined) {
    hash = textHash(0x811c9dc5, name)
    if (nameHashes.size < nameHashesMax) nameHashes.set(name, hash)
  }
  hash = textHash(hash, typeof value === 'string' ? value : String(value))
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Of long values the beginning says enough. */
const hashedMax = 64

function textHash(from: number, text: string): number {
  let hash = from
  const end = Math.min(text.length, hashedMax)
  for (let index = 0; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}

function packed(map: Uint8Array): Uint8Array {
  const bits = new Uint8Array(mapBytes)
  for (let index = 0; index < mapBits; index++) if (map[index] !== 0) bits[index >>> 3]! |= 1 << (index & 7)
  return bits
}

function hasBit(bits: Uint8Array, index: number): boolean {
  return (bits[index >>> 3]! & (1 << (index & 7))) !== 0
}
