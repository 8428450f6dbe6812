import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Json, Row } from '@budao/model'
import { quoted } from './mariadb-connection.ts'

/**
 * How a column travels. integer: a number, or `$integer` beyond 2^53. exact, text, enum: text. float, double: a number. bytes, bit:
 * `$base64`. set: its members with commas.
 */
type ColumnKind = 'integer' | 'exact' | 'float' | 'double' | 'text' | 'enum' | 'set' | 'bytes' | 'bit'

/** A column that travels. */
export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  /** Bytes of `BINARY(n)`: the binlog leaves zeros at its end out. */
  readonly bytes: number
  /** What stands for a value of it in a comparison: a parameter, cast where its text would be compared as a DOUBLE, or not at all. */
  readonly operand: string
  /** Of an ENUM or SET, in the order in which the database sorts them; empty: it is another. */
  readonly members: readonly string[]
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
  ...named('text', 'char varchar tinytext text mediumtext longtext json date time datetime timestamp'),
  ...named('enum', 'enum'),
  ...named('set', 'set'),
  ...named('bytes', 'binary varbinary tinyblob blob mediumblob longblob'),
  ...named('bit', 'bit'),
}

const operands: Readonly<Partial<Record<ColumnKind, string>>> = { bit: 'CAST(? AS UNSIGNED)' }

/** Reads a table's columns. Throws where it cannot be replicated, with the reason. */
export async function readShape(
  connection: Connection,
  database: string,
  table: string,
): Promise<TableShape> {
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT c.COLUMN_NAME AS name, c.DATA_TYPE AS type, c.CHARACTER_OCTET_LENGTH AS bytes,
            c.COLUMN_TYPE AS whole, c.NUMERIC_PRECISION AS digits, c.NUMERIC_SCALE AS scale,
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
  for (const { name, type, whole, bytes, digits, scale, generated, key_part: part } of found) {
    // What the database computes from other columns it computes at every site.
    if (generated === 'ALWAYS') continue
    const kind = kinds[String(type)]
    if (kind === undefined) {
      throw new Error(`table ${table}, column ${name}: columns of type ${type} are not replicated`)
    }
    const operand = kind === 'exact' ? `CAST(? AS DECIMAL(${digits},${scale}))` : (operands[kind] ?? '?')
    const column: Column = {
      ...{ name: String(name), kind, operand, bytes: type === 'binary' ? Number(bytes) : 0 },
      members: kind === 'enum' || kind === 'set' ? membersOf(String(whole)) : [],
    }
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
  return columns
    .map(({ name, kind }) =>
      kind === 'float' || kind === 'double' ? `${exactly(quoted(name))} AS ${quoted(name)}` : quoted(name),
    )
    .join(', ')
}

/**
 * A FLOAT or DOUBLE as text that loses nothing. As text a FLOAT is rounded to six digits, so it is a DOUBLE; that in turn has 16
 * digits where it takes 17 to tell it from its neighbour, so what the text lacks stands behind it.
 */
function exactly(column: string): string {
  const value = `CAST(${column} AS DOUBLE)`
  return `CONCAT(${value}, IF(${value} = CAST(CAST(${value} AS CHAR) AS DOUBLE), '', CONCAT(' ', ${value} - CAST(CAST(${value} AS CHAR) AS DOUBLE))))`
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
      return typeof value === 'number'
        ? value
        : textOf(value)
            .split(' ')
            .reduce((sum, part) => sum + Number(part), 0)
    case 'set':
      return Array.isArray(value) ? value.join(',') : String(value)
    case 'bytes':
    case 'bit': {
      const buffer = Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'latin1')
      const padded =
        buffer.length < bytes ? Buffer.concat([buffer, Buffer.alloc(bytes - buffer.length)]) : buffer
      return { $base64: padded.toString('base64') }
    }
    case 'exact':
    case 'text':
    case 'enum':
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

/** What stands in quotes in the type of an ENUM or SET. */
function membersOf(type: string): string[] {
  const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0', Z: '\x1a', b: '\b' }
  return [...type.matchAll(/'((?:[^'\\]|''|\\.)*)'/gs)].map(([, text]) =>
    text!.replace(/''|\\(.)/gs, (_, escaped?: string) =>
      escaped === undefined ? "'" : (escapes[escaped] ?? escaped),
    ),
  )
}

function named(kind: ColumnKind, types: string): Record<string, ColumnKind> {
  return Object.fromEntries(types.split(' ').map((type) => [type, kind]))
}
