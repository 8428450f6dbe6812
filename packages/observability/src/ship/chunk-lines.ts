import { isUtf8 } from 'node:buffer'

/** How the bytes of a file become texts. */
export interface TextRules {
  /** A label that `TextDecoder` knows, of an encoding in which a line ends by the byte 10. */
  readonly encoding: string
  /** Longer lines are cut. */
  readonly lineBytesMax: number
  /** Which lines belong together; null: each stands for itself. */
  readonly multiline: MultilineRule | null
  /** Whether lines of JSON may come as bytes. Default false. */
  readonly asBytes?: boolean
}

/** Lines from one that begins an event to before the next that does. */
export interface MultilineRule {
  begins(line: string): boolean
  readonly linesMax: number
  /** An event is over when nothing has come for so long, in milliseconds. */
  readonly quietMs: number
}

/** What was made of a piece of a file. */
export interface ChunkTexts {
  readonly texts: readonly string[]
  /** Instead of texts, where the piece begins as JSON does: good UTF-8 without NUL, one line behind the other. */
  readonly json: Buffer | null
  /** Bytes that are done with: the next piece begins behind them. */
  readonly consumed: number
  /** The next piece begins inside a line that has been cut. */
  readonly skipping: boolean
  readonly truncated: number
  /** Lines with bytes that are not of the encoding, or NUL. */
  readonly damaged: number
}

/** Where a piece of a file stands in it. */
export interface ChunkState {
  /** It begins inside of a line that has been cut. */
  readonly skipping?: boolean
  /** Nothing will come behind it. */
  readonly last?: boolean
  /** Nothing has come for as long as an event of several lines may take. */
  readonly quiet?: boolean
}

const lineEnd = 0x0a
const brace = 0x7b
const nul = 0
const nothing = { texts: [], json: null, skipping: false, truncated: 0, damaged: 0 } as const

/**
 * Texts of a piece of a file that begins at the beginning of a line, or inside a cut one. A line that is not over yet is
 * left for the next piece, unless `last` says that there is none. A piece has to be longer than a line may be.
 */
export class ChunkReader {
  readonly #rules: TextRules
  readonly #decoder: TextDecoder
  readonly #mayBeBytes: boolean

  constructor(rules: TextRules) {
    this.#rules = rules
    this.#decoder = new TextDecoder(rules.encoding, { ignoreBOM: false })
    this.#mayBeBytes = rules.asBytes === true && rules.encoding === 'utf-8' && rules.multiline === null
  }

  read(chunk: Buffer, { skipping = false, last = false, quiet = false }: ChunkState = {}): ChunkTexts {
    const { lineBytesMax, multiline } = this.#rules
    let from = 0
    if (skipping) {
      const end = chunk.indexOf(lineEnd)
      if (end < 0) return { ...nothing, consumed: chunk.length, skipping: !last }
      from = end + 1
    }
    const lastEnd = chunk.lastIndexOf(lineEnd)
    let end = lastEnd < from ? from : lastEnd
    let consumed = lastEnd < from ? from : lastEnd + 1
    let cut = false
    if (last && consumed < chunk.length) end = consumed = chunk.length
    else if (consumed === 0 && chunk.length > lineBytesMax) {
      // A line longer than it may be: its beginning is a record, and the rest is passed over.
      cut = true
      end = lineBytesMax
      if (this.#rules.encoding === 'utf-8') while ((chunk[end]! & 0xc0) === 0x80) end--
      consumed = chunk.length
    }
    if (end === from && consumed === from) return { ...nothing, consumed }
    const whole = chunk.subarray(from, end)
    if (!cut && this.#mayBeBytes && whole[0] === brace && isUtf8(whole) && !whole.includes(nul))
      return { ...nothing, json: whole, consumed }
    let texts = this.#decode(whole).split('\n')
    let truncated = cut ? 1 : 0
    truncated += this.#tidy(texts)
    const damaged = this.#damaged(whole, texts)
    if (multiline !== null && !cut) {
      const { events, left } = grouped(texts, multiline, last || quiet)
      const isAll = left === texts.length
      // One event that fills the piece would never be over.
      if (left > 0 && !(isAll && chunk.length > lineBytesMax)) {
        consumed = startOfLine(chunk, consumed, left)
        texts = events
      } else texts = grouped(texts, multiline, true).events
    }
    return { texts, json: null, consumed, skipping: cut, truncated, damaged }
  }

  /** One line of a piece that came as bytes. */
  lineOf(json: Buffer, from: number, to: number): { readonly text: string; readonly truncated: number } {
    const texts = [json.toString('utf8', from, to)]
    const truncated = this.#tidy(texts)
    return { text: texts[0]!, truncated }
  }

  #decode(bytes: Buffer): string {
    // The decoder takes a byte order mark away; Node's own is faster and leaves it.
    const isPlain = this.#rules.encoding === 'utf-8' && bytes[0] !== 0xef
    return isPlain ? bytes.toString('utf8') : this.#decoder.decode(bytes)
  }

  /** In place: without carriage returns, not longer than allowed. Says how many were. */
  #tidy(texts: string[]): number {
    const { lineBytesMax } = this.#rules
    let truncated = 0
    for (let index = 0; index < texts.length; index++) {
      let text = texts[index]!
      if (text.charCodeAt(text.length - 1) === 0x0d) text = texts[index] = text.slice(0, -1)
      // No encoding makes more than one letter of a byte, nor less than one of four.
      if (text.length * 3 > lineBytesMax && Buffer.byteLength(text) > lineBytesMax) {
        texts[index] = Buffer.from(text).toString('utf8', 0, lineBytesMax)
        truncated++
      }
    }
    return truncated
  }

  /** In place: without the NULs that a writer leaves in front when its file was truncated under it. */
  #damaged(bytes: Buffer, texts: string[]): number {
    const hasNul = bytes.includes(nul)
    const isValid = this.#rules.encoding !== 'utf-8' || isUtf8(bytes)
    if (!hasNul && isValid) return 0
    let damaged = 0
    for (let index = 0; index < texts.length; index++) {
      const text = texts[index]!
      if (!text.includes('\0') && !text.includes('\ufffd')) continue
      damaged++
      // oxlint-disable-next-line no-control-regex
      texts[index] = text.replace(/^\u0000+/, '')
    }
    return damaged
  }
}

/** Events of lines; the lines of the last one are `left` when it may go on. */
function grouped(
  lines: readonly string[],
  { begins, linesMax }: MultilineRule,
  complete: boolean,
): { readonly events: string[]; readonly left: number } {
  const events: string[] = []
  let start = 0
  for (let index = 1; index < lines.length; index++) {
    if (!begins(lines[index]!) && index - start < linesMax) continue
    events.push(lines.slice(start, index).join('\n'))
    start = index
  }
  const left = lines.length - start
  if (!complete) return { events, left }
  if (left > 0) events.push(lines.slice(start).join('\n'))
  return { events, left: 0 }
}

/** Where the last `lines` lines before `end` begin. */
function startOfLine(chunk: Buffer, end: number, lines: number): number {
  let at = end - 1
  for (let left = lines; left > 0; left--) {
    if (at <= 0) return 0
    at = chunk.lastIndexOf(lineEnd, at - 1)
    if (at < 0) return 0
  }
  return at + 1
}
