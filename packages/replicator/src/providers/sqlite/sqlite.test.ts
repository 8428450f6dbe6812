import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ApplyResult, ChangeEvent, LogEntry, MergeRule } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { sealed } from '../../event-hash.ts'
import { readTransaction } from '../../log/entry-text.ts'
import type { SiteDatabase } from '../../site-database.ts'
import { SqliteOutbox, WriteRefusedError } from './sqlite-outbox.ts'
import { openSqliteDatabase } from './sqlite-database.ts'
import { openSqlite } from './sqlite-schema.ts'

const start = 1_700_000_000_000
const tables = {
  orders: { rule: { name: 'last-writer' } },
  stock: { rule: { name: 'crdt', columns: { n: 'counter', tags: 'set' } } },
  users: { rule: { name: 'owner', ownerOf: () => 'west' } },
  notes: { rule: { name: 'park' } },
  events: { rule: { name: 'fields' } },
} as const satisfies Record<string, { rule: MergeRule }>

/** A site: its database file, and what moves changes to and from it without a log. */
class Site {
  readonly name: string
  readonly path: string
  readonly db: SiteDatabase
  now = start
  next = 0

  constructor(t: TestContext, name: string) {
    this.name = name
    this.path = join(tempDir(t), `${name}.db`)
    const plain = new DatabaseSync(this.path)
    plain.exec(`CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER NOT NULL CHECK (total >= 0), note TEXT);
      CREATE TABLE stock (id INTEGER PRIMARY KEY, n INTEGER, tags TEXT);
      CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT);
      CREATE TABLE notes (id TEXT, page INTEGER, body TEXT, PRIMARY KEY (id, page))`)
    plain.close()
    this.db = openSqliteDatabase({ path: this.path, site: name, tables, now: () => this.now++ })
    t.after(() => this.db.close())
  }

  async write(
    table: string,
    op: ChangeEvent['op'],
    payload: ChangeEvent['payload'],
    more = {},
  ): Promise<ChangeEvent> {
    const [event] = await this.db.write!([{ id: `${this.name}-${this.next++}`, op, table, payload, ...more }])
    return event!
  }

  async apply(origin: string, ...events: (readonly ChangeEvent[])[]): Promise<ApplyResult> {
    const at = (await this.db.applier.watermark(origin, 0))?.offset ?? 0
    const entries: LogEntry[] = events.map((each, i) => ({ offset: at + i, events: each }))
    return this.db.applier.apply({
      origin,
      entries,
      next: { logId: 'log', partition: 0, offset: at + events.length },
    })
  }

  rows(sql: string): unknown[] {
    const db = openSqlite(this.path)
    try {
      return db
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }))
    } finally {
      db.close()
    }
  }
}

test('a row and its event are there together, or neither; transactions arrive whole', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const db = openSqlite(east.path)
  t.after(() => db.close())
  const outbox = new SqliteOutbox({ db, site: 'east', tables, now: () => east.now++ })
  const failed = (): void =>
    outbox.transaction(() => {
      outbox.write({ id: 'a', op: 'create', table: 'orders', payload: { id: 'o1', total: 1 } })
      throw new Error('no')
    })
  assert.throws(failed, /no/)
  outbox.transaction(() => {
    outbox.write({ id: 'a', op: 'create', table: 'orders', payload: { id: 'o1', total: 1 } })
    // The application's own statement, and its event.
    db.exec("INSERT INTO notes VALUES ('n', 2, 'text')")
    outbox.record({ table: 'notes', op: 'create', row: { id: 'n', page: 2, body: 'text' }, before: null })
  })
  assert.equal(
    outbox.write({ id: 'a', op: 'create', table: 'orders', payload: { id: 'o1', total: 9 } }),
    null,
  )
  const batch = (await east.db.source.next())!
  assert.deepEqual(
    batch.transactions.map((each) => each.map(({ table, key }) => `${table} ${key}`)),
    [['orders o1', 'notes ["n",2]']],
  )
  assert.deepEqual((await west.apply('east', ...batch.transactions)).applied, 2)
  assert.deepEqual(west.rows('SELECT * FROM orders'), [{ id: 'o1', total: 1, note: null }])
  assert.deepEqual(west.rows('SELECT * FROM notes'), [{ id: 'n', page: 2, body: 'text' }])
  await east.db.source.confirm(batch.position)
  assert.deepEqual(await east.db.backlog(), { events: 0, percent: 0 })
})

test('what comes again changes nothing, and the watermark says where to go on', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const event = await east.write('stock', 'create', { id: 1, n: 5, tags: ['a'] })
  assert.equal((await west.apply('east', [event])).applied, 1)
  assert.deepEqual(await west.apply('east', [event], [event]), {
    applied: 0,
    duplicates: 2,
    conflicts: 0,
    parked: [],
  })
  assert.deepEqual(west.rows('SELECT * FROM stock'), [{ id: 1, n: 5, tags: '["a"]' }])
  assert.deepEqual(await west.db.applier.watermark('east', 0), { logId: 'log', partition: 0, offset: 3 })
  assert.equal(await west.db.applier.watermark('north', 0), null)
})

test('both sites add to one counter and one set; both agree', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  await west.apply('east', [await east.write('stock', 'create', { id: 1, n: 5, tags: ['a'] })])
  const e = await east.write('stock', 'update', { id: 1, n: 4, tags: ['a', 'e'] })
  const w = await west.write('stock', 'update', { id: 1, n: 8, tags: ['w'] })
  await east.apply('west', [w])
  await west.apply('east', [e])
  for (const site of [east, west]) {
    assert.deepEqual(site.rows('SELECT * FROM stock'), [{ id: 1, n: 7, tags: '["e","w"]' }])
  }
})

test('the same row written 1 000 times at both sites under a partition is equal afterwards, each conflict counted', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const write = async (site: Site): Promise<ChangeEvent[]> => {
    const drafts = Array.from({ length: 1000 }, (_, n) => ({
      id: `${site.name}-bulk-${n}`,
      op: n === 0 ? ('create' as const) : ('update' as const),
      table: 'orders',
      payload: { id: 'o', total: n, note: site.name },
    }))
    return (await site.db.write!(drafts)) as ChangeEvent[]
  }
  const [e, w] = [await write(east), await write(west)]
  assert.equal((await west.apply('east', e)).conflicts, 1000)
  assert.equal((await east.apply('west', w)).conflicts, 1000)
  assert.deepEqual(east.rows('SELECT * FROM orders'), west.rows('SELECT * FROM orders'))
  // A change that knows of both is no conflict.
  assert.equal(
    (await west.apply('east', [await east.write('orders', 'update', { id: 'o', total: 7 })])).conflicts,
    0,
  )
  assert.deepEqual(west.rows('SELECT total FROM orders'), [{ total: 7 }])
})

test('a conflict can be undone: the row that lost stands at both sites', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const e = await east.write('orders', 'create', { id: 'o', total: 1, note: 'e' })
  west.now += 100
  const w = await west.write('orders', 'create', { id: 'o', total: 2, note: 'w' })
  await east.apply('west', [w])
  await west.apply('east', [e])
  assert.equal(await east.db.conflicts.count(), 1)
  const [conflict] = await east.db.conflicts.list(0, 10)
  const { winner, rule, local, remote } = conflict!
  assert.deepEqual(
    [winner, rule, local, remote.id],
    ['remote', 'last-writer', { id: 'o', total: 1, note: 'e' }, w.id],
  )
  const undo = await east.db.conflicts.undo(conflict!.id)
  assert.equal(await east.db.conflicts.undo(conflict!.id), null)
  await west.apply('east', [undo!])
  for (const site of [east, west]) {
    assert.deepEqual(site.rows('SELECT total FROM orders'), [{ total: 1 }])
  }
})

test('what the database refuses parks its key and its transaction; others flow; retry keeps the order', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const events = [
    await east.write('orders', 'create', { id: 'good', total: 1 }),
    await east.write('orders', 'create', { id: 'bad', total: 1 }),
    await east.write('orders', 'update', { id: 'bad', total: 2 }),
    await east.write('orders', 'update', { id: 'good', total: 3 }),
  ]
  const poison = sealed({ ...events[1]!, payload: { id: 'bad', total: -1 } })
  const mates = sealed({
    ...events[2]!,
    id: 'mate',
    key: 'mate',
    txId: events[2]!.txId,
    payload: { id: 'mate', total: 1 },
  })
  const result = await west.apply('east', [events[0]!], [poison], [events[2]!, mates], [events[3]!])
  assert.deepEqual(result.parked, ['database-refuses', 'behind-parked', 'behind-parked'])
  assert.deepEqual(west.rows('SELECT id, total FROM orders'), [{ id: 'good', total: 3 }])
  const letters = await west.db.letters.list(0, 10)
  assert.match(letters[0]!.detail, /CHECK constraint failed/)
  // In vain while the first cannot be applied; then it is given up, and the rest goes in order.
  assert.deepEqual(await west.db.letters.retry(), { applied: 0, left: 3 })
  assert.equal((await west.db.letters.list(0, 1))[0]!.attempts, 2)
  assert.equal(await west.db.letters.drop(letters[0]!.id), true)
  assert.equal(await west.db.letters.drop(letters[0]!.id), false)
  assert.deepEqual(await west.db.letters.retry({ table: 'orders', key: 'bad' }), { applied: 1, left: 1 })
  assert.deepEqual(await west.db.letters.retry(), { applied: 1, left: 0 })
  assert.equal(west.rows('SELECT id FROM orders').length, 3)
})

test('a clock ten minutes ahead is parked until it is not ahead, an old epoch for good', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  east.now += 600_000
  const ahead = await east.write('orders', 'create', { id: 'o', total: 1 })
  assert.deepEqual((await west.apply('east', [ahead])).parked, ['clock-ahead'])
  const own = await west.write('orders', 'create', { id: 'o', total: 2 })
  assert.ok(own.hlc < ahead.hlc, 'the clock here does not follow')
  west.now += 600_000
  assert.deepEqual(await west.db.letters.retry(), { applied: 1, left: 0 })
  await west.db.fence('east', 2)
  assert.deepEqual(
    (await west.apply('east', [await east.write('orders', 'create', { id: 'p', total: 1 })])).parked,
    ['old-epoch'],
  )
  await east.db.fence('east', 2)
  await assert.rejects(east.write('orders', 'create', { id: 'q', total: 1 }), { code: 'fenced' })
  await east.db.claim(2)
  assert.deepEqual(
    (await west.apply('east', [await east.write('orders', 'create', { id: 'q', total: 1 })])).parked,
    [],
  )
})

test('a new column arrives with its column; a breaking change pauses its table alone, until it is resumed', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const plain = openSqlite(east.path)
  plain.exec('ALTER TABLE orders ADD COLUMN gift TEXT')
  plain.close()
  await west.apply('east', [await east.write('orders', 'create', { id: 'o', total: 1, gift: '不倒翁' })])
  assert.deepEqual(west.rows('SELECT gift FROM orders'), [{ gift: '不倒翁' }])
  const breaking = await east.write('orders', 'update', { id: 'o', total: 2 }, { schemaVersion: 2 })
  const after = await east.write('orders', 'create', { id: 'p', total: 1 })
  const other = await east.write('stock', 'create', { id: 1, n: 1, tags: [] })
  assert.deepEqual((await west.apply('east', [breaking], [after], [other])).parked, [
    'schema-breaks',
    'table-paused',
  ])
  assert.deepEqual([...west.db.paused().keys()], ['orders'])
  assert.equal(west.rows('SELECT * FROM stock').length, 1)
  await west.db.close()
  const raised = { ...tables, orders: { ...tables.orders, schemaVersion: 2 } }
  const reopened = openSqliteDatabase({
    path: west.path,
    site: 'west',
    tables: raised,
    now: () => west.now++,
  })
  assert.deepEqual(await reopened.letters.retry(), { applied: 2, left: 0 })
  assert.equal(reopened.paused().size, 0)
  await reopened.close()
})

test('who does not own a row is refused; a row of documents needs no table; unknown tables are refused', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  await east.apply('west', [await west.write('users', 'create', { id: 'u', name: 'w' })])
  await assert.rejects(east.write('users', 'update', { id: 'u', name: 'e' }), (error) => {
    assert.ok(error instanceof WriteRefusedError)
    assert.match(error.message, /expected the write at west, which owns it/)
    return error.code === 'not-owner'
  })
  const [plain] = await east.db.write!([{ id: 'e-1', op: 'create', payload: { id: 7, any: { thing: [1] } } }])
  await west.apply('east', [plain!])
  assert.deepEqual(west.rows('SELECT * FROM events'), [{ key: '7', payload: '{"id":7,"any":{"thing":[1]}}' }])
  await assert.rejects(east.write('nothing', 'create', { id: 1 }), { code: 'unknown-table' })
})

test('two changes that do not know of each other wait for a person, who lets one stand everywhere', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const e = await east.write('notes', 'create', { id: 'n', page: 1, body: 'e' })
  const w = await west.write('notes', 'create', { id: 'n', page: 1, body: 'w' })
  assert.deepEqual((await west.apply('east', [e])).parked, ['conflict-parked'])
  assert.deepEqual((await east.apply('west', [w])).parked, ['conflict-parked'])
  for (const site of [east, west]) await site.db.letters.drop((await site.db.letters.list(0, 1))[0]!.id)
  const chosen = await east.write('notes', 'update', { id: 'n', page: 1, body: 'e' })
  assert.equal((await west.apply('east', [chosen])).applied, 1)
  assert.deepEqual(west.rows('SELECT body FROM notes'), [{ body: 'e' }])
})

test('the outbox has an end', async (t) => {
  const db = new DatabaseSync(join(tempDir(t), 'small.db'))
  t.after(() => db.close())
  const outbox = new SqliteOutbox({ db, site: 'east', tables: { events: tables.events }, eventsMax: 2 })
  for (const id of ['1', '2']) outbox.write({ id, op: 'create', payload: { id } })
  assert.throws(() => outbox.write({ id: '3', op: 'create', payload: { id: '3' } }), { code: 'outbox-full' })
})

test('writes of many callers share a commit; each is a transaction of its own and is refused alone', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const write = (id: string, total: number, more = {}): Promise<unknown> =>
    east.db.write!([
      { id: `${id}-1`, op: 'create', table: 'orders', payload: { id: `${id}-1`, total: 1 } },
      { id: `${id}-2`, op: 'create', table: 'orders', payload: { id: `${id}-2`, total }, ...more },
    ])
  const outcomes = await Promise.allSettled([
    write('a', 2),
    write('b', -1),
    write('c', 3),
    write('d', 4, { table: 'users' }),
    write('e', 5),
  ])
  assert.deepEqual(
    outcomes.map((each) => (each.status === 'fulfilled' ? 'written' : String(each.reason))),
    [
      'written',
      'Error: CHECK constraint failed: total >= 0',
      'written',
      'Error: table users, key d-2: expected the write at west, which owns it',
      'written',
    ],
  )
  const { transactions } = (await east.db.source.next())!
  assert.deepEqual(
    transactions.map((events) => events.map(({ id }) => id)),
    [
      ['a-1', 'a-2'],
      ['c-1', 'c-2'],
      ['e-1', 'e-2'],
    ],
  )
  assert.equal(new Set(transactions.map(([event]) => event!.txId)).size, 3)
  const stamps = transactions.flat().map(({ hlc }) => hlc)
  assert.deepEqual(stamps, [...new Set(stamps)].toSorted())
  await west.apply('east', ...transactions)
  assert.deepEqual(west.rows('SELECT id, total FROM orders'), east.rows('SELECT id, total FROM orders'))
})

test('what is no event becomes a dead letter with the reason, cut short; what comes behind it flows', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  const good = await east.write('orders', 'create', { id: 'good', total: 1 })
  const { id: _, ...nameless } = good
  const lines = [
    '{"id":',
    JSON.stringify(nameless),
    JSON.stringify({ ...good, op: 'upsert' }),
    JSON.stringify(good).replace('"total"', '"__proto__"'),
    JSON.stringify({ ...good, payload: { id: 'good', note: 'x'.repeat(5e6) } }),
    JSON.stringify({ ...good, payload: { id: 'good', total: 2 } }),
    JSON.stringify(good),
  ]
  const entries = lines.map((line, offset) => readTransaction(offset, line))
  const next = { logId: 'log', partition: 0, offset: lines.length }
  const result = await west.db.applier.apply({ origin: 'east', entries, next })
  assert.equal(result.applied, 1)
  const letters = await west.db.letters.list(0, 10)
  assert.deepEqual(
    letters.map(({ reason }) => reason),
    [...Array<string>(4).fill('not-an-event'), 'too-large', 'hash-differs'],
  )
  const whys = [/JSON/, /id: expected/, /op: expected/, /__proto__/, /at most 1000000/, /expected hash/]
  for (const [i, why] of whys.entries()) assert.match(letters[i]!.detail, why)
  assert.ok(letters.every(({ event }) => event.length <= 65_536))
  // The same again is nothing new.
  await west.db.applier.apply({ origin: 'east', entries, next })
  assert.equal(await west.db.letters.count(), 6)
})

test('an event that waits and comes again, in whatever entry, waits once', async (t) => {
  const [east, west] = [new Site(t, 'east'), new Site(t, 'west')]
  await west.db.fence('east', 2)
  const ended = await east.write('orders', 'create', { id: 'o', total: 1 })
  assert.deepEqual((await west.apply('east', [ended], [ended])).parked, ['old-epoch'])
  assert.equal((await west.apply('east', [ended])).duplicates, 1)
  assert.equal(await west.db.letters.count(), 1)
})
