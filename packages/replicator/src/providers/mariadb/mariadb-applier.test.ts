import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { type ApplyBatch, type ChangeEvent, hlcMs, type LogEntry, nextHlc, hlcZero } from '@budao/model'
import { startMariadb, testEvent } from '@budao/testkit'
import { MariadbApplier } from './mariadb-applier.ts'
import { MariadbOutbox } from './mariadb-outbox.ts'
import { listConflicts } from './mariadb-letters.ts'
import { openMariadbDatabase } from './mariadb-database.ts'
import { connect, type MariadbConnection } from './mariadb-connection.ts'

const byEast = { rule: { name: 'owner', ownerOf: () => 'east' } } as const

interface Site {
  readonly connection: MariadbConnection
  readonly app: Connection
  readonly applier: MariadbApplier
  rows(sql: string): Promise<unknown[]>
}

async function westOf(t: TestContext, create: string, more: object = {}): Promise<Site | undefined> {
  const server = await startMariadb(t, { site: 2 })
  if (server === undefined) return undefined
  const connection = { host: server.host, port: server.port, user: server.user, database: 'shop' }
  const app = await connect({ ...connection, database: 'mysql' })
  await app.query(`CREATE DATABASE shop; USE shop; ${create}`)
  const applier = await MariadbApplier.open({
    connection,
    site: 'west',
    capture: 'binlog',
    tables: { orders: byEast, items: byEast },
    ...more,
  })
  t.after(async () => {
    await applier.close()
    app.destroy()
  })
  return {
    connection,
    app,
    applier,
    rows: async (sql) => {
      const [rows] = await app.query<RowDataPacket[]>(sql)
      return rows.map((row) => Object.values(row))
    },
  }
}

let stamp = hlcZero
function change(n: number, more: Partial<ChangeEvent>): ChangeEvent {
  stamp = nextHlc(stamp, 1_700_000_000_000)
  return testEvent(n, { hlc: stamp, before: null, txId: `t-${n}`, ...more })
}

function batch(transactions: readonly (readonly ChangeEvent[])[], from = 0): ApplyBatch {
  const entries: LogEntry[] = transactions.map((events, index) => ({ offset: from + index, events }))
  return { origin: 'east', entries, next: { logId: 'l', partition: 0, offset: from + entries.length } }
}

const tables = `CREATE TABLE orders (id INT PRIMARY KEY, n INT, code VARCHAR(20) UNIQUE, own INT NOT NULL DEFAULT 9);
  CREATE TABLE items (a INT, b VARCHAR(20), n INT, PRIMARY KEY (a, b))`

test(
  'rows, what was seen and the watermark change together; again is not twice',
  { timeout: 60_000 },
  async (t) => {
    const site = await westOf(t, tables)
    if (site === undefined) return
    const { applier } = site
    assert.equal(await applier.watermark('east', 0), null)
    const one = { id: 1, n: 1, code: 'a' }
    const all = batch([
      [
        change(1, { key: '1', payload: one }),
        change(2, { key: '[1,"x"]', table: 'items', payload: { a: 1, b: 'x', n: 5 } }),
      ],
      [change(3, { key: '2', payload: { id: 2, n: 1, code: 'b' } })],
      [change(4, { op: 'update', key: '1', before: one, payload: { ...one, n: 2 } })],
      // A unique value moves from a row that goes to one that comes.
      [change(5, { op: 'delete', key: '2', before: { id: 2, n: 1, code: 'b' }, payload: null })],
      [change(6, { key: '3', payload: { id: 3, n: 3, code: 'b' } })],
    ])
    assert.deepEqual(await applier.apply(all), { applied: 6, duplicates: 0, conflicts: 0, parked: [] })
    assert.deepEqual(await site.rows('SELECT * FROM orders'), [
      [1, 2, 'a', 9],
      [3, 3, 'b', 9],
    ])
    assert.deepEqual(await site.rows('SELECT * FROM items'), [[1, 'x', 5]])
    assert.deepEqual(await applier.watermark('east', 0), all.next)
    // Given again from the same place of the log, or written twice into it.
    assert.equal((await applier.apply(all)).duplicates, 6)
    const repeated = {
      ...all,
      next: { ...all.next, offset: 10 },
      entries: [{ ...all.entries[2]!, offset: 9 }],
    }
    assert.deepEqual(await applier.apply(repeated), { applied: 0, duplicates: 1, conflicts: 0, parked: [] })
    assert.deepEqual(await site.rows('SELECT n FROM orders WHERE id = 1'), [[2]])
    // Another domain than the site's own: its source leaves all of this out.
    const [position] = await site.rows('SELECT @@gtid_binlog_pos')
    assert.match(String(position), /1002-2-\d+/)
  },
)

test(
  'what cannot be applied waits with its key and its transaction, and says why',
  { timeout: 60_000 },
  async (t) => {
    const site = await westOf(t, tables)
    if (site === undefined) return
    const { applier, app } = site
    await app.query("INSERT INTO orders VALUES (50, 1, 'taken', 1)")
    await app.query("INSERT INTO budao_epochs VALUES ('east', 2)")
    const fresh = (n: number, more: Partial<ChangeEvent>): ChangeEvent => change(n, { epoch: 2, ...more })
    const far = nextHlc(hlcZero, Date.now() + 600_000)
    const result = await applier.apply(
      batch([
        [
          fresh(1, { key: '1', payload: { id: 1, n: 1, code: 'taken' } }),
          fresh(2, { key: '2', payload: { id: 2 }, txId: 't-1' }),
        ],
        [fresh(3, { key: '3', payload: { id: 3, n: 3, code: 'c' } })],
        [fresh(4, { key: '1', op: 'update', payload: { id: 1, n: 2, code: 'free' } })],
        [change(5, { key: '5', payload: { id: 5, n: 5 } })],
        [fresh(6, { key: '6', payload: { id: 6, n: 6 }, hlc: far })],
        [fresh(7, { key: '7', table: 'nowhere', payload: { id: 7 } })],
        [fresh(8, { key: 'x', table: 'items', payload: { a: 1, b: 'x' } })],
        [fresh(9, { key: '[1,"y"]', table: 'items', payload: { a: 1, b: 'y', extra: 1 } })],
        [fresh(10, { key: '[1,"z"]', table: 'items', payload: { a: 1, b: 'z' } })],
        [fresh(11, { key: '11', payload: { id: 11, n: 'no number' } })],
        [fresh(12, { key: '12', payload: { id: 12, n: 12 } })],
      ]),
    )
    assert.equal(result.applied, 2)
    assert.deepEqual(await site.rows('SELECT id FROM orders ORDER BY id'), [[3], [12], [50]])
    const letters = await site.rows('SELECT tbl, row_key, reason FROM budao_dead_letters ORDER BY id')
    assert.deepEqual(letters, [
      ['orders', '1', 'database-refuses'],
      ['orders', '2', 'behind-parked'],
      ['orders', '1', 'behind-parked'],
      ['orders', '5', 'old-epoch'],
      ['orders', '6', 'clock-ahead'],
      ['nowhere', '7', 'unknown-table'],
      ['items', 'x', 'database-refuses'],
      ['items', '[1,"y"]', 'schema-breaks'],
      ['items', '[1,"z"]', 'table-paused'],
      ['orders', '11', 'database-refuses'],
    ])
    const [[detail]] = (await site.rows(
      "SELECT detail FROM budao_dead_letters WHERE row_key = '1' LIMIT 1",
    )) as [[string]]
    assert.match(detail, /Duplicate entry 'taken'/)
    assert.ok(hlcMs(far) > Date.now())
    // The column is added here too: what waited for it goes on, in its order.
    await site.app.query('ALTER TABLE items ADD COLUMN extra INT')
    assert.deepEqual((await applier.retry({ table: 'items', key: '[1,"y"]' })).applied, 1)
    assert.deepEqual((await applier.retry({ table: 'items', key: '[1,"z"]' })).applied, 1)
    assert.deepEqual(await site.rows('SELECT b, extra FROM items WHERE a = 1 ORDER BY b DESC LIMIT 2'), [
      ['z', null],
      ['y', 1],
    ])
  },
)

test(
  'a row that this site changed against its owner is put right, and both are kept',
  { timeout: 60_000 },
  async (t) => {
    const site = await westOf(t, tables)
    if (site === undefined) return
    const { applier, app } = site
    const row = { id: 1, n: 1, code: 'a' }
    await applier.apply(batch([[change(1, { key: '1', payload: row })]]))
    await app.query('UPDATE orders SET n = 77')
    const late = change(2, { op: 'update', key: '1', before: row, payload: { ...row, n: 2 } })
    assert.equal((await applier.apply(batch([[late]], 1))).conflicts, 1)
    assert.deepEqual(await site.rows('SELECT n, own FROM orders'), [[2, 9]])
    const [conflict] = await listConflicts(app, 0, 10)
    assert.deepEqual(conflict!.local, { ...row, n: 77 })
    assert.equal(conflict!.winner, 'remote')
    assert.equal(conflict!.remote.id, late.id)
  },
)

test('a DOUBLE of which the text of the server lacks a digit is what was applied, not what somebody wrote since', async (t) => {
  const create =
    'CREATE TABLE orders (id INT PRIMARY KEY, n DOUBLE, f FLOAT); CREATE TABLE items (id INT PRIMARY KEY)'
  const site = await westOf(t, create)
  if (site === undefined) return
  // To the server 632 / 7 is 90.28571428571428, which is the number before it.
  const row = { id: 1, n: 632 / 7, f: Math.fround(64 / 7) }
  const written = await site.applier.apply(batch([[change(1, { key: '1', payload: row })]]))
  assert.deepEqual([written.applied, written.conflicts], [1, 0])
  const more = { op: 'update', key: '1', before: row, payload: { ...row, n: 1 } } as const
  const updated = await site.applier.apply(batch([[change(2, more)]], 1))
  assert.deepEqual([updated.applied, updated.conflicts, updated.parked], [1, 0, []])
})

test('by the outbox both sites write one row, and both end with the same', { timeout: 60_000 }, async (t) => {
  const servers = await Promise.all([startMariadb(t, { site: 1 }), startMariadb(t, { site: 2 })])
  const rule = { name: 'crdt', columns: { stock: 'counter' } } as const
  const sites = []
  for (const [index, server] of servers.entries()) {
    if (server === undefined) return
    const connection = { host: server.host, port: server.port, user: server.user, database: 'shop' }
    const app = await connect({ ...connection, database: 'mysql' })
    await app.query(`CREATE DATABASE shop; USE shop;
      CREATE TABLE goods (id INT PRIMARY KEY, name VARCHAR(20), stock INT NOT NULL);
      CREATE TABLE audit (n INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20))`)
    const site = ['east', 'west'][index]!
    const options = { connection, site, tables: { goods: { rule } }, capture: 'outbox' } as const
    const database = await openMariadbDatabase(options)
    const outbox = await MariadbOutbox.open(options)
    t.after(async () => {
      await outbox.close()
      await database.close()
      app.destroy()
    })
    sites.push({ site, app, database, outbox })
  }
  const [east, west] = sites as [(typeof sites)[0], (typeof sites)[0]]
  const carry = async (from: typeof east, to: typeof east, offset: number): Promise<ChangeEvent[]> => {
    const { transactions, position, refused } = (await from.database.source.next())!
    assert.equal(refused, undefined)
    await from.database.source.confirm(position)
    const entries = transactions.map((events, index) => ({ offset: offset + index, events }))
    const next = { logId: 'l', partition: 0, offset: offset + entries.length }
    await to.database.applier.apply({ origin: from.site, entries, next })
    return transactions.flat()
  }

  // The application's own statement and the event are one transaction: both, or neither.
  await assert.rejects(
    east.outbox.transaction(async ({ connection, write }) => {
      await connection.query("INSERT INTO audit (what) VALUES ('gone')")
      await write({ id: 'never', op: 'create', table: 'goods', payload: { id: 9, name: 'x', stock: 1 } })
      throw new Error('changed my mind')
    }),
    /changed my mind/,
  )
  await east.outbox.transaction(async ({ connection, write }) => {
    await connection.query("INSERT INTO audit (what) VALUES ('kept')")
    assert.ok(
      await write({ id: 'a', op: 'create', table: 'goods', payload: { id: 1, name: 'tea', stock: 10 } }),
    )
    assert.equal(
      await write({ id: 'a', op: 'create', table: 'goods', payload: { id: 1, name: 'tea', stock: 99 } }),
      null,
    )
  })
  assert.deepEqual(
    (await carry(east, west, 0)).map(({ id }) => id),
    ['a'],
  )
  // Each without knowing of the other: both counts are in afterwards, and the later name.
  await east.database.write!([{ id: 'b', op: 'update', table: 'goods', payload: { id: 1, stock: 7 } }])
  await west.database.write!([
    { id: 'c', op: 'update', table: 'goods', payload: { id: 1, stock: 8, name: 'green tea' } },
  ])
  await east.database.beat({ n: 5, at: 1 })
  await carry(west, east, 0)
  await carry(east, west, 1)
  for (const { app } of sites) {
    const [rows] = await app.query<RowDataPacket[]>('SELECT * FROM goods')
    assert.deepEqual(
      rows.map((row) => Object.values(row)),
      [[1, 'green tea', 5]],
    )
  }
  const [[audit]] = await east.app.query<RowDataPacket[]>('SELECT GROUP_CONCAT(what) AS what FROM audit')
  assert.equal(audit!['what'], 'kept')
  const [[left]] = await east.app.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM budao_outbox')
  assert.equal(Number(left!['n']), 0)
  // A conflict can be taken back: the row that lost is written as a change of now.
  const [conflict] = await east.database.conflicts.list(0, 10)
  assert.equal(conflict!.winner, 'merged')
  assert.ok(await east.database.conflicts.undo(conflict!.id))
  assert.equal(await east.database.conflicts.undo(conflict!.id), null)
})
