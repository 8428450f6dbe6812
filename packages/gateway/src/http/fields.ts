import { equalsIgnoringCase, FIELD_VALUE, TOKEN } from './bytes.ts'

const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a

/** A change to one header on its way through. */
interface Edit {
  /** The new value; null when the lines that came are removed; undefined when they stay. */
  readonly value: string | null | undefined
  /** Values of further lines. */
  readonly added: readonly string[]
}

/** By name in lower case. */
type Edits = Map<string, Edit>

/**
 * The header lines of one message, as offsets into its head. A connection keeps one of these and refills it for
 * every message, so that reading a head makes no object per header.
 */
export class Fields {
  text = ''
  count = 0
  /** Per header: start of the name, end of the name, start and end of the value without white space around it, end of the line. */
  readonly offsets: number[] = []
  /** Where the first header line starts, and where the last one has ended. */
  start = 0
  end = 0
  /** Headers that stay on this hop, by index; ascending. */
  readonly dropped: number[] = []
  #edits: Edits | null = null
  #keptEdits: Edits | null = null

  /**
   * Reads the lines of `text` from `start` up to the empty line that must end at `end`. Strict: no line folding, no bare CR or
   * LF, no white space before the colon, no empty name. Returns the number of headers, -1 when a line is malformed,
   * -2 when there are more than `countMax`.
   */
  read(text: string, start: number, end: number, countMax: number): number {
    this.text = text
    this.start = start
    this.count = 0
    // Not by setting the length, which is a slow call into the engine.
    while (this.dropped.length > 0) this.dropped.pop()
    this.#edits = null
    const offsets = this.offsets
    let at = start
    let count = 0
    while (text.charCodeAt(at) !== CR) {
      if (count === countMax) return -2
      const nameStart = at
      while (TOKEN[text.charCodeAt(at)] === 1) at++
      if (at === nameStart || text.charCodeAt(at) !== COLON) return -1
      const nameEnd = at++
      let code = text.charCodeAt(at)
      while (code === 0x20 || code === 0x09) code = text.charCodeAt(++at)
      const valueStart = at
      while (FIELD_VALUE[code] === 1) code = text.charCodeAt(++at)
      if (code !== CR || text.charCodeAt(at + 1) !== LF) return -1
      let valueEnd = at
      while (valueEnd > valueStart && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
      at += 2
      const base = count * 5
      offsets[base] = nameStart
      offsets[base + 1] = nameEnd
      offsets[base + 2] = valueStart
      offsets[base + 3] = valueEnd
      offsets[base + 4] = at
      count++
    }
    if (text.charCodeAt(at + 1) !== LF || at + 2 !== end) return -1
    this.count = count
    this.end = at
    return count
  }

  nameLength(index: number): number {
    return this.offsets[index * 5 + 1]! - this.offsets[index * 5]!
  }

  /** True when the header's name is `lower` (lower-case) in any case. */
  isNamed(index: number, lower: string): boolean {
    return equalsIgnoringCase(this.text, this.offsets[index * 5]!, this.offsets[index * 5 + 1]!, lower)
  }

  name(index: number): string {
    return this.text.slice(this.offsets[index * 5]!, this.offsets[index * 5 + 1]!)
  }

  value(index: number): string {
    return this.text.slice(this.offsets[index * 5 + 2]!, this.offsets[index * 5 + 3]!)
  }

  /** True when nothing stands between the value and the end of its line. */
  endsTight(index: number): boolean {
    return this.offsets[index * 5 + 4] === this.offsets[index * 5 + 3]! + 2
  }

  valueIs(index: number, lower: string): boolean {
    return equalsIgnoringCase(this.text, this.offsets[index * 5 + 2]!, this.offsets[index * 5 + 3]!, lower)
  }

  /**
   * The value of that header (name in lower case), lines joined by `, `; undefined when absent. Sees edits, and not
   * what was dropped: what an untrusted peer says of those before it must not decide anything here either.
   */
  get(lower: string): string | undefined {
    const edit = this.#edits?.get(lower)
    if (edit !== undefined) {
      const base = edit.value === undefined ? this.#arrived(lower) : (edit.value ?? undefined)
      return edit.added.length === 0
        ? base
        : [...(base === undefined ? [] : [base]), ...edit.added].join(', ')
    }
    return this.#arrived(lower)
  }

  #arrived(lower: string): string | undefined {
    let found: string | undefined
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(i, lower) && !this.dropped.includes(i))
        found = found === undefined ? this.value(i) : `${found}, ${this.value(i)}`
    }
    return found
  }

  /** Whether such a line arrived, whatever edits made of it since. */
  arrived(lower: string): boolean {
    for (let i = 0; i < this.count; i++) if (this.isNamed(i, lower)) return true
    return false
  }

  /** Throws a RangeError when name or value could not stand on a header line. */
  set(name: string, value: string): void {
    checkHeader(name, value)
    this.#edits ??= new Map()
    this.#edits.set(name.toLowerCase(), { value, added: [] })
  }

  /** One more line behind those there are. Throws as `set` does. */
  add(name: string, value: string): void {
    checkHeader(name, value)
    this.#edits ??= new Map()
    const before = this.#edits.get(name.toLowerCase())
    this.#edits.set(name.toLowerCase(), { value: before?.value, added: [...(before?.added ?? []), value] })
  }

  remove(name: string): void {
    this.#edits ??= new Map()
    this.#edits.set(name.toLowerCase(), { value: null, added: [] })
  }

  /** Remembers the lines as they are now, so that later edits can be looked past. */
  keep(): void {
    this.#keptEdits = this.#edits === null ? null : new Map(this.#edits)
  }

  /** Has the lines as they were kept, until it is called once more. */
  swapKept(): void {
    const edits = this.#edits
    this.#edits = this.#keptEdits
    this.#keptEdits = edits
  }

  /** Marks a header as meant for this hop only. Calls come in ascending order of index. */
  drop(index: number): void {
    this.dropped.push(index)
  }

  /**
   * The header lines to pass on, each with its line end, in their order; edited ones behind. `from` 0 has the start
   * line before them, as it came.
   */
  passOn(from: number = this.start): string {
    if (this.#edits !== null) return this.#passOnEdited(this.#edits, from)
    const { text, dropped, offsets } = this
    if (dropped.length === 0) return text.slice(from, this.end)
    let lines = ''
    let runStart = from
    for (let i = 0; i < dropped.length; i++) {
      const lineStart = offsets[dropped[i]! * 5]!
      if (lineStart > runStart) lines += text.slice(runStart, lineStart)
      runStart = offsets[dropped[i]! * 5 + 4]!
    }
    return runStart < this.end ? lines + text.slice(runStart, this.end) : lines
  }

  #passOnEdited(edits: Edits, from: number): string {
    let lines = this.text.slice(from, this.start)
    for (let i = 0; i < this.count; i++) {
      if (this.dropped.includes(i) || edits.get(this.name(i).toLowerCase())?.value !== undefined) continue
      lines += this.text.slice(this.offsets[i * 5]!, this.offsets[i * 5 + 4]!)
    }
    for (const [name, { value, added }] of edits) {
      if (typeof value === 'string') lines += `${name}: ${value}\r\n`
      for (const each of added) lines += `${name}: ${each}\r\n`
    }
    return lines
  }
}

/** Belong to one connection, or say where a message ends. */
const KEPT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Throws a RangeError for a header that a filter must leave to the gateway: two readers could see two messages. */
export function checkEditable(name: string): void {
  if (KEPT.has(name.toLowerCase())) {
    throw new RangeError(`header ${name}: kept by the gateway itself, cannot be edited`)
  }
}

/** Throws a RangeError when name or value could not stand on a header line. */
export function checkHeader(name: string, value: string): void {
  if (!isToken(name)) throw new RangeError(`header name: expected a token, got ${JSON.stringify(name)}`)
  if (!isFieldValue(value)) {
    throw new RangeError(
      `header ${name}: expected no control character or character above U+00FF, got ${JSON.stringify(value)}`,
    )
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false
  return text.length > 0
}

function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (FIELD_VALUE[text.charCodeAt(i)] !== 1) return false
  return true
}
