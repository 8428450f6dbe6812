import { isSame } from '../record/json-bytes.ts'
import {
  type Severity,
  severityOf,
  severityOfNumber,
  severityOfStatus,
  severityOfTens,
} from '../record/severity.ts'
import { termHash } from './term-hash.ts'

/** A level as a line of the store says it: `,"sev":17,"level":"error"`. */
export interface LevelJson {
  readonly json: Buffer
  /** The number of OpenTelemetry. */
  readonly number: number
  /** Of its word; null where it has none. */
  readonly term: number | null
}

const slots = 64
/** Whoever writes numbers of their own for levels writes few of them. */
const rememberedMax = 100

/** Levels of lines, each put together once. */
export class LevelTexts {
  readonly #words: ({ readonly word: Buffer; readonly level: LevelJson } | undefined)[] = Array.from({
    length: slots,
  })
  readonly #others = new Map<string, LevelJson>()

  /** Of a JSON string that stands in `bytes`, with its quotes. */
  ofWord(bytes: Buffer, from: number, to: number): LevelJson {
    const slot = ((to - from) * 31 + bytes[from + 1]! * 7 + bytes[to - 2]!) % slots
    const known = this.#words[slot]
    if (known !== undefined && isSame(bytes, from, to, known.word)) return known.level
    const word = Buffer.from(bytes.subarray(from, to))
    const level = levelJson(severityOf(JSON.parse(word.toString()) as string))
    this.#words[slot] = { word, level }
    return level
  }

  /** As pino and bunyan write it: 10, 20, … 60. */
  ofTens(level: number): LevelJson {
    return this.#other(severityOfTens(level))
  }

  /** Of OpenTelemetry’s number. */
  ofNumber(number: number): LevelJson {
    return this.#other(severityOfNumber(number))
  }

  /** Of the status of an answer. */
  ofStatus(status: number): LevelJson {
    return this.#other(severityOfStatus(status))
  }

  #other(severity: Severity): LevelJson {
    const key = `${severity.severityNumber}${severity.severityText}`
    let level = this.#others.get(key)
    if (level === undefined) {
      level = levelJson(severity)
      if (this.#others.size < rememberedMax) this.#others.set(key, level)
    }
    return level
  }
}

function levelJson({ severityNumber, severityText }: Severity): LevelJson {
  const number = severityNumber === 0 ? '' : `,"sev":${JSON.stringify(severityNumber)}`
  const text = severityText === '' ? '' : `,"level":${JSON.stringify(severityText)}`
  return {
    json: Buffer.from(number + text),
    number: severityNumber,
    term: severityText === '' ? null : termHash('level', severityText),
  }
}
