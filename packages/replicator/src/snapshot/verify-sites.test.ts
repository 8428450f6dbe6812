import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ReplicationConfig } from '@budao/model'
import { freePort, tempDir } from '@budao/testkit'
import { verifyDatabases } from '../providers/open-database.ts'
import { openSqlite } from '../providers/sqlite/sqlite-schema.ts'
import { startReplicator } from '../start-replicator.ts'

test('two SQLite sites are compared by their replicators: rows that were changed behind their back are named', async (t) => {
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
  const request = { repair: false, settleMs: 100 }
  await assert.rejects(
    verifyDatabases(configs, request),
    /the replicator of east does not answer.*: start it/,
  )
  for (const site of ['east', 'west'] as const) {
    const running = await startReplicator({
      config: { node: { name: site, site }, dataDir: `./${site}`, replication: configs[site].replication },
      baseDir: folder,
      onAlarm: () => {},
    })
    t.after(() => running.close())
  }
  const events = ['a', 'b', 'c'].map((id) => ({ id, op: 'create', table: 'orders', payload: { id, n: 1 } }))
  const answer = await fetch(`http://127.0.0.1:${ports.east}/v1/events`, {
    method: 'POST',
    headers: { authorization: 'Bearer secret' },
    body: JSON.stringify(events),
  })
  assert.equal(answer.status, 200, 'both have them')
  const [equal] = await verifyDatabases(configs, request)
  assert.deepEqual([equal!.rows, equal!.different, equal!.undecided], [3, [], []])

  const west = openSqlite(join(folder, 'west.db'))
  west.exec(
    `UPDATE orders SET payload = '{"id":"b","n":7}' WHERE key = 'b'; DELETE FROM orders WHERE key = 'c'`,
  )
  west.close()
  const [table] = await verifyDatabases(configs, request)
  assert.deepEqual(table!.different.map(({ key, rows }) => [key, rows]).toSorted(), [
    ['b', { east: { id: 'b', n: 1 }, west: { id: 'b', n: 7 } }],
    ['c', { east: { id: 'c', n: 1 }, west: null }],
  ])
  await assert.rejects(
    verifyDatabases(configs, { ...request, repair: true }),
    /are put right by .budao replicator bootstrap/,
  )
})
