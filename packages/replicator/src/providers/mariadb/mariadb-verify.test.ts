import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicationConfig } from '@budao/model'
import { freePort, startMariadb, tempDir, verifyContract } from '@budao/testkit'
import { startReplicator } from '../../start-replicator.ts'
import { verifyDatabases } from '../open-database.ts'
import { verifyMariadb } from './mariadb-configured.ts'
import { connect } from './mariadb-connection.ts'

test(
  'two sites are compared under traffic: what differs is found and repaired, what is under way is not reported',
  { timeout: 120_000 },
  async (t) => {
    const servers = await Promise.all([startMariadb(t, { site: 1 }), startMariadb(t, { site: 2 })])
    const [east, west] = servers
    if (east === undefined || west === undefined) return
    const apps: Awaited<ReturnType<typeof connect>>[] = []
    for (const { host, port, user } of [east, west]) {
      const app = await connect({ host, port, user, database: 'mysql' })
      t.after(() => app.destroy())
      await app.query(`CREATE DATABASE shop; USE shop;
      CREATE TABLE goods (a INT, b VARCHAR(10), name VARCHAR(50), f FLOAT, raw VARBINARY(10), n INT, PRIMARY KEY (a, b)) DEFAULT CHARSET utf8mb4;
      INSERT INTO goods SELECT seq DIV 10, CONCAT('k', seq MOD 10), CONCAT('不倒 ', seq), seq / 7, UNHEX(HEX(seq)), 0 FROM seq_0_to_4999`)
      apps.push(app)
    }
    const [one, other] = apps as [(typeof apps)[0], (typeof apps)[0]]
    await other.query(`UPDATE goods SET name = 'Other' WHERE a = 7 AND b = 'k3'; DELETE FROM goods WHERE a = 499 AND b = 'k9';
    INSERT INTO goods VALUES (9999, 'x', 'only here', NULL, NULL, 1), (-1, 'x', 'only here', NULL, NULL, 1)`)
    const sites = Object.fromEntries(
      Object.entries({ east, west }).map(([site, { port }]) => [
        site,
        { mariadb: { url: `mysql://root@127.0.0.1:${port}/shop`, capture: 'binlog' as const }, baseDir: '.' },
      ]),
    )
    const tables = { goods: { rule: { name: 'owner', ownerOf: () => 'east' } } } as const

    // Traffic that arrives at the other site a moment later, as if it were replicated.
    const traffic = new AbortController()
    const writing = (async () => {
      for (let n = 1; !traffic.signal.aborted; n++) {
        const change = 'UPDATE goods SET n = n + 1 WHERE a = ? AND b = ?'
        const key = [n % 400, `k${n % 10}`]
        await one.query(change, key)
        await new Promise((resolve) => setTimeout(resolve, 5))
        await other.query(change, key)
      }
    })()
    const keys = ['[-1,"x"]', '[499,"k9"]', '[7,"k3"]', '[9999,"x"]']
    const [dry] = await verifyMariadb(sites, tables, { repair: false, settleMs: 1500 })
    assert.deepEqual(dry!.different.map(({ key }) => key).toSorted(), keys)
    assert.deepEqual([dry!.undecided, dry!.repaired], [[], []])
    const changed = dry!.different.find(({ key }) => key === '[7,"k3"]')!
    assert.equal(changed.rows['west']!['name'], 'Other')
    assert.deepEqual(changed.right, changed.rows['east'])

    const [repaired] = await verifyMariadb(sites, tables, { repair: true, settleMs: 1500 })
    assert.deepEqual(repaired!.repaired.toSorted(), keys)
    const [after] = await verifyMariadb(sites, tables, { repair: false, settleMs: 1500 })
    assert.deepEqual(after!.different, [])
    traffic.abort()
    await writing
    const sums = []
    for (const app of apps) {
      const [rows] = await app.query('CHECKSUM TABLE goods')
      sums.push((rows as { Checksum: unknown }[])[0]!.Checksum)
    }
    assert.equal(sums[0], sums[1])
    await t.test('where applications write through the outbox every rule repairs', async () => {
      const folder = tempDir(t)
      const ports = { east: await freePort(), west: await freePort() }
      const all = { east, west }
      const configs = Object.fromEntries(
        (['east', 'west'] as const).map((site) => {
          const replication: ReplicationConfig = {
            listen: `127.0.0.1:${ports[site]}`,
            sites: {
              east: { url: `http://127.0.0.1:${ports.east}` },
              west: { url: `http://127.0.0.1:${ports.west}` },
            },
            database: {
              mariadb: { url: `mysql://root@127.0.0.1:${all[site].port}/kept`, capture: 'outbox' },
            },
            log: { embedded: { bytesMax: 1e9, segmentBytes: 1e6, keep: 86_400_000 } },
            outbox: 1000,
            onPeerLoss: 'block',
            peerTimeout: 10_000,
            tables: { orders: { rule: 'last-writer', durability: 'sync', schemaVersion: 1 } },
          }
          return [site, { replication, baseDir: folder }]
        }),
      )
      const connections: Record<string, (typeof apps)[0]> = { east: one, west: other }
      for (const [site, app] of Object.entries(connections)) {
        await app.query(
          'CREATE DATABASE kept; USE kept; CREATE TABLE orders (id VARCHAR(40) PRIMARY KEY, n INT NOT NULL)',
        )
        const { replication } = configs[site]!
        const started = await startReplicator({
          config: { node: { name: site, site }, dataDir: `./${site}`, replication },
          baseDir: folder,
          onAlarm: () => {},
        })
        t.after(() => started.close())
      }
      await verifyContract(t, {
        keyColumn: 'row_key',
        findsTombstones: false,
        publish: (site, event) =>
          fetch(`http://127.0.0.1:${ports[site]}/v1/events`, { method: 'POST', body: JSON.stringify(event) }),
        exec: async (site, sql) => void (await connections[site]!.query(sql)),
        rows: async (site) =>
          (await connections[site]!.query('SELECT * FROM orders ORDER BY id'))[0] as unknown[],
        compare: async (repair) => (await verifyDatabases(configs, { repair, settleMs: 1500 }))[0]!,
      })
    })
  },
)
