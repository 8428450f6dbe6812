import { ConditionError } from './condition-error.ts'

/**
 * word   letters, digits and what else stands in names, paths and numbers
 * text   something in quotes, without them
 * sign   punctuation
 * end    behind the last character
 */
export interface Token {
  readonly kind: 'word' | 'text' | 'sign' | 'end'
  readonly text: string
  /** Where it begins, counted from 0. */
  readonly at: number
  /** White space, or nothing, stands before it. */
  readonly apart: boolean
}

const signs = ['>=', '<=', '==', '!=', '=~', '!~', '(', ')', '{', '}', ',', ':', '>', '<', '=']

/** Cuts what stands in a condition beside filters into words, texts and signs. Throws ConditionError. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    const from = at
    while (at < source.length && /\s/.test(source[at]!)) at++
    const apart = at > from || from === 0
    const rest = source.slice(at, at + 2)
    if (rest === '') {
      tokens.push({ kind: 'end', text: '', at, apart })
      return tokens
    }
    const sign = signs.find((each) => rest.startsWith(each))
    if (sign !== undefined) {
      tokens.push({ kind: 'sign', text: sign, at, apart })
      at += sign.length
    } else if (rest[0] === '"' || rest[0] === "'") {
      const { text, end } = quoted(source, at)
      tokens.push({ kind: 'text', text, at, apart })
      at = end
    } else {
      const [word] = /^[^\s(){},:<>="'!~]+/.exec(source.slice(at)) ?? [undefined]
      if (word === undefined)
        throw new ConditionError(at, 'a name, a number or a sign', JSON.stringify(source[at]))
      tokens.push({ kind: 'word', text: word, at, apart })
      at += word.length
    }
  }
}

function quoted(source: string, start: number): { text: string; end: number } {
  const quote = source[start]
  let text = ''
  for (let at = start + 1; at < source.length; at++) {
    const char = source[at]!
    if (char === quote) return { text, end: at + 1 }
    if (char === '\\') {
      const next = source[++at]
      if (next === undefined) break
      text += next === 'n' ? '\n' : next === 't' ? '\t' : next === quote || next === '\\' ? next : `\\${next}`
    } else text += char
  }
  throw new ConditionError(start, `a text that ends with ${quote}`, 'one without an end')
}
