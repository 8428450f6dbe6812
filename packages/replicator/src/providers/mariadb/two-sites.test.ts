import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import {
  type KafkaBroker,
  type MariadbServer,
  startKafka,
  startMariadb,
  startNode,
  type TestProcess,
} from '@budao/testkit'
import { BinlogSource } from './binlog-source.ts'
import { connect, type MariadbConnection } from './mariadb-connection.ts'

const accounts = 20
const transfers = 200

// One process a direction, as a site has: it reads the binlog into the log, and the log into the other site's database.
const carrier = `
const [from, to, broker, origin, target] = JSON.parse(process.argv[1])
const { BinlogSource } = await import(${JSON.stringify(import.meta.resolve('./binlog-source.ts'))})
const { MariadbApplier } = await import(${JSON.stringify(import.meta.resolve('./mariadb-applier.ts'))})
const { KafkaLog } = await import(${JSON.stringify(import.meta.resolve('../kafka/kafka-log.ts'))})
const again = async (work) => {
  for (;;) {
    try { return await work() } catch (error) {
      if (error.code === 'log-truncated' || error.code === 'source-gap') { console.error(error); process.exit(3) }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
const log = await again(() => KafkaLog.open({ brokers: [broker], topic: 'from-' + origin }))
const source = await again(() => BinlogSource.open({ connection: from, site: origin, tables: ['accounts'] }))
const tables = { accounts: { rule: { name: 'owner', ownerOf: () => 'east' } } }
const applier = await again(() => MariadbApplier.open({ connection: to, site: target, tables, capture: 'binlog' }))
const write = async () => {
  for (;;) {
    const { transactions, position } = await source.next()
    if (transactions.length > 0) await log.append(transactions, 'durable')
    await source.confirm(position)
  }
}
const read = async () => {
  const { logId, first } = await log.bounds(0)
  const from = (await again(() => applier.watermark(origin, 0))) ?? { logId, partition: 0, offset: first }
  const reader = log.read(from, { bytesMax: 16384 })
  for (;;) {
    const entries = await reader.next()
    const next = { ...from, offset: entries.at(-1).offset + 1 }
    const { parked } = await again(() => applier.apply({ origin, entries, next }))
    if (parked.length > 0) { console.error(parked); process.exit(4) }
  }
}
console.log('carrying')
await Promise.all([write(), read()])
`

test(
  'east writes, Kafka carries, west has it: once and whole, whoever is killed in the middle',
  { timeout: 120_000 },
  async (t) => {
    const started = await Promise.all([
      startMariadb(t, { site: 1 }),
      startMariadb(t, { site: 2 }),
      startKafka(t),
    ])
    if (started.includes(undefined)) return
    const [east, west, broker] = started as [MariadbServer, MariadbServer, KafkaBroker]
    const [fromEast, fromWest] = [east, west].map(({ host, port, user }): MariadbConnection => ({
      host,
      port,
      user,
      database: 'bank',
    })) as [MariadbConnection, MariadbConnection]
    for (const each of [fromEast, fromWest]) {
      const app = await connect({ ...each, database: 'mysql' })
      await app.query(
        'CREATE DATABASE bank; USE bank; CREATE TABLE accounts (id INT PRIMARY KEY, money INT, moves INT)',
      )
      await app.end()
    }
    const begin = async (): Promise<TestProcess> => {
      const args = JSON.stringify([fromEast, fromWest, broker.address, 'east', 'west'])
      const process = startNode(t, ['--input-type=module', '--eval', carrier, args])
      await process.waitForOutput(/carrying/, 60_000)
      return process
    }
    // West reads its own binlog too: what was applied there must not come back out of it.
    const echo = await BinlogSource.open({ connection: fromWest, site: 'west', tables: ['accounts'] })
    t.after(() => echo.close())
    let carrying = await begin()

    let app = await connect(fromEast)
    t.after(() => app.destroy())
    await app.query('INSERT INTO accounts VALUES ?', [
      Array.from({ length: accounts }, (_, id) => [id, 100, 0]),
    ])
    let reader = await connect(fromWest)
    t.after(() => reader.destroy())
    const transfer = async (n: number): Promise<void> => {
      const [a, b] = [n % accounts, (n * 7 + 1) % accounts]
      await app.query(
        `BEGIN; UPDATE accounts SET money = money - 1, moves = moves + 1 WHERE id = ?;
         UPDATE accounts SET money = money + 1, moves = moves + 1 WHERE id = ?; COMMIT`,
        [a, b],
      )
    }
    const totalAtWest = async (): Promise<number> => {
      const [[row]] = await reader.query<RowDataPacket[]>(
        'SELECT SUM(money) AS total, COUNT(*) AS n FROM accounts',
      )
      return Number(row!['n']) === 0 ? accounts * 100 : Number(row!['total'])
    }
    for (let n = 0; n < transfers; n++) {
      await transfer(n)
      if (n % 100 === 20) {
        await carrying.kill()
        carrying = await begin()
      }
      if (n === 100) {
        await west.process.kill()
        await west.restart()
        reader = await connect(fromWest)
      }
      if (n === 160) {
        await east.process.kill()
        await east.restart()
        app = await connect(fromEast)
      }
      // Never half a transfer, at any moment.
      assert.equal(await totalAtWest(), accounts * 100)
    }
    const all = async (connection: typeof app): Promise<unknown> =>
      (await connection.query('SELECT * FROM accounts ORDER BY id'))[0]
    const expected = await all(app)
    const until = performance.now() + 60_000
    while (JSON.stringify(await all(reader)) !== JSON.stringify(expected)) {
      assert.ok(carrying.running, carrying.output)
      assert.ok(performance.now() < until, 'west did not become equal to east within 60 s')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const [[counts]] = await reader.query<RowDataPacket[]>(
      `SELECT (SELECT COUNT(*) FROM budao_dead_letters) AS letters, (SELECT COUNT(*) FROM budao_conflicts) AS conflicts,
         (SELECT COUNT(*) FROM budao_seen) AS seen, (SELECT SUM(moves) FROM accounts) AS moves`,
    )
    assert.deepEqual([counts!['letters'], counts!['conflicts'], counts!['moves']].map(Number), [
      0,
      0,
      transfers * 2,
    ])
    assert.equal(Number(counts!['seen']), accounts + transfers * 2)
    // One write of west's own, and the first thing its source says is that one.
    await reader.query('INSERT INTO accounts VALUES (1000, 0, 0)')
    const batch = await echo.next()
    assert.deepEqual(
      batch!.transactions.flat().map(({ key, origin }) => [key, origin]),
      [['1000', 'west']],
    )
  },
)
