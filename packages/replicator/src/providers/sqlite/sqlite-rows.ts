import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Json, Row } from '@budao/model'

/** A table as it is in the database. */
interface Shape {
  readonly columns: ReadonlySet<string>
  /** In the order of the primary key. */
  readonly keys: readonly string[]
  /** Its only key holds bytes, or may. */
  readonly isBytesKey: boolean
  /** `key` and `payload`: rows are JSON documents. */
  readonly isDocument: boolean
  readonly select: StatementSync
  readonly remove: StatementSync
  readonly writes: Map<string, StatementSync>
}

/** Columns that hold JSON, by table: those that merge as sets. */
export type JsonColumns = (table: string) => ReadonlySet<string>

/** Reads and writes rows of the application's tables by their key. */
export class SqliteRows {
  readonly #db: DatabaseSync
  readonly #jsonColumns: JsonColumns
  readonly #shapes: Map<string, Shape> = new Map()

  constructor(db: DatabaseSync, jsonColumns: JsonColumns) {
    this.#db = db
    this.#jsonColumns = jsonColumns
  }

  /** Makes a table of documents where there is no table of that name; throws where one has no primary key. */
  prepare(table: string): void {
    const exists = this.#db
      .prepare('SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?')
      .get('table', table)
    if (exists === undefined) {
      this.#db.exec(`CREATE TABLE ${quoted(table)} (key TEXT PRIMARY KEY, payload TEXT NOT NULL) STRICT`)
    }
    this.#shape(table)
  }

  /** The key of a row as events carry it. Throws where a column of the primary key is missing. */
  keyOf(table: string, row: Row): string {
    const { keys, isDocument } = this.#shape(table)
    if (isDocument) throw new Error(`table ${table} holds documents: expected their key beside them`)
    const values = keys.map((name) => {
      const value = row[name]
      if (value === undefined || value === null) {
        throw new Error(
          `table ${table}: expected a value of ${name}, a column of its primary key, in the row`,
        )
      }
      return value
    })
    const [only] = values
    if (values.length > 1) return JSON.stringify(values)
    // As where the column is of a kind that needs no wrapping: sites of other databases have the same key.
    const { $integer = only } = typeof only === 'object' ? (only as { readonly $integer?: Json }) : {}
    return typeof $integer === 'object' ? JSON.stringify(values) : String($integer)
  }

  isDocument(table: string): boolean {
    return this.#shape(table).isDocument
  }

  /** The row; null: there is none. */
  get(table: string, key: string): Row | null {
    const shape = this.#shape(table)
    const { select, isDocument } = shape
    const found = select.get(...keyValues(key, shape))
    return found === undefined ? null : this.#toRow(table, found, isDocument)
  }

  /** Tables may be others than they were: a transaction was rolled back. */
  forget(): void {
    this.#shapes.clear()
  }

  /** Adds the columns that the row has and the table has not: an additive change of the writer's table. */
  addColumns(table: string, row: Row): void {
    let { columns, isDocument } = this.#shape(table)
    if (isDocument) return
    for (const [name, value] of Object.entries(row)) {
      if (columns.has(name) || value === null) continue
      // Perhaps somebody else has just added it.
      this.#shapes.delete(table)
      columns = this.#shape(table).columns
      if (!columns.has(name)) this.#addColumn(table, name, value)
    }
  }

  /** Puts the row in, or removes it. Columns that the table has and the row has not stay as they are. */
  put(table: string, key: string, row: Row | null): void {
    const shape = this.#shape(table)
    if (row === null) {
      shape.remove.run(...keyValues(key, shape))
      return
    }
    if (shape.isDocument) {
      this.#write(table, shape, ['key', 'payload']).run(key, JSON.stringify(row))
      return
    }
    // A column that is null everywhere need not be there.
    const names = Object.keys(row).filter((name) => row[name] !== null || shape.columns.has(name))
    const { lastInsertRowid } = this.#write(table, shape, names).run(
      ...names.map((name) => toSql(row[name]!)),
    )
    if (!Number.isSafeInteger(Number(lastInsertRowid))) this.#forgetRowid()
  }

  /**
   * Keys of a table with their rows in the order of the key, behind `after`, until about `bytesMax` or `rowsMax` are read; none behind
   * `upTo`.
   */
  page(
    table: string,
    after: string | null,
    bytesMax: number,
    upTo: string | null = null,
    rowsMax: number = Infinity,
  ): { readonly rows: (readonly [key: string, row: Row])[]; readonly next: string | null } {
    const shape = this.#shape(table)
    const { keys, isDocument } = shape
    const names = keys.map(quoted).join(', ')
    const places = keys.map(() => '?').join(', ')
    const bounds = [
      ...(after === null ? [] : [`(${names}) > (${places})`]),
      ...(upTo === null ? [] : [`(${names}) <= (${places})`]),
    ]
    const where = bounds.length === 0 ? '' : `WHERE ${bounds.join(' AND ')}`
    const select = this.#db.prepare(`SELECT * FROM ${quoted(table)} ${where} ORDER BY ${names}`)
    select.setReadBigInts(true)
    const values = [after, upTo].flatMap((key) => (key === null ? [] : keyValues(key, shape)))
    const rows: (readonly [string, Row])[] = []
    let bytes = 0
    for (const found of select.iterate(...values)) {
      if (bytes >= bytesMax || rows.length >= rowsMax) return { rows, next: rows.at(-1)![0] }
      const row = this.#toRow(table, found, isDocument)
      const key = isDocument ? String(found['key']) : this.keyOf(table, row)
      bytes += isDocument ? String(found['payload']).length : JSON.stringify(row).length
      rows.push([key, row])
    }
    return { rows, next: null }
  }

  /**
   * The driver answers every statement of a connection with the last rowid there was, and throws where a number cannot hold it: after a
   * row with a larger one another is inserted, into a table of this connection alone.
   */
  #forgetRowid(): void {
    this.#db.exec(
      'CREATE TEMP TABLE IF NOT EXISTS budao_rowid (one INTEGER PRIMARY KEY); REPLACE INTO temp.budao_rowid VALUES (1)',
    )
  }

  #toRow(table: string, found: Readonly<Record<string, SQLOutputValue>>, isDocument: boolean): Row {
    if (isDocument) return JSON.parse(found['payload'] as string) as Row
    const json = this.#jsonColumns(table)
    return Object.fromEntries(
      Object.entries(found).map(([name, value]) => [name, json.has(name) ? parsed(value) : toJson(value)]),
    )
  }

  #addColumn(table: string, name: string, value: Json): void {
    const type = typeof value === 'number' ? (Number.isInteger(value) ? 'INTEGER' : 'REAL') : 'TEXT'
    this.#db.exec(`ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} ${type}`)
    this.#shapes.delete(table)
  }

  #write(table: string, shape: Shape, names: readonly string[]): StatementSync {
    const list = names.join('\0')
    const known = shape.writes.get(list)
    if (known !== undefined) return known
    const keys = shape.keys.map(quoted).join(', ')
    const sets = names
      .filter((name) => !shape.keys.includes(name))
      .map((name) => `${quoted(name)} = excluded.${quoted(name)}`)
    const statement = this.#db.prepare(
      `INSERT INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES (${names.map(() => '?').join(', ')})
       ON CONFLICT (${keys}) DO ${sets.length === 0 ? 'NOTHING' : `UPDATE SET ${sets.join(', ')}`}`,
    )
    statement.setReadBigInts(true)
    shape.writes.set(list, statement)
    return statement
  }

  #shape(table: string): Shape {
    const known = this.#shapes.get(table)
    if (known !== undefined) return known
    const info = this.#db.prepare('SELECT name, pk, type FROM pragma_table_info(?)').all(table)
    const columns = new Set(info.map(({ name }) => String(name)))
    const keys = info
      .filter(({ pk }) => Number(pk) > 0)
      .toSorted((a, b) => Number(a['pk']) - Number(b['pk']))
      .map(({ name }) => String(name))
    if (keys.length === 0)
      throw new Error(
        `table ${table}: expected a primary key, found ${columns.size === 0 ? 'no table' : 'none'}`,
      )
    const where = keys.map((name) => `${quoted(name)} = ?`).join(' AND ')
    const { type } = info.find(({ name }) => name === keys[0])!
    const shape: Shape = {
      columns,
      keys,
      isBytesKey: keys.length === 1 && /^$|blob/i.test(String(type)),
      isDocument: columns.size === 2 && columns.has('key') && columns.has('payload') && keys[0] === 'key',
      select: this.#db.prepare(`SELECT * FROM ${quoted(table)} WHERE ${where}`),
      remove: this.#db.prepare(`DELETE FROM ${quoted(table)} WHERE ${where}`),
      writes: new Map(),
    }
    shape.select.setReadBigInts(true)
    this.#shapes.set(table, shape)
    return shape
  }
}

/** A name as SQL has it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function keyValues(key: string, { keys, isBytesKey }: Shape): SQLInputValue[] {
  const isWrapped = keys.length > 1 || (isBytesKey && /^\[\{"\$base64":"[^"]*"\}\]$/.test(key))
  return isWrapped ? (JSON.parse(key) as Json[]).map(toSql) : [key]
}

function toSql(value: Json): SQLInputValue {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (!Array.isArray(value)) {
    const { $base64, $integer } = value as { readonly $base64?: Json; readonly $integer?: Json }
    if (typeof $base64 === 'string') return Buffer.from($base64, 'base64')
    if (typeof $integer === 'string') return BigInt($integer)
  }
  return JSON.stringify(value)
}

function toJson(value: SQLOutputValue): Json {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : { $integer: String(value) }
  }
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') }
  return value
}

function parsed(value: SQLOutputValue): Json {
  return typeof value === 'string' ? (JSON.parse(value) as Json) : toJson(value)
}
