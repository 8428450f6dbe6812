import { isCollection, isNode, isScalar, LineCounter, parseAllDocuments, type Document } from 'yaml'
import { ImportError } from './imported.ts'

type Path = readonly (string | number)[]

/** Aliases may multiply a value so often; more is taken for an attack on memory. */
const aliasesMax = 100

/** One document of a YAML file: its plain value, and where each part of it stands. */
export class YamlSource {
  readonly value: unknown
  readonly #document: Document
  readonly #lines: LineCounter

  private constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
    this.value = document.toJS({ maxAliasCount: aliasesMax })
  }

  /** All documents of a file. Throws an ImportError where it is not YAML. */
  static parse(text: string, file: string): YamlSource[] {
    const lineCounter = new LineCounter()
    const documents = parseAllDocuments(text, {
      lineCounter,
      prettyErrors: false,
      merge: true,
      logLevel: 'error',
    })
    if (!Array.isArray(documents)) return []
    return documents.map((document) => {
      const [error] = document.errors
      if (error !== undefined) {
        const { line } = lineCounter.linePos(error.pos[0])
        throw new ImportError(`${file}:${Math.max(1, line)}: not YAML: ${error.message.split('\n', 1)[0]}`)
      }
      try {
        return new YamlSource(document, lineCounter)
      } catch (cause) {
        throw new ImportError(`${file}: not YAML: ${(cause as Error).message}`, { cause })
      }
    })
  }

  /** Where the key or item at the path stands, or what is nearest above it. */
  line(path: Path): number {
    for (let depth = path.length; depth >= 0; depth--) {
      const start = this.#start(path.slice(0, depth))
      if (start !== undefined) return Math.max(1, this.#lines.linePos(start).line)
    }
    return 1
  }

  #start(path: Path): number | undefined {
    const last = path.at(-1)
    const parent: unknown =
      path.length <= 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true)
    if (last === undefined)
      return isNode(this.#document.contents) ? this.#document.contents.range?.[0] : undefined
    if (!isCollection(parent)) return undefined
    // Of a pair the key: its value may begin on another line.
    for (const item of parent.items) {
      const key: unknown = (item as { key?: unknown } | null)?.key
      if (isScalar(key) && String(key.value) === String(last)) return key.range?.[0]
    }
    const node: unknown = parent.get(last, true)
    return isNode(node) ? node.range?.[0] : undefined
  }
}
