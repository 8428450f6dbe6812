import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Json, Row } from '@budao/model'
import { quoted } from './mariadb-connection.ts'

/**
 * How a column travels. integer: a number, or `$integer` beyond 2^53. exact, text: text. float, double: a number. bytes:
 * `$base64`. set: its members with commas.
 */
type ColumnKind = 'integer' | 'exact' | 'float' | 'double' | 'text' | 'set' | 'bytes'

/** A column that travels. */
export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  /** Bytes of `BINARY(n)`: the binlog leaves zeros at its end out. */
  readonly bytes: number
}

/** What the driver and the binlog hand out. */
export type SqlValue = null | number | string | Buffer | readonly string[]

/** A table as it is in the database. */
export interface TableShape {
  readonly table: string
  /** In the order of the table, without those that the database computes. */
  readonly columns: readonly Column[]
  readonly byName: ReadonlyMap<string, Column>
  /** In the order of the primary key. */
  readonly keys: readonly Column[]
}

const kinds: Readonly<Record<string, ColumnKind>> = {
  ...named('integer', 'tinyint smallint mediumint int bigint year'),
  ...named('exact', 'decimal'),
  ...named('float', 'float'),
  ...named('double', 'double'),
  ...named('text', 'char varchar tinytext text mediumtext longtext json enum date time datetime timestamp'),
  ...named('set', 'set'),
  ...named('bytes', 'binary varbinary tinyblob blob mediumblob longblob bit'),
}

/** Reads a table's columns. Throws where it cannot be replicated, with the reason. */
export async function readShape(
  connection: Connection,
  database: string,
  table: string,
): Promise<TableShape> {
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT c.COLUMN_NAME AS name, c.DATA_TYPE AS type, c.CHARACTER_OCTET_LENGTH AS bytes,
            c.IS_GENERATED AS generated, k.ORDINAL_POSITION AS key_part
     FROM information_schema.COLUMNS c
     LEFT JOIN information_schema.KEY_COLUMN_USAGE k
       ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
       AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY'
     WHERE c.TABLE_SCHEMA = ? AND c.TABLE_NAME = ? ORDER BY c.ORDINAL_POSITION`,
    [database, table],
  )
  if (found.length === 0) throw new Error(`table ${table}: expected it in database ${database}, found none`)
  const columns: Column[] = []
  const keys: { readonly part: number; readonly column: Column }[] = []
  for (const { name, type, bytes, generated, key_part: part } of found) {
    // What the database computes from other columns it computes at every site.
    if (generated === 'ALWAYS') continue
    const kind = kinds[String(type)]
    if (kind === undefined) {
      throw new Error(`table ${table}, column ${name}: columns of type ${type} are not replicated`)
    }
    const column: Column = { name: String(name), kind, bytes: type === 'binary' ? Number(bytes) : 0 }
    columns.push(column)
    if (part !== null) keys.push({ part: Number(part), column })
  }
  if (keys.length === 0) {
    throw new Error(
      `table ${table}: expected a primary key, found none: rows without one cannot be told apart`,
    )
  }
  return {
    table,
    columns,
    byName: new Map(columns.map((column) => [column.name, column])),
    keys: keys.toSorted((a, b) => a.part - b.part).map(({ column }) => column),
  }
}

/** What a SELECT of all columns asks for. */
export function selectList({ columns }: TableShape): string {
  // As text a FLOAT is rounded to six digits; as a DOUBLE it is what it is.
  return columns
    .map(({ name, kind }) =>
      kind === 'float' ? `CAST(${quoted(name)} AS DOUBLE) AS ${quoted(name)}` : quoted(name),
    )
    .join(', ')
}

/** A row as events carry it, from a SELECT or from the binlog. */
export function toRow({ columns }: TableShape, values: Readonly<Record<string, SqlValue | undefined>>): Row {
  const row: Record<string, Json> = {}
  for (const column of columns) {
    const value = values[column.name]
    if (value !== undefined) row[column.name] = toJson(column, value)
  }
  return row
}

function toJson({ kind, bytes }: Column, value: SqlValue): Json {
  if (value === null) return null
  switch (kind) {
    case 'integer': {
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : { $integer: String(value) }
    }
    case 'float':
    case 'double':
      return Number(value)
    case 'set':
      return Array.isArray(value) ? value.join(',') : String(value)
    case 'bytes': {
      const buffer = Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'latin1')
      const padded =
        buffer.length < bytes ? Buffer.concat([buffer, Buffer.alloc(bytes - buffer.length)]) : buffer
      return { $base64: padded.toString('base64') }
    }
    case 'exact':
    case 'text':
      return textOf(value)
  }
}

/** A value as text. */
export function textOf(value: SqlValue | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

/** A value of a row as a parameter of SQL. */
export function toSql(value: Json): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'object' || value === null) return value
  if ('$base64' in value && typeof value['$base64'] === 'string')
    return Buffer.from(value['$base64'], 'base64')
  if ('$integer' in value && typeof value['$integer'] === 'string') return value['$integer']
  return JSON.stringify(value)
}

/** The key of a row as events carry it. Throws where a column of the primary key is missing. */
export function keyOf({ table, keys }: TableShape, row: Row): string {
  const values = keys.map(({ name }) => {
    const value = row[name]
    if (value === undefined || value === null) {
      throw new Error(`table ${table}: expected a value of ${name}, a column of its primary key, in the row`)
    }
    return value
  })
  const [only] = values
  if (values.length > 1) return JSON.stringify(values)
  if (typeof only !== 'object') return String(only)
  return keys[0]!.kind === 'integer' ? String(toSql(only)) : JSON.stringify(values)
}

/** A condition that holds for the rows of these keys, by the index of the primary key. */
export function keyCondition(
  { keys }: TableShape,
  wanted: readonly string[],
): { readonly sql: string; readonly values: unknown[] } {
  const parts = wanted.map((key) => keyValues(keys, key))
  const [only] = keys
  if (keys.length === 1) {
    return { sql: `${quoted(only!.name)} IN (${parts.map(() => '?').join(', ')})`, values: parts.flat() }
  }
  const one = `(${keys.map(({ name }) => `${quoted(name)} = ?`).join(' AND ')})`
  return { sql: parts.map(() => one).join(' OR '), values: parts.flat() }
}

/** Rows behind one key, up to another, in the order of the primary key. */
export function rangeOf(
  { keys }: TableShape,
  after: readonly unknown[] | null,
  upTo: readonly unknown[] | null,
): { readonly sql: string; readonly values: unknown[] } {
  const [above, below] = [bound(keys, after, '>'), bound(keys, upTo, '<=')]
  return { sql: `${above.sql} AND ${below.sql}`, values: [...above.values, ...below.values] }
}

function bound(
  keys: readonly Column[],
  at: readonly unknown[] | null,
  operator: '>' | '<=',
): { readonly sql: string; readonly values: unknown[] } {
  if (at === null) return { sql: 'TRUE', values: [] }
  // (a, b) > (x, y), written out: only so it is a range of the index.
  const values: unknown[] = []
  const parts = keys.map(({ name }, last) => {
    const equal = keys.slice(0, last).map((key, index) => {
      values.push(at[index])
      return `${quoted(key.name)} = ?`
    })
    values.push(at[last])
    const sign = operator === '>' || last < keys.length - 1 ? operator[0]! : operator
    return `(${[...equal, `${quoted(name)} ${sign} ?`].join(' AND ')})`
  })
  return { sql: `(${parts.join(' OR ')})`, values }
}

/** The values of a key, column by column. */
export function keyValues(keys: readonly Column[], key: string): unknown[] {
  if (keys.length === 1 && keys[0]!.kind !== 'bytes') {
    const number = keys[0]!.kind === 'integer' ? Number(key) : NaN
    return [Number.isSafeInteger(number) ? number : key]
  }
  return (JSON.parse(key) as Json[]).map(toSql)
}

function named(kind: ColumnKind, types: string): Record<string, ColumnKind> {
  return Object.fromEntries(types.split(' ').map((type) => [type, kind]))
}
