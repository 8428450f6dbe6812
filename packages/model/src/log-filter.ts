/** How a field is compared. `like`: with `*` for any characters. `exists`: it is there, whatever it holds. */
export type FieldOperator = '=' | 'like' | '>' | '>=' | '<' | '<=' | 'exists'

/** Which records are meant. Plain data: it travels between threads. */
export type LogFilter =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly LogFilter[] }
  | { readonly kind: 'not'; readonly part: LogFilter }
  /** In the message, without regard to the case of Latin letters. */
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'field'
      readonly name: string
      readonly operator: FieldOperator
      readonly value: string
    }

/** A filter that cannot be read. `column` counts from 1 within the text that was given. */
export class LogFilterError extends Error {
  override name = 'LogFilterError'
  readonly column: number
  readonly expected: string

  constructor(column: number, expected: string, found: string) {
    super(`column ${column}: expected ${expected}, found ${found}`)
    this.column = column
    this.expected = expected
  }
}

/**
 * Reads a filter: words that all have to hold, `field:value`, `field:ab*`, `field:*`, `field>=500`, `"several words"`
 * in the message, `and`, `or`, `not` or `-`, brackets. `*` alone, or nothing, is every record. Throws LogFilterError.
 */
export function parseLogFilter(text: string): LogFilter {
  const reader = new Reader(text)
  if (reader.atEnd()) return { kind: 'all' }
  const filter = reader.either(0)
  if (!reader.atEnd()) reader.fail('the end, or another condition')
  return filter
}

/** Beyond it a filter is a mistake or an attack, and evaluating it would use up the stack. */
const depthMax = 50

const blank = /\s*/y
const quoted = /"((?:[^"\\]|\\.)*)"/suy
const word = /[^\s"():<>=]+/y
const operator = />=|<=|[:=<>]/y
/** May hold what separates elsewhere: `url.path:/a:b`. */
const value = /[^\s"()]+/y

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  atEnd(): boolean {
    this.#take(blank)
    return this.#at === this.#text.length
  }

  either(depth: number): LogFilter {
    const parts = [this.#all(depth)]
    while (this.#takeWord('or')) parts.push(this.#all(depth))
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  fail(expected: string): never {
    const rest = /\S+/y
    rest.lastIndex = this.#at
    const found = rest.exec(this.#text)?.[0]
    throw new LogFilterError(this.#at + 1, expected, found === undefined ? 'the end' : JSON.stringify(found))
  }

  #all(depth: number): LogFilter {
    const parts = [this.#one(depth)]
    while (!this.atEnd() && this.#text[this.#at] !== ')' && !this.#isWord('or')) {
      this.#takeWord('and')
      parts.push(this.#one(depth))
    }
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  #one(depth: number): LogFilter {
    if (depth > depthMax) this.fail(`at most ${depthMax} levels`)
    if (this.#takeMinus() || this.#takeWord('not')) return { kind: 'not', part: this.#one(depth + 1) }
    this.#take(blank)
    if (this.#take(/\(/y) !== undefined) {
      const inside = this.either(depth + 1)
      this.#take(blank)
      if (this.#take(/\)/y) === undefined) this.fail('`)`')
      return inside
    }
    const text = this.#takeQuoted()
    if (text !== undefined) return { kind: 'text', text }
    const name = this.#take(word)
    if (name === undefined) return this.fail('a word, a "text", field:value or `(`')
    const sign = this.#take(operator)
    if (sign !== undefined) return this.#field(name, sign)
    return /^\*+$/.test(name) ? { kind: 'all' } : { kind: 'text', text: name }
  }

  #field(name: string, sign: string): LogFilter {
    const exact = this.#takeQuoted()
    const given = exact ?? this.#take(value)
    if (given === undefined) this.fail(`a value behind ${name}${sign}`)
    const field = (kind: FieldOperator): LogFilter => ({ kind: 'field', name, operator: kind, value: given })
    if (sign !== ':' && sign !== '=') return field(sign as FieldOperator)
    if (exact !== undefined || !given.includes('*')) return field('=')
    return field(/^\*+$/.test(given) ? 'exists' : 'like')
  }

  #takeMinus(): boolean {
    this.#take(blank)
    return this.#take(/-(?=\S)/y) !== undefined
  }

  #takeQuoted(): string | undefined {
    if (this.#text[this.#at] !== '"') return undefined
    const found = this.#take(quoted)
    if (found === undefined) this.fail('a text that ends with `"`')
    return found.slice(1, -1).replace(/\\(.)/gsu, '$1')
  }

  #isWord(expected: string): boolean {
    this.#take(blank)
    const from = this.#at
    const isIt = this.#take(word)?.toLowerCase() === expected && this.#take(operator) === undefined
    this.#at = from
    return isIt
  }

  #takeWord(expected: string): boolean {
    const isIt = this.#isWord(expected)
    if (isIt) this.#take(word)
    return isIt
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}
