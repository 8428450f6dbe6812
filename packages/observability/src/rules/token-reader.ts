import { ConditionError } from './condition-error.ts'
import { tokensOf, type Token } from './lexer.ts'

/** Goes through the tokens of one condition, one ahead. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #next = 0

  /** From `from` to `to` of a text; places are those in the whole. */
  constructor(source: string, from = 0, to: number = source.length) {
    // Blanks keep the places of what is read.
    this.#tokens = tokensOf(' '.repeat(from) + source.slice(from, to))
  }

  get next(): Token {
    return this.#tokens[this.#next]!
  }

  /** The one behind `next`. */
  get second(): Token {
    return this.#tokens[Math.min(this.#next + 1, this.#tokens.length - 1)]!
  }

  take(): Token {
    const token = this.next
    if (token.kind !== 'end') this.#next++
    return token
  }

  /** Takes the sign if it is next. */
  takeSign(...signs: readonly string[]): string | undefined {
    if (this.next.kind !== 'sign' || !signs.includes(this.next.text)) return undefined
    return this.take().text
  }

  /** Takes the word if it is next; case does not matter. */
  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false
    this.take()
    return true
  }

  isWord(word: string, token: Token = this.next): boolean {
    return token.kind === 'word' && token.text.toLowerCase() === word.toLowerCase()
  }

  expectSign(sign: string): void {
    if (this.takeSign(sign) === undefined) this.refuse(`\`${sign}\``)
  }

  /** Refuses what is next. */
  refuse(expected: string, hint?: string, token: Token = this.next): never {
    throw new ConditionError(token.at, expected, shown(token), hint)
  }
}

function shown({ kind, text }: Token): string {
  if (kind === 'end') return 'the end'
  return kind === 'text' ? JSON.stringify(text) : `\`${text}\``
}
