import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { ReplicationConfig, ResyncReport } from '@budao/model'
import { freePort, type MariadbServer, startMariadb, tempDir } from '@budao/testkit'
import { type RunningReplicator, startReplicator } from '../../start-replicator.ts'
import { connect } from './mariadb-connection.ts'

const create = `CREATE DATABASE shop; USE shop;
  CREATE TABLE orders (id INT PRIMARY KEY, n BIGINT, price DECIMAL(12,2), bits VARBINARY(20), at DATETIME(3), code VARCHAR(20) UNIQUE);
  CREATE TABLE items (a INT, b VARCHAR(20), n INT, PRIMARY KEY (a, b))`

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 30 s: ${what}`)
    await pause(20)
  }
}

test(
  'a MariaDB that is new is filled under traffic, goes on writing behind its numbers of before, and is put right after a failover',
  { timeout: 120_000 },
  async (t) => {
    const servers = await Promise.all([
      startMariadb(t, { site: 1 }),
      startMariadb(t, { site: 2 }),
      startMariadb(t, { site: 2 }),
    ])
    const [eastServer, westServer, newServer] = servers
    if (eastServer === undefined || westServer === undefined || newServer === undefined) return
    const folder = tempDir(t)
    const ports = { east: await freePort(), west: await freePort() }
    const open = async (server: MariadbServer): Promise<Connection> => {
      const app = await connect({
        host: server.host,
        port: server.port,
        user: server.user,
        database: 'mysql',
      })
      t.after(() => app.destroy())
      await app.query(create)
      return app
    }
    const start = async (
      site: 'east' | 'west',
      server: MariadbServer,
      dataDir: string,
    ): Promise<RunningReplicator> => {
      const table = {
        rule: 'owner',
        owner: { sites: ['east', 'west'] },
        durability: 'async',
        schemaVersion: 1,
      } as const
      const replication: ReplicationConfig = {
        listen: `127.0.0.1:${ports[site]}`,
        sites: {
          east: { url: `http://127.0.0.1:${ports.east}` },
          west: { url: `http://127.0.0.1:${ports.west}` },
        },
        database: { mariadb: { url: `mysql://root@127.0.0.1:${server.port}/shop`, capture: 'binlog' } },
        log: { embedded: { bytesMax: 1e9, segmentBytes: 1e6, keep: 86_400_000 } },
        outbox: 1000,
        onPeerLoss: 'block',
        peerTimeout: 5000,
        tables: { orders: table, items: { ...table, owner: { column: 'a', sites: ['east', 'west'] } } },
      }
      const running = await startReplicator({
        config: { node: { name: site, site }, dataDir, replication },
        baseDir: folder,
        onAlarm: () => {},
      })
      t.after(() => running.close())
      return running
    }
    const [eastApp, westApp] = [await open(eastServer), await open(westServer)]
    const east = await start('east', eastServer, 'east')
    const west = await start('west', westServer, 'west')
    const ask = async (at: RunningReplicator, path: string, body?: object): Promise<any> => {
      const answer = await fetch(`http://${at.address}${path}`, {
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return text === '' ? null : JSON.parse(text)
    }
    const resynced = async (at: RunningReplicator): Promise<ResyncReport> => {
      let report: ResyncReport | null = null
      await until('the resync has ended', async () => {
        report = (await ask(at, '/v1/resync')).resync
        return report !== null && report.endedAt !== null
      })
      return report!
    }
    const all = async (app: Connection): Promise<string> => {
      const [orders] = await app.query<RowDataPacket[]>('SELECT * FROM orders ORDER BY id')
      const [items] = await app.query<RowDataPacket[]>('SELECT * FROM items ORDER BY a, b')
      return JSON.stringify([orders, items])
    }
    const equal = (app: Connection): Promise<void> =>
      until('both are equal', async () => (await all(eastApp)) === (await all(app)))

    await ask(east, '/v1/claim', { epoch: 1 })
    // Even orders are east's, odd ones west's.
    const order = (id: number): unknown[] => [
      id,
      '9007199254740993',
      '12.50',
      Buffer.from([0, id % 256, 0]),
      '2026-01-02 03:04:05.678',
      `c-${id}`,
    ]
    await eastApp.query('INSERT INTO orders VALUES ?', [Array.from({ length: 3000 }, (_, n) => order(2 * n))])
    for (let n = 0; n < 30; n++) await westApp.query('INSERT INTO orders VALUES ?', [[order(2 * n + 1)]])
    await westApp.query(`INSERT INTO items VALUES (1, 'ä', 1), (1, 'b', 2)`)
    await eastApp.query('DELETE FROM orders WHERE id = 4')
    await equal(westApp)

    // The server of west and its log are gone; another one takes its place.
    await west.close()
    const newApp = await open(newServer)
    const anew = await start('west', newServer, 'west-anew')
    await until('east sees another log', async () =>
      (await ask(east, '/v1/status')).incoming.some(({ state }: { state: string }) => state === 'stopped'),
    )
    let writes = 0
    const traffic = (async () => {
      while (writes >= 0)
        await eastApp.query('UPDATE orders SET n = ? WHERE id = ?', [writes, (writes++ % 500) * 2])
    })()
    await ask(anew, '/v1/bootstrap', { from: 'east', replace: true })
    const filled = await resynced(anew)
    writes = -1e6
    await traffic
    assert.deepEqual([filled.phase, filled.why], ['verified', ''])
    await equal(newApp)
    // Its binlog began at 1 again; what it writes now is new to east all the same.
    await newApp.query('UPDATE orders SET n = 5 WHERE id = 1')
    await newApp.query('INSERT INTO orders VALUES ?', [[order(4001)]])
    await until('east has it', async () => /"id":4001/.test(await all(eastApp)))
    await equal(newApp)
    assert.equal((await ask(east, '/v1/dead-letters')).deadLetters.length, 0)

    // West takes over; what east had written by then and west had not taken is undone.
    await ask(anew, '/v1/fence', { origin: 'east', epoch: 2 })
    await ask(anew, '/v1/claim', { epoch: 2 })
    await eastApp.query(
      'UPDATE orders SET n = 77 WHERE id = 2; DELETE FROM orders WHERE id = 6; INSERT INTO orders VALUES ?',
      [[order(9000)]],
    )
    await until(
      'west has listed them',
      async () => (await ask(anew, '/v1/dead-letters')).deadLetters.length === 3,
    )
    await ask(east, '/v1/fence', { origin: 'east', epoch: 2 })
    assert.equal((await ask(east, '/v1/claim', { epoch: 3 })).code, 'claim-refused')
    await ask(east, '/v1/restore', { from: 'west' })
    const restored = await resynced(east)
    assert.deepEqual([restored.phase, restored.why, restored.undone], ['verified', '', 3])
    assert.deepEqual(
      restored.lost.map(({ key }) => key),
      ['2', '6', '9000'],
    )
    await equal(newApp)
    assert.equal(await ask(east, '/v1/claim', { epoch: 3 }), null)
    await eastApp.query('UPDATE orders SET n = 78 WHERE id = 2')
    await equal(newApp)

    // East's binlog is purged before it was read: nothing is skipped, and everybody knows what to do.
    await east.close()
    await eastApp.query(
      'UPDATE orders SET n = 79 WHERE id = 2; FLUSH BINARY LOGS; UPDATE orders SET n = 80 WHERE id = 8',
    )
    const [[last]] = await eastApp.query<RowDataPacket[]>('SHOW MASTER STATUS')
    await eastApp.query(`FLUSH BINARY LOGS; PURGE BINARY LOGS TO '${String(last!['File'])}'`)
    const again = await start('east', eastServer, 'east')
    const message = async (at: RunningReplicator): Promise<string> => {
      let found = ''
      await until('it is stopped', async () => {
        const { alarms } = await ask(at, '/v1/status')
        found = alarms.find(({ code }: { code: string }) => code === 'stopped')?.message ?? ''
        return found !== ''
      })
      return found
    }
    assert.match(await message(again), /budao replicator accept-gap; then fill each other site/)
    assert.equal(await ask(again, '/v1/accept-gap', {}), null)
    assert.match(await message(anew), /changes of east are in no log: expected the binlog/)
    await ask(anew, '/v1/bootstrap', { from: 'east', replace: true })
    assert.equal((await resynced(anew)).phase, 'verified')
    await equal(newApp)
    await eastApp.query('UPDATE orders SET n = 81 WHERE id = 8')
    await equal(newApp)
  },
)
