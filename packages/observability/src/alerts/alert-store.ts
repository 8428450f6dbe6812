import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * What is kept over a restart, by name. What it gives back is what was put in: the file is this process’s own. A list under one prefix is one collection.
 */
export class AlertStore {
  readonly #database: DatabaseSync
  readonly #put
  readonly #get
  readonly #delete
  readonly #list

  readonly #onFailure: (error: Error) => void
  #failing = false

  /** Throws when the file cannot be opened or is none of this kind. `onFailure` is told once for each run of failed writes. */
  constructor(path: string, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure
    mkdirSync(dirname(path), { recursive: true })
    this.#database = new DatabaseSync(path, { timeout: 2_000 })
    this.#database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ' +
        'CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
    )
    this.#put = this.#database.prepare(
      'INSERT INTO kept (name, json) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET json = excluded.json',
    )
    this.#get = this.#database.prepare('SELECT json FROM kept WHERE name = ?')
    this.#delete = this.#database.prepare('DELETE FROM kept WHERE name = ?')
    this.#list = this.#database.prepare(
      'SELECT name, json FROM kept WHERE name >= ? AND name < ? ORDER BY name',
    )
  }

  /** Undefined where there is none, or it is damaged. */
  get(name: string): unknown {
    return parsed(this.#get.get(name)?.['json'])
  }

  put(name: string, value: unknown): void {
    this.#write(() => this.#put.run(name, JSON.stringify(value)))
  }

  delete(name: string): void {
    this.#write(() => this.#delete.run(name))
  }

  /** Everything whose name begins so, by name. */
  list(prefix: string): { readonly name: string; readonly value: unknown }[] {
    return this.#list.all(prefix, `${prefix}\uffff`).flatMap(({ name, json }) => {
      const value = parsed(json)
      return value === undefined ? [] : [{ name: String(name), value }]
    })
  }

  close(): void {
    this.#database.close()
  }

  /** A full disk must not keep people from being told: what is not kept is told from memory. */
  #write(write: () => unknown): void {
    try {
      write()
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#onFailure(error as Error)
      this.#failing = true
    }
  }
}

function parsed(json: unknown): unknown {
  if (typeof json !== 'string') return undefined
  try {
    return JSON.parse(json) as unknown
  } catch {
    return undefined
  }
}
