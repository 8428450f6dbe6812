import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { ReplicationConfig } from '@budao/model'
import { freePort, tempDir, verifyContract } from '@budao/testkit'
import { verifyDatabases } from '../providers/open-database.ts'
import { openSqlite } from '../providers/sqlite/sqlite-schema.ts'
import { type RunningReplicator, startReplicator } from '../start-replicator.ts'

test('two SQLite sites are compared and repaired by their replicators, under writes', async (t) => {
  const folder = tempDir(t)
  const ports = { east: await freePort(), west: await freePort() }
  const replicationOf = (site: 'east' | 'west'): ReplicationConfig => ({
    listen: `127.0.0.1:${ports[site]}`,
    token: 'secret',
    sites: {
      east: { url: `http://127.0.0.1:${ports.east}` },
      west: { url: `http://127.0.0.1:${ports.west}` },
    },
    database: { sqlite: { path: `${site}.db` } },
    log: { embedded: { bytesMax: 1e9, segmentBytes: 1e6, keep: 86_400_000 } },
    outbox: 1000,
    onPeerLoss: 'block',
    peerTimeout: 10_000,
    tables: { orders: { rule: 'last-writer', durability: 'sync', schemaVersion: 1 } },
  })
  const configs = {
    east: { replication: replicationOf('east'), baseDir: folder },
    west: { replication: replicationOf('west'), baseDir: folder },
  }
  await assert.rejects(
    verifyDatabases(configs, { repair: false }),
    /the replicator of east does not answer.*: start it/,
  )
  const files: Record<string, DatabaseSync> = {}
  const running: Record<string, RunningReplicator> = {}
  for (const site of ['east', 'west'] as const) {
    const file = openSqlite(join(folder, `${site}.db`))
    t.after(() => file.close())
    file.exec('CREATE TABLE orders (id TEXT PRIMARY KEY, n INTEGER NOT NULL)')
    files[site] = file
    const started = await startReplicator({
      config: { node: { name: site, site }, dataDir: `./${site}`, replication: configs[site].replication },
      baseDir: folder,
      onAlarm: () => {},
    })
    t.after(() => started.close())
    running[site] = started
  }
  const progress: string[] = []
  await verifyContract(t, {
    keyColumn: 'key',
    findsTombstones: true,
    publish: (site, event) =>
      fetch(`http://127.0.0.1:${ports[site]}/v1/events`, {
        method: 'POST',
        headers: { authorization: 'Bearer secret' },
        body: JSON.stringify(event),
      }),
    exec: async (site, sql) => files[site]!.exec(sql),
    rows: async (site) => files[site]!.prepare('SELECT * FROM orders ORDER BY id').all(),
    compare: async (repair) => {
      const onProgress = ({ rows, rowsTotal }: { rows: number; rowsTotal: number }): unknown =>
        progress.push(`${rows} of ${rowsTotal}`)
      const [table] = await verifyDatabases(configs, { repair, settleMs: 1500, onProgress })
      return table!
    },
  })
  assert.ok(progress.includes('10 of 10'), progress.join('; '))

  files['west']!.exec("UPDATE orders SET n = 8 WHERE id = 'r0'")
  await running['east']!.replicator.incoming.stop('west')
  await assert.rejects(
    verifyDatabases(configs, { repair: true, settleMs: 100 }),
    /repair: expected changes of west to arrive at east, found that they do not/,
  )
})
