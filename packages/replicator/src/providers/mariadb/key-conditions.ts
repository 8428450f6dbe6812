import type { Json } from '@budao/model'
import { quoted } from './mariadb-connection.ts'
import { type Column, type SqlValue, type TableShape, textOf, toSql } from './table-shape.ts'

/** A part of a WHERE, with its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: unknown[]
}

/** A condition that holds for the rows of these keys, by the index of the primary key. */
export function keyCondition({ keys }: TableShape, wanted: readonly string[]): Condition {
  const parts = wanted.map((key) =>
    keyValues(keys, key).map((value, index) => operandOf(keys[index]!, value)),
  )
  const [only] = keys
  if (keys.length === 1) {
    return {
      sql: `${quoted(only!.name)} IN (${parts.map(() => only!.operand).join(', ')})`,
      values: parts.flat(),
    }
  }
  const one = `(${keys.map(({ name, operand }) => `${quoted(name)} = ${operand}`).join(' AND ')})`
  return { sql: parts.map(() => one).join(' OR '), values: parts.flat() }
}

/** Rows behind one key, up to another, in the order of the primary key. */
export function rangeOf(
  { keys }: TableShape,
  after: readonly unknown[] | null,
  upTo: readonly unknown[] | null,
): Condition {
  const [above, below] = [bound(keys, after, '>'), bound(keys, upTo, '<=')]
  return { sql: `${above.sql} AND ${below.sql}`, values: [...above.values, ...below.values] }
}

function bound(keys: readonly Column[], at: readonly unknown[] | null, operator: '>' | '<='): Condition {
  if (at === null) return { sql: 'TRUE', values: [] }
  // (a, b) > (x, y), written out: only so it is a range of the index.
  const parts = keys.map((column, last): Condition => {
    const equal = keys.slice(0, last).map(({ name, operand }) => `${quoted(name)} = ${operand}`)
    const sign = operator === '<=' && last < keys.length - 1 ? '<' : operator
    const beyond = sideOf(column, at[last], sign)
    const values = keys.slice(0, last).map((key, index) => operandOf(key, at[index]))
    return { sql: `(${[...equal, beyond.sql].join(' AND ')})`, values: [...values, ...beyond.values] }
  })
  return {
    sql: `(${parts.map(({ sql }) => sql).join(' OR ')})`,
    values: parts.flatMap(({ values }) => values),
  }
}

/** What is on one side of a value, as the database sorts: an ENUM and a SET by their numbers, though they are compared as text. */
function sideOf(column: Column, value: unknown, sign: '>' | '<' | '<='): Condition {
  const { name, kind, members, operand } = column
  if (kind === 'enum') {
    // Before the first one: what was no member when it was written.
    const all = members.includes('') ? members : ['', ...members]
    const at = all.indexOf(textOf(value as SqlValue))
    const found = sign === '>' ? all.slice(at + 1) : all.slice(0, sign === '<' ? at : at + 1)
    if (found.length === 0) return { sql: 'FALSE', values: [] }
    return { sql: `${quoted(name)} IN (${found.map(() => '?').join(', ')})`, values: found }
  }
  if (kind === 'set') {
    const set = new Set(textOf(value as SqlValue).split(','))
    const number = members.reduce((sum, each, bit) => (set.has(each) ? sum | (1n << BigInt(bit)) : sum), 0n)
    return { sql: `${quoted(name)} ${sign} CAST(? AS UNSIGNED)`, values: [String(number)] }
  }
  return { sql: `${quoted(name)} ${sign} ${operand}`, values: [operandOf(column, value)] }
}

/** The parameter of a comparison. Throws where it cannot be a value of the column. */
function operandOf({ kind }: Column, value: unknown): unknown {
  // Among numbers text would be compared as a DOUBLE.
  if (kind === 'integer' && typeof value === 'string') return BigInt(value)
  if (kind === 'bit') return String(BigInt(`0x${(value as Buffer).toString('hex')}`))
  return value
}

/** The values of a key, column by column. */
export function keyValues(keys: readonly Column[], key: string): unknown[] {
  if (keys.length === 1 && keys[0]!.kind !== 'bytes' && keys[0]!.kind !== 'bit') {
    const number = keys[0]!.kind === 'integer' ? Number(key) : NaN
    return [Number.isSafeInteger(number) ? number : key]
  }
  return (JSON.parse(key) as Json[]).map(toSql)
}
