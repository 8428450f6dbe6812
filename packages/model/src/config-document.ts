import {
  type Alias,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
} from 'yaml'
import { type Document, type Pair, parseDocument, visit, type YAMLError, type YAMLMap } from 'yaml'
import { isObject } from './config-values.ts'
import { formatPath, type Problem } from './problem.ts'

export type Path = readonly (string | number)[]

/** What a check found, before it has a place in the file. */
export interface Finding {
  readonly path: Path
  readonly message: string
  readonly expected?: string
  readonly found?: string
  readonly hint?: string
}

/** Aliases may multiply a value so often; more is taken for an attack on memory. */
const aliasesMax = 100

/** A configuration file as it was written: its plain value, and where each part of it stands. */
export class ConfigDocument {
  readonly file: string
  /** Plain JSON; undefined where the text is not YAML. */
  readonly value: unknown
  /** What makes the text not YAML, or more than plain JSON. */
  readonly problems: readonly Problem[]
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(text: string, file: string, amend?: (value: object) => object) {
    this.file = file
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      merge: true,
      logLevel: 'error',
    })
    const faults = [...this.#document.errors, ...this.#document.warnings]
    if (faults.some((fault) => fault.message.includes('call stack')))
      throw new RangeError('nested too deeply')
    // One mistake makes the YAML parser complain several times at the same place: the first says what it is.
    const problems = [
      ...new Map(faults.toReversed().map((fault) => [fault.pos[0], this.#syntax(fault)])).values(),
    ]
    const readable = this.#document.errors.every((error) => error.code === 'DUPLICATE_KEY')
    if (readable) problems.push(...this.#beyondJson())
    if (readable && problems.every((problem) => problem.message === duplicateKey)) {
      try {
        const value: unknown = this.#document.toJS({ maxAliasCount: aliasesMax })
        this.value = amend !== undefined && isObject(value) ? amend(value) : value
      } catch (error) {
        problems.push(this.#at(0, { path: [], message: `bad alias: ${(error as Error).message}` }))
      }
    }
    this.problems = problems
  }

  /** Gives a finding its place: the value at the path, its key, or what is nearest above it. */
  place(finding: Finding, at: 'key' | 'value' = 'value'): Problem {
    return this.#at(this.#offset(finding.path, at), finding)
  }

  #at(offset: number, { path, ...finding }: Finding): Problem {
    const { line, col } = this.#lines.linePos(offset)
    // Before the first line end the counter has no line yet.
    return {
      file: this.file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: formatPath(path),
      ...finding,
    }
  }

  #offset(path: Path, at: 'key' | 'value'): number {
    let node: unknown = this.#document.contents
    let best = startOf(node)
    for (const [depth, step] of path.entries()) {
      const entry = this.#step(node, step)
      if (entry === undefined) return best ?? 0
      node = entry.value
      const wantsKey = at === 'key' || depth < path.length - 1
      best = (wantsKey ? startOf(entry.key) : undefined) ?? startOf(node) ?? startOf(entry.key) ?? best
    }
    return best ?? 0
  }

  #step(from: unknown, step: string | number): { key?: unknown; value: unknown } | undefined {
    const node = this.#resolve(from)
    if (isSeq(node))
      return typeof step === 'number' && step < node.items.length ? { value: node.items[step] } : undefined
    if (!isMap(node)) return undefined
    const own = node.items.findLast((pair) => keyText(pair) === String(step))
    if (own !== undefined) return { key: own.key, value: own.value }
    return this.#mergedStep(node, step)
  }

  #mergedStep(node: YAMLMap, step: string | number): { key?: unknown; value: unknown } | undefined {
    for (const pair of node.items) {
      if (keyText(pair) !== '<<') continue
      const merged = this.#resolve(pair.value)
      for (const source of isSeq(merged) ? merged.items : [merged]) {
        const found = this.#step(source, step)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  #syntax(error: YAMLError): Problem {
    const [offset] = error.pos
    const message = syntaxMessages[error.code] ?? `not YAML: ${firstLine(error.message)}`
    const path = error.code === 'DUPLICATE_KEY' ? this.#pathOfKey(offset) : []
    return this.#at(offset, { path, message })
  }

  /** Keys that are not texts and values that contain themselves cannot be written as JSON. */
  #beyondJson(): Problem[] {
    const problems: Problem[] = []
    visit(this.#document, {
      Pair: (_, pair, ancestors) => {
        if (!isCollection(pair.key) && !isAlias(pair.key)) return
        const place = startOf(pair.key) ?? 0
        problems.push(
          this.#at(place, {
            path: pathOf([...ancestors, pair]).slice(0, -1),
            message: 'bad key',
            expected: 'a text',
          }),
        )
      },
      Alias: (_, alias: Alias, ancestors) => {
        const target = alias.resolve(this.#document)
        const message =
          target === undefined
            ? `bad alias: no anchor &${alias.source} before it`
            : ancestors.includes(target)
              ? 'bad alias: it stands inside what it stands for'
              : undefined
        if (message !== undefined)
          problems.push(this.#at(startOf(alias) ?? 0, { path: pathOf([...ancestors, alias]), message }))
      },
    })
    return problems
  }

  #pathOfKey(offset: number): Path {
    let path: Path = []
    visit(this.#document, {
      Pair: (_, pair, ancestors) => {
        if (startOf(pair.key) !== offset) return undefined
        path = pathOf([...ancestors, pair])
        return visit.BREAK
      },
    })
    return path
  }
}

const duplicateKey = 'key given twice'

const syntaxMessages: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: duplicateKey,
  TAB_AS_INDENT: 'not YAML: a tab in the indentation, use spaces',
  MULTIPLE_DOCS: 'not YAML: several documents in one file',
  TAG_RESOLVE_FAILED: 'unknown tag: only plain values are read',
}

function pathOf(nodes: readonly unknown[]): Path {
  const path: (string | number)[] = []
  for (const [index, node] of nodes.entries()) {
    if (isPair(node)) path.push(keyText(node))
    else if (isSeq(node) && index + 1 < nodes.length) path.push(node.items.indexOf(nodes[index + 1]))
  }
  return path
}

function keyText(pair: Pair): string {
  const key = isScalar(pair.key) ? pair.key.value : null
  return key === null ? '' : `${key as string | number | boolean}`
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}
