import assert from 'node:assert/strict'
import { createServer, request as forward } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import type { ReplicationConfig, ResyncReport } from '@budao/model'
import { freePort, type MariadbServer, startMariadb, tempDir } from '@budao/testkit'
import { type RunningReplicator, startReplicator } from '../../start-replicator.ts'
import { connect } from './mariadb-connection.ts'

test(
  'servers that are started again while one is filled from the other end nothing',
  { timeout: 120_000 },
  async (t) => {
    const servers = await Promise.all([startMariadb(t, { site: 1 }), startMariadb(t, { site: 2 })])
    const [eastServer, westServer] = servers
    if (eastServer === undefined || westServer === undefined) return
    const folder = tempDir(t)
    const ports = { east: await freePort(), west: await freePort(), between: await freePort() }
    const rowsOf = async ({ host, port, user }: MariadbServer): Promise<unknown[]> => {
      const app = await connect({ host, port, user, database: 'shop' })
      const [rows] = await app.query<RowDataPacket[]>('SELECT * FROM orders ORDER BY id')
      app.destroy()
      return rows.map(({ id, n }) => [id, n])
    }
    for (const { host, port, user } of [eastServer, westServer]) {
      const app = await connect({ host, port, user, database: 'mysql' })
      await app.query('CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY, n INT)')
      if (port === eastServer.port) await app.query('INSERT INTO orders SELECT seq, seq FROM seq_1_to_2000')
      app.destroy()
    }

    // West asks east through here: before the first rows east's server goes, and before those behind them west's own.
    const toGo = new Map([
      ['first', eastServer],
      ['next', westServer],
    ])
    const opened: string[] = []
    const between = createServer((request, response) => {
      const { method = 'GET', headers, url = '' } = request
      void (async () => {
        const { pathname, searchParams } = new URL(url, 'http://between')
        if (pathname === '/v1/snapshot') opened.push(url)
        const which = searchParams.has('after') ? 'next' : 'first'
        const server = searchParams.get('kind') === 'rows' ? toGo.get(which) : undefined
        if (server !== undefined) {
          toGo.delete(which)
          await server.process.kill()
          await server.restart()
        }
        const onward = forward(
          { host: '127.0.0.1', port: ports.east, method, headers, path: url },
          (answer) => {
            response.writeHead(answer.statusCode!, answer.headers)
            answer.pipe(response)
          },
        )
        onward.on('error', () => response.destroy())
        request.pipe(onward)
      })()
    })
    between.listen(ports.between, '127.0.0.1')
    t.after(() => {
      between.closeAllConnections()
      between.close()
    })
    const start = async (
      site: 'east' | 'west',
      eastPort: number,
      { port }: MariadbServer,
    ): Promise<RunningReplicator> => {
      const replication: ReplicationConfig = {
        listen: `127.0.0.1:${ports[site]}`,
        sites: {
          east: { url: `http://127.0.0.1:${eastPort}` },
          west: { url: `http://127.0.0.1:${ports.west}` },
        },
        database: { mariadb: { url: `mysql://root@127.0.0.1:${port}/shop`, capture: 'binlog' } },
        log: { embedded: { bytesMax: 1e9, segmentBytes: 1e6, keep: 86_400_000 } },
        outbox: 1000,
        onPeerLoss: 'block',
        peerTimeout: 5000,
        tables: {
          orders: {
            rule: 'owner',
            owner: { sites: ['east', 'west'] },
            durability: 'async',
            schemaVersion: 1,
          },
        },
      }
      const config = { node: { name: site, site }, dataDir: site, replication }
      const running = await startReplicator({ config, baseDir: folder, onAlarm: () => {} })
      t.after(() => running.close())
      return running
    }
    await start('east', ports.east, eastServer)
    const west = await start('west', ports.between, westServer)
    await fetch(`http://${west.address}/v1/bootstrap`, { method: 'POST', body: '{"from":"east"}' })
    let report: ResyncReport
    do {
      await pause(50)
      report = ((await (await fetch(`http://${west.address}/v1/resync`)).json()) as { resync: ResyncReport })
        .resync
    } while (report.endedAt === null)
    assert.deepEqual([report.phase, report.why, report.rows], ['verified', '', 2000])
    assert.deepEqual(await rowsOf(westServer), await rowsOf(eastServer))
    assert.equal(toGo.size, 0)
    // What was held when east's server went is gone: another one was opened, and it went on from there.
    assert.ok(opened.length > 1)
  },
)
