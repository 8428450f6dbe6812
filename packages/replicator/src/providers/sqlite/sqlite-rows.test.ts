import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Row } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { openSqlite } from './sqlite-schema.ts'
import { SqliteRows } from './sqlite-rows.ts'

const beyond = 2n ** 53n
const integer = (n: bigint): { readonly $integer: string } => ({ $integer: String(beyond + n) })
const bytes = (n: number): { readonly $base64: string } => ({
  $base64: Buffer.from([n & 255, n >> 8, 0]).toString('base64'),
})

/** Columns of a primary key, and the values of its n-th row. */
const keys: Readonly<Record<string, readonly [columns: string, values: (n: number) => Row]>> = {
  whole: ['id INTEGER PRIMARY KEY', (n) => ({ id: n - 50 })],
  large: ['id INTEGER PRIMARY KEY', (n) => ({ id: integer(BigInt(n)) })],
  real: ['id REAL PRIMARY KEY', (n) => ({ id: n / 7 })],
  text: ['id TEXT PRIMARY KEY', (n) => ({ id: n % 2 === 0 ? `k${n}` : String(n) })],
  bytes: ['id BLOB PRIMARY KEY', (n) => ({ id: bytes(n) })],
  nocase: ['id TEXT COLLATE NOCASE PRIMARY KEY', (n) => ({ id: `${n % 2 === 0 ? 'aX' : 'Ax'}${n}` })],
  pair: ['a INTEGER, b TEXT, PRIMARY KEY (a, b)', (n) => ({ a: integer(BigInt(n % 3)), b: `b${n}` })],
  mixed: ['a INTEGER, b BLOB, PRIMARY KEY (b, a)', (n) => ({ a: n, b: bytes(n % 7) })],
}

test('whatever the type of a key, pages have each row once, and a key finds and removes its own row', (t) => {
  const db = openSqlite(join(tempDir(t), 'rows.db'))
  t.after(() => db.close())
  const counted = db.prepare('UPDATE budao_state SET value = value')
  const rows = new SqliteRows(db, () => new Set())
  for (const [table, [columns, values]] of Object.entries(keys)) {
    db.exec(`CREATE TABLE ${table} (n INTEGER, ${columns})`)
    rows.prepare(table)
    const all = new Map<string, Row>()
    for (let n = 0; n < 100; n++) {
      const row = { n, ...values(n) }
      const key = rows.keyOf(table, row)
      all.set(key, row)
      rows.put(table, key, row)
      // Whatever is asked next on this connection, the driver also says which rowid was the last.
      counted.run()
    }
    const found = new Map<string, Row>()
    let [after, pages]: [string | null, number] = [null, 0]
    do {
      const page = rows.page(table, after, Infinity, null, 7)
      for (const [key, row] of page.rows) {
        assert.ok(!found.has(key), `${table}: ${key} once`)
        found.set(key, row)
      }
      after = page.next
      pages++
    } while (after !== null)
    assert.deepEqual([pages, found], [15, all], table)
    for (const [key, row] of all) assert.deepEqual(rows.get(table, key), row, table)
    const [gone] = all.keys()
    rows.put(table, gone!, null)
    assert.equal(rows.get(table, gone!), null)
    assert.equal(rows.page(table, null, Infinity).rows.length, 99, table)
  }
  assert.equal(rows.keyOf('large', { id: integer(1n) }), String(beyond + 1n))
})
