import { ByteText } from '../record/byte-text.ts'
import type { ParsedLine } from '../record/parsed-line.ts'
import { JsonTranscriber } from './json-transcriber.ts'
import { RecordFacts } from './record-facts.ts'

/** Records as lines of the store, put together until they are appended. Its memory is used again. */
export class RecordBatch {
  readonly facts: RecordFacts = new RecordFacts()
  readonly #text = new ByteText()
  /** Lines that are texts still: many are written at once. */
  #parsed = ''
  readonly #json = new JsonTranscriber(this.#text, this.facts)

  static of(lines: readonly ParsedLine[]): RecordBatch {
    const batch = new RecordBatch()
    for (const line of lines) batch.add(line)
    return batch
  }

  /** Good until the batch changes. */
  get bytes(): Buffer {
    this.#writeParsed()
    return this.#text.bytes
  }

  add(line: ParsedLine): void {
    this.#parsed += `${JSON.stringify(line)}\n`
    this.facts.addLine(line)
  }

  /**
   * Adds the line of JSON that begins at `from`, without reading it; says where the next begins. -1, and nothing is added: it is longer than
   * `lengthMax` bytes, or has to be parsed.
   */
  addJson(bytes: Buffer, from: number, source: number, observed: number, lengthMax: number): number {
    this.#writeParsed()
    return this.#json.add(bytes, from, bytes.length, source, observed, lengthMax)
  }

  clear(): void {
    this.#parsed = ''
    this.#text.clear()
    this.facts.clear()
  }

  #writeParsed(): void {
    if (this.#parsed === '') return
    const from = this.#text.length
    this.#text.addText(this.#parsed)
    this.facts.addText(from, this.#text.length)
    this.#parsed = ''
  }
}
