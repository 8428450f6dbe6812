import { ImportError, type IncludedFile } from '../imported.ts'

/** One statement: a line's words, and a block where braces follow. */
export interface Statement {
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Statement[] | null
  readonly file: string
  readonly line: number
}

/** Blocks within blocks, and files within files; a configuration has a handful. */
const depthMax = 64
const filesMax = 1_000

/**
 * Reads the syntax of keepalived: a statement ends with its line; `{` behind it, or alone on the next line, begins its block;
 * `!` and `#` begin a comment where a word could begin; words may be quoted; `$NAME=text` defines what `$NAME` and `${NAME}` stand
 * for; `include` is replaced by what the named files say.
 *
 * Throws an ImportError with file and line where the text is not that.
 */
export function parseKeepalived(text: string, file: string, include: Include): Statement[] {
  return new Parser(include).parse(text, file)
}

export type Include = (pattern: string) => readonly IncludedFile[]

type Draft = { -readonly [K in keyof Statement]: Statement[K] } & { block: Draft[] | null }

class Parser {
  readonly #include: Include
  readonly #definitions: Map<string, string> = new Map()
  #files = 0

  constructor(include: Include) {
    this.#include = include
  }

  parse(text: string, file: string, depth = 0): Draft[] {
    if (++this.#files > filesMax || depth > depthMax)
      throw new ImportError(`${file}: too many files include one another`)
    const open: Draft[][] = [[]]
    const openedAt: number[] = []
    for (const [index, written] of text
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .entries()) {
      const line = index + 1
      let statement: Draft | undefined
      for (const word of wordsOf(this.#substitute(written), `${file}:${line}`)) {
        const within = open.at(-1)!
        if (word === beginMark) {
          const owner = statement ?? within.at(-1)
          if (owner === undefined || owner.block !== null)
            throw new ImportError(`${file}:${line}: expected a statement before "{"`)
          if (open.length > depthMax) throw new ImportError(`${file}:${line}: nested too deeply`)
          owner.block = []
          open.push(owner.block)
          openedAt.push(line)
          statement = undefined
        } else if (word === endMark) {
          if (open.length === 1) throw new ImportError(`${file}:${line}: expected a statement, got "}"`)
          open.pop()
          openedAt.pop()
          statement = undefined
        } else if (statement === undefined) {
          statement = { name: word, args: [], block: null, file, line }
          within.push(statement)
        } else statement.args = [...statement.args, word]
      }
      if (statement?.name === 'include' && statement.args.length === 1) {
        const within = open.at(-1)!
        within.pop()
        for (const each of this.#include(statement.args[0]!))
          within.push(...this.parse(each.text, each.name, depth + 1))
      }
    }
    if (open.length > 1)
      throw new ImportError(
        `${file}:${openedAt.at(-1)}: expected "}" for this block, got the end of the file`,
      )
    return open[0]!
  }

  /** Takes a definition out of the line, or puts in what its names stand for. */
  #substitute(line: string): string {
    const [, name, value] = /^\s*\$(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) {
      this.#definitions.set(name, value)
      return ''
    }
    return line.replace(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (whole, braced: string | undefined, plain: string | undefined) =>
        this.#definitions.get(braced ?? plain ?? '') ?? whole,
    )
  }
}

// No word that is written can be one of these: they hold a line end.
const beginMark = '{\n'
const endMark = '}\n'

function* wordsOf(line: string, place: string): Generator<string> {
  let at = 0
  while (at < line.length) {
    const char = line[at]!
    if (/\s/.test(char)) at++
    else if (char === '#' || char === '!') return
    else if (char === '{' || char === '}') {
      yield char === '{' ? beginMark : endMark
      at++
    } else if (char === '"' || char === "'") {
      const end = line.indexOf(char, at + 1)
      if (end < 0) throw new ImportError(`${place}: expected the end of what ${char} begins`)
      yield line.slice(at + 1, end)
      at = end + 1
    } else {
      const [word] = /^[^\s{}]+/.exec(line.slice(at)) ?? ['']
      yield word
      at += word.length
    }
  }
}

/** A statement in one line. */
export function textOf({ name, args, block }: Statement): string {
  return [name, ...args].join(' ') + (block === null ? '' : ' { … }')
}
