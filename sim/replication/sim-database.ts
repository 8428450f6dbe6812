import { DatabaseSync, type StatementSync } from 'node:sqlite'

/**
 * A database in memory that outlives the processes of its site, and is used again, empty, by the next life. Whoever starts anew prepares
 * the same statements over the same tables: here both are kept, which was half of what a schedule cost.
 */
export class SimDatabase extends DatabaseSync {
  static readonly #free = new Map<string, SimDatabase[]>()
  readonly #name: string
  readonly #statements: Map<string, StatementSync> = new Map()

  private constructor(name: string) {
    super(':memory:')
    this.#name = name
  }

  /** One with nothing in it that holds the tables of a site of this name, or will. */
  static take(name: string): SimDatabase {
    return SimDatabase.#free.get(name)?.pop() ?? new SimDatabase(name)
  }

  override prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = super.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  /** Removes every row, so that another life can begin in it. */
  giveBack(): void {
    const tables = this.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    for (const { name } of tables) this.prepare(`DELETE FROM ${String(name)}`).run()
    this.exec("INSERT INTO budao_clock VALUES (1, '0000000000000000')")
    const free = SimDatabase.#free.get(this.#name) ?? []
    free.push(this)
    SimDatabase.#free.set(this.#name, free)
  }
}
