import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import { startMariadb } from '@budao/testkit'
import { connect } from './mariadb-connection.ts'
import { openMariadbDatabase } from './mariadb-database.ts'

test(
  'asked by many at once it has one connection to write by, and none once it is closed',
  { timeout: 60_000 },
  async (t) => {
    const server = await startMariadb(t)
    if (server === undefined) return
    const connection = { host: server.host, port: server.port, user: server.user, database: 'shop' }
    const app = await connect({ ...connection, database: 'mysql' })
    t.after(() => app.destroy())
    await app.query('CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY)')
    const connections = async (): Promise<number> => {
      const [found] = await app.query<RowDataPacket[]>('SHOW PROCESSLIST')
      return found.filter(({ db }) => db === 'shop').length
    }
    const own = await connections()
    const tables = { orders: { rule: { name: 'owner', ownerOf: () => 'east' } } } as const
    const database = await openMariadbDatabase({ connection, site: 'east', tables, capture: 'binlog' })
    const { snapshots } = database
    const before = await connections()
    await Promise.all([snapshots.count(), snapshots.progress(), snapshots.count()])
    assert.equal((await connections()) - before, 1)
    await database.close()
    while ((await connections()) > own) await pause(20)
  },
)
