import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import { type ChangeEvent, type Row, SourceGapError } from '@budao/model'
import { type MariadbServer, startMariadb } from '@budao/testkit'
import { BinlogSource } from './binlog-source.ts'
import { connect, type MariadbConnection } from './mariadb-connection.ts'
import { readShape, selectList, toRow } from './table-shape.ts'

function connectionOf({ host, port, user }: MariadbServer): MariadbConnection {
  return { host, port, user, database: 'shop' }
}

async function take(source: BinlogSource, count: number): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = []
  while (events.length < count) {
    const batch = await source.next()
    events.push(...batch!.transactions.flat())
    await source.confirm(batch!.position)
  }
  return events
}

const everyType = `CREATE TABLE things (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY, small TINYINT, big BIGINT, huge BIGINT UNSIGNED, price DECIMAL(30, 10),
  f FLOAT, d DOUBLE, day DATE, at DATETIME(6), moment TIMESTAMP(3) NULL, clock TIME(2), year YEAR, name VARCHAR(50),
  latin VARCHAR(20) CHARACTER SET latin1, fixed CHAR(5), body MEDIUMTEXT, doc JSON, mood ENUM('happy, so', 'sad'),
  tags SET('a', 'b', 'c'), raw VARBINARY(20), padded BINARY(6), data LONGBLOB, flags BIT(12), nothing INT NULL,
  twice INT AS (small * 2) VIRTUAL, thrice INT AS (small * 3) STORED) DEFAULT CHARSET utf8mb4`

test('a row travels exactly, whatever its types', { timeout: 60_000 }, async (t) => {
  const server = await startMariadb(t)
  if (server === undefined) return
  const app = await connect({ ...connectionOf(server), database: 'mysql' })
  t.after(() => app.end())
  await app.query('CREATE DATABASE shop; USE shop')
  await app.query(everyType)
  const source = await BinlogSource.open({
    connection: connectionOf(server),
    site: 'east',
    tables: ['things'],
  })
  t.after(() => source.close())

  await app.query(`INSERT INTO things (id, small, big, huge, price, f, d, day, at, moment, clock, year, name, latin, fixed,
    body, doc, mood, tags, raw, padded, data, flags) VALUES
    (18446744073709551615, -128, -9223372036854775808, 18446744073709551615, '-12345678901234567890.0123456789', 0.1,
     0.1, '0001-01-01', '2026-02-28 23:59:59.000001', '2026-11-26 12:00:00.123', '-838:59:59.99', 2155, '不倒 🙂 ''"\\\\',
     'é', 'ab', repeat('x', 70000), '{"b": 1,  "a": [null, 1.50]}', 'happy, so', 'a,c', X'00FF00', X'AB0000', X'', b'101010101010'),
    (1, NULL, 0, 9007199254740993, 0, -1e-30, 1e300, NULL, NULL, NULL, '00:00:00', NULL, '', '', '', '', '[]', NULL, '',
     X'', NULL, NULL, b'0')`)
  await app.query(`UPDATE things SET name = 'now', f = 3.4028e38 WHERE id = 1`)
  await app.query('DELETE FROM things WHERE id = 1')
  await app.query('UPDATE things SET id = 2, nothing = 7')

  const events = await take(source, 6)
  assert.deepEqual(
    events.map(({ op, key }) => `${op} ${key}`),
    [
      'create 18446744073709551615',
      'create 1',
      'update 1',
      'delete 1',
      'delete 18446744073709551615',
      'create 2',
    ],
  )
  const [first, second, updated, deleted, moved, last] = events
  const expected: Row = {
    id: { $integer: '18446744073709551615' },
    small: -128,
    big: { $integer: '-9223372036854775808' },
    huge: { $integer: '18446744073709551615' },
    price: '-12345678901234567890.0123456789',
    f: Math.fround(0.1),
    d: 0.1,
    day: '0001-01-01',
    at: '2026-02-28 23:59:59.000001',
    moment: '2026-11-26 12:00:00.123',
    clock: '-838:59:59.99',
    year: 2155,
    name: `不倒 🙂 '"\\`,
    latin: 'é',
    fixed: 'ab',
    body: 'x'.repeat(70_000),
    doc: '{"b": 1,  "a": [null, 1.50]}',
    mood: 'happy, so',
    tags: 'a,c',
    raw: { $base64: 'AP8A' },
    padded: { $base64: 'qwAAAAAA' },
    data: { $base64: '' },
    flags: { $base64: 'Cqo=' },
    nothing: null,
  }
  assert.deepEqual(first!.payload, expected)
  assert.equal(first!.before, null)
  assert.equal(first!.txId, second!.txId, 'one statement is one transaction')
  assert.deepEqual(second!.payload!['huge'], { $integer: '9007199254740993' })
  assert.deepEqual(updated!.before, second!.payload)
  assert.equal(updated!.payload!['name'], 'now')
  assert.deepEqual(deleted!.before, updated!.payload)
  assert.deepEqual(moved!.before, expected)
  assert.equal(last!.payload!['nothing'], 7)
  assert.ok(updated!.seq > second!.seq && deleted!.seq > updated!.seq)

  // What a SELECT gives is the same, so that both can be compared.
  const shape = await readShape(app, 'shop', 'things')
  const [rows] = await app.query<RowDataPacket[]>(`SELECT ${selectList(shape)} FROM things`)
  assert.deepEqual(toRow(shape, rows[0]!), last!.payload)
})

test(
  'transactions stay whole, resume by GTID, leave out what others wrote, and never skip',
  { timeout: 60_000 },
  async (t) => {
    const server = await startMariadb(t, { site: 1 })
    if (server === undefined) return
    const connection = connectionOf(server)
    const app = await connect({ ...connection, database: 'mysql' })
    t.after(() => app.destroy())
    await app.query('CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY, n INT)')
    await app.query('CREATE TABLE other (id INT PRIMARY KEY)')
    const statements: string[] = []
    const open = (): Promise<BinlogSource> =>
      BinlogSource.open({
        connection,
        site: 'east',
        tables: ['orders'],
        onSchemaChange: (each) => statements.push(each),
      })
    let source = await open()
    t.after(() => source.close())

    await app.query(
      'BEGIN; INSERT INTO orders VALUES (1, 1); INSERT INTO other VALUES (1); UPDATE orders SET n = 2; COMMIT',
    )
    await app.query('BEGIN; INSERT INTO orders VALUES (2, 1); ROLLBACK')
    // An applier's write: another domain, so nobody's change of this site.
    const applier = await connect(connection, 1002)
    t.after(() => applier.destroy())
    await applier.query('INSERT INTO orders VALUES (3, 3)')
    await app.query('INSERT INTO orders VALUES (4, 4)')
    const whole = (await source.next())!
    const events = whole.transactions.flat()
    if (whole.transactions.length < 2) events.push(...(await source.next())!.transactions.flat())
    assert.deepEqual(
      events.map(({ op, key, payload, before }) => [op, key, payload!['n'], before?.['n']]),
      [
        ['create', '1', 1, undefined],
        ['update', '1', 2, 1],
        ['create', '4', 4, undefined],
      ],
    )
    assert.deepEqual(
      events.slice(0, 2).map(({ txId }) => txId),
      [events[0]!.txId, events[0]!.txId],
    )
    assert.ok(events[1]!.seq > events[0]!.seq)

    // Only what was confirmed is behind a restart.
    await source.confirm(whole.position)
    await source.close()
    await app.query('ALTER TABLE orders ADD COLUMN note VARCHAR(20)')
    await app.query(`INSERT INTO orders VALUES (5, 5, 'new')`)
    source = await open()
    const again = await take(source, 1)
    const fresh = again.at(-1)!.key === '5' ? again : [...again, ...(await take(source, 1))]
    assert.deepEqual(fresh.at(-1)!.payload, { id: 5, n: 5, note: 'new' })
    assert.ok(fresh.at(-1)!.hlc > events[2]!.hlc)
    assert.match(statements.join(';'), /ALTER TABLE orders/)

    // The server dies and comes back: the stream goes on by itself. The epoch is that of its place in the binlog.
    await app.query(`INSERT INTO budao_epochs VALUES ('', 7)`)
    await server.process.kill()
    await server.restart()
    const later = await connect(connection)
    t.after(() => later.destroy())
    await later.query(`INSERT INTO orders VALUES (6, 6, NULL)`)
    const [sixth] = await take(source, 1)
    assert.equal(sixth!.key, '6')
    assert.equal(sixth!.epoch, 7)
    await source.close()

    // What is behind the position is purged unread: it says so instead of going on.
    await later.query(
      `INSERT INTO orders VALUES (7, 7, NULL); FLUSH BINARY LOGS; INSERT INTO orders VALUES (8, 8, NULL)`,
    )
    const [[last]] = (await later.query('SHOW MASTER STATUS')) as unknown as [[{ File: string }]]
    await later.query('FLUSH BINARY LOGS')
    await later.query(`PURGE BINARY LOGS TO '${last.File}'`)
    source = await open()
    await assert.rejects(source.next(), (error) => {
      assert.ok(error instanceof SourceGapError)
      assert.match(error.message, /fill each other site from this one/)
      return true
    })

    // A server with another history: what it numbers is not what was read.
    await source.close()
    await later.query('RESET MASTER; INSERT INTO orders VALUES (9, 9, NULL)')
    source = await open()
    await assert.rejects(source.next(), SourceGapError)
    // A person accepts that: what is written from then on arrives.
    await source.beginAnew()
    await later.query('INSERT INTO orders VALUES (10, 10, NULL)')
    assert.equal((await take(source, 1))[0]!.key, '10')
  },
)
