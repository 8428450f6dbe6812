import type { Notes } from '../notes.ts'
import { type Statement, textOf } from './keepalived-syntax.ts'

/** The statements of one block, and which of them were read. */
export class Block {
  readonly statement: Statement
  readonly #used: Set<Statement>

  constructor(statement: Statement, used: Set<Statement> = new Set()) {
    this.statement = statement
    this.#used = used
  }

  /** All with that name, in order. */
  all(...names: readonly string[]): Statement[] {
    const found = (this.statement.block ?? []).filter(({ name }) => names.includes(name))
    for (const each of found) this.#used.add(each)
    return found
  }

  /** The last with that name: it is the one that holds. */
  one(...names: readonly string[]): Statement | undefined {
    return this.all(...names).at(-1)
  }

  has(name: string): boolean {
    return this.one(name) !== undefined
  }

  text(...names: readonly string[]): string | undefined {
    return this.one(...names)?.args[0]
  }

  /** A number; where what stands there is none, undefined. */
  number(...names: readonly string[]): number | undefined {
    const text = this.text(...names)
    return text !== undefined && /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
  }

  /** Seconds as milliseconds. */
  ms(...names: readonly string[]): number | undefined {
    const seconds = this.number(...names)
    return seconds === undefined ? undefined : Math.round(seconds * 1_000)
  }

  blocks(...names: readonly string[]): Block[] {
    return this.all(...names).map((statement) => new Block(statement, this.#used))
  }

  /** All statements of a block that stands in this one. */
  within(statement: Statement): readonly Statement[] {
    for (const each of statement.block ?? []) this.#used.add(each)
    return statement.block ?? []
  }

  /** Everything in it that nobody asked for, as what is not carried over. */
  reportUnused(notes: Notes, reasonFor: (name: string) => readonly ['lost' | 'default', string]): void {
    for (const each of this.statement.block ?? []) {
      if (this.#used.has(each)) {
        if (each.block !== null) new Block(each, this.#used).reportUnused(notes, reasonFor)
        continue
      }
      const [kind, reason] = reasonFor(each.name)
      notes.add(kind, each, textOf(each), reason)
    }
  }
}
