import { ImportError, type IncludedFile } from '../imported.ts'

/** One directive: a name, its arguments, and a block where it has one. */
export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Directive[] | null
  readonly file: string
  readonly line: number
}

/** Blocks within blocks, and files within files; a configuration has a handful. */
const depthMax = 64
const filesMax = 1_000

/**
 * Reads the syntax of nginx as its own parser does: words end at white space, `;`, `{` or `}`; a word that begins with a
 * quote ends with it; a backslash takes the next character's meaning away; `${name}` is part of a word; `#` begins a
 * comment where a word could begin. `include` is replaced by what the named files say.
 *
 * Throws an ImportError with file and line where the text is not that.
 */
export function parseNginx(text: string, file: string, include: Include): Directive[] {
  return new Parser(include).parse(text, file)
}

export type Include = (pattern: string) => readonly IncludedFile[]

interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly line: number
}

type Token = Word | { readonly mark: ';' | '{' | '}' | 'end'; readonly line: number }

class Parser {
  readonly #include: Include
  #files = 0

  constructor(include: Include) {
    this.#include = include
  }

  parse(text: string, file: string, depth = 0): Directive[] {
    if (++this.#files > filesMax || depth > depthMax)
      throw new ImportError(`${file}: too many files include one another`)
    const tokens = tokenize(text, file)
    const directives = this.#block(tokens, file, depth, false)
    return directives
  }

  #block(tokens: Iterator<Token, undefined>, file: string, depth: number, nested: boolean): Directive[] {
    if (depth > depthMax) throw new ImportError(`${file}: nested too deeply`)
    const found: Directive[] = []
    for (;;) {
      const first = tokens.next().value!
      if ('mark' in first) {
        if (first.mark === '}' && nested) return found
        if (first.mark === 'end' && !nested) return found
        const got = first.mark === 'end' ? 'the end of the file' : `"${first.mark}"`
        throw new ImportError(
          `${file}:${first.line}: expected a directive${nested ? ' or "}"' : ''}, got ${got}`,
        )
      }
      const args: string[] = []
      let next = tokens.next().value!
      while (!('mark' in next)) {
        args.push(next.text)
        next = tokens.next().value!
      }
      if (next.mark === '}' || next.mark === 'end') {
        const got = next.mark === 'end' ? 'the end of the file' : '"}"'
        throw new ImportError(`${file}:${next.line}: expected ";" or "{" after "${first.text}", got ${got}`)
      }
      const block = next.mark === '{' ? this.#block(tokens, file, depth + 1, true) : null
      if (first.text === 'include' && block === null && args.length === 1) {
        for (const each of this.#include(args[0]!)) found.push(...this.parse(each.text, each.name, depth + 1))
      } else found.push({ name: first.text, args, block, file, line: first.line })
    }
  }
}

function* tokenize(text: string, file: string): Generator<Token, undefined> {
  let line = 1
  let at = text.startsWith('\ufeff') ? 1 : 0
  while (at < text.length) {
    const char = text[at]!
    if (char === '\n') line++
    if (/\s/.test(char)) at++
    else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (char === ';' || char === '{' || char === '}') {
      yield { mark: char, line }
      at++
    } else {
      const start = line
      const [word, end, quoted] = char === '"' || char === "'" ? quotedWord(text, at) : plainWord(text, at)
      if (end > text.length)
        throw new ImportError(`${file}:${start}: expected the end of what ${char} begins`)
      line += text.slice(at, end).split('\n').length - 1
      at = end
      yield { text: word, quoted, line: start }
    }
  }
  yield { mark: 'end', line }
  return undefined
}

/** The word, where it ends (beyond the text when its quote does not), and whether it was quoted. */
function quotedWord(text: string, start: number): [word: string, end: number, quoted: boolean] {
  const quote = text[start]!
  let word = ''
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!
    if (char === quote) return [word, at + 1, true]
    if (char !== '\\') word += char
    else word += unescaped(text[++at] ?? '')
  }
  return [word, text.length + 1, true]
}

function plainWord(text: string, start: number): [word: string, end: number, quoted: boolean] {
  let word = ''
  let at = start
  for (; at < text.length; at++) {
    const char = text[at]!
    if (char === '$' && text[at + 1] === '{') {
      const end = text.indexOf('}', at)
      if (end < 0) return [word, text.length + 1, false]
      word += text.slice(at, end + 1)
      at = end
    } else if (/[\s;{}]/.test(char)) {
      // A brace of a regular expression, as in \d{2}, has to be quoted: this one begins a block.
      break
    } else if (char === '\\') word += unescaped(text[++at] ?? '')
    else word += char
  }
  return [word, at, false]
}

/** As nginx has it: line ends, tabs, quotes and the backslash; another backslash stays, for regular expressions. */
function unescaped(char: string): string {
  if (char === 't') return '\t'
  if (char === 'r') return '\r'
  if (char === 'n') return '\n'
  return char === '"' || char === "'" || char === '\\' ? char : `\\${char}`
}
