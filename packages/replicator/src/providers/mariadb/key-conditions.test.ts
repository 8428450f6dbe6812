import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import type { ChangeEvent } from '@budao/model'
import { startMariadb, testEvent } from '@budao/testkit'
import type { KeptRow } from '../../snapshot/snapshot.ts'
import { connect } from './mariadb-connection.ts'
import { openMariadbDatabase } from './mariadb-database.ts'

/** More than a page has, so that the next one begins behind a key. */
const rowsEach = 450
const beyond = 9007199254740992n

/** Columns of a primary key, and the values of its n-th row. */
const keys: Readonly<Record<string, readonly [columns: string, values: (n: number) => unknown[]]>> = {
  whole: ['id INT PRIMARY KEY', (n) => [n - 200]],
  large: ['id BIGINT PRIMARY KEY', (n) => [n % 2 === 0 ? n : String(beyond + BigInt(n))]],
  unsigned: ['id BIGINT UNSIGNED PRIMARY KEY', (n) => [String(2n ** 64n - 1n - BigInt(n))]],
  exact: ['id DECIMAL(30,2) PRIMARY KEY', (n) => [`${10n ** 27n + BigInt(n)}.50`]],
  double: ['id DOUBLE PRIMARY KEY', (n) => [n / 7 - 9]],
  float: ['id FLOAT PRIMARY KEY', (n) => [n / 7 - 9]],
  enum: [
    String.raw`e ENUM('b','a','it''s','x,y','b\\s'), id INT, PRIMARY KEY (e, id)`,
    (n) => [['b', 'a', "it's", 'x,y', 'b\\s'][n % 5], n],
  ],
  set: ["e SET('b','a','c'), id INT, PRIMARY KEY (e, id)", (n) => [['b', 'a', 'c', 'b,a', ''][n % 5], n]],
  bit: ['id BIT(16) PRIMARY KEY', (n) => [Buffer.from([n >> 8, n & 255])]],
  bytes: ['id VARBINARY(9) PRIMARY KEY', (n) => [Buffer.from([n & 255, n >> 8, 0])]],
  padded: ['id BINARY(4) PRIMARY KEY', (n) => [Buffer.from([n & 255, n >> 8, 0, 0])]],
  text: [
    'id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY',
    (n) => [`${n % 2 === 0 ? 'aÄ' : 'Bé'}${n}`],
  ],
  time: [
    'id TIME(3) PRIMARY KEY',
    (n) => [`${n % 2 === 0 ? '-' : ''}03:04:05.${String(n).padStart(3, '0')}`],
  ],
  mixed: [
    'a BIGINT, b VARBINARY(5), c DECIMAL(30,0), PRIMARY KEY (a, b, c)',
    (n) => [String(beyond + BigInt(n % 3)), Buffer.from([n % 7]), String(10n ** 27n + BigInt(n))],
  ],
}
const tables = Object.fromEntries(
  Object.keys(keys).map((name) => [`t_${name}`, { rule: { name: 'owner', ownerOf: () => 'west' } } as const]),
)

test(
  'whatever the type of a key, pages have each row once, keys find their own rows, and nothing else goes with them',
  { timeout: 120_000 },
  async (t) => {
    const server = await startMariadb(t)
    if (server === undefined) return
    const connection = { host: server.host, port: server.port, user: server.user, database: 'shop' }
    const app = await connect({ ...connection, database: 'mysql' })
    t.after(() => app.destroy())
    await app.query('CREATE DATABASE shop; USE shop')
    for (const [name, [columns, values]] of Object.entries(keys)) {
      await app.query(`CREATE TABLE t_${name} (${columns}, n INT)`)
      const rows = Array.from({ length: rowsEach }, (_, n) => [...values(n), n])
      await app.query(`INSERT INTO t_${name} VALUES ?`, [rows])
    }
    // Opened behind all that was written: its source has given no stamp to anything yet.
    const database = await openMariadbDatabase({ connection, site: 'east', tables, capture: 'binlog' })
    t.after(() => database.close())
    const { snapshots, applier } = database
    let offset = 0
    for (const table of Object.keys(tables)) {
      const found: KeptRow[] = []
      for await (const { rows } of snapshots.pages(table, null)) found.push(...rows)
      const numbers = found.map(({ row }) => Number(row!['n']))
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: rowsEach }, (_, n) => n),
        table,
      )
      assert.deepEqual(await snapshots.rowsOf(found), found, table)
      const gone = [found[3]!, found[5]!, found[400]!]
      const events = gone.map(({ key, row }, index): ChangeEvent => {
        const more = { origin: 'west', txId: table, table, key, op: 'delete', payload: null } as const
        return testEvent(offset * 10 + index, { ...more, before: row })
      })
      const next = { logId: 'l', partition: 0, offset: offset + 1 }
      const done = await applier.apply({ origin: 'west', entries: [{ offset: offset++, events }], next })
      assert.equal(done.applied, gone.length, table)
      const [left] = await app.query<RowDataPacket[]>(`SELECT n FROM ${table}`)
      const expected = new Set(numbers)
      for (const { row } of gone) expected.delete(Number(row!['n']))
      assert.deepEqual(new Set(left.map(({ n }) => Number(n))), expected, table)
    }
  },
)
