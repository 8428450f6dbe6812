import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ReplicationConfig, ResyncReport } from '@budao/model'
import { freePort, tempDir } from '@budao/testkit'
import { openSqlite } from '../providers/sqlite/sqlite-schema.ts'
import { type RunningReplicator, startReplicator } from '../start-replicator.ts'

/** A site's replicator in this process; it can be ended, wiped and started again. */
class Site {
  readonly name: string
  readonly folder: string
  readonly config: Parameters<typeof startReplicator>[0]['config']
  running: RunningReplicator | null = null

  constructor(
    t: TestContext,
    name: string,
    folder: string,
    ports: Readonly<Record<string, number>>,
    keep: number,
  ) {
    this.name = name
    this.folder = folder
    const replication: ReplicationConfig = {
      listen: `127.0.0.1:${ports[name]}`,
      sites: Object.fromEntries(
        Object.entries(ports).map(([site, port]) => [site, { url: `http://127.0.0.1:${port}` }]),
      ),
      database: { sqlite: { path: `${name}.db` } },
      log: { embedded: { bytesMax: 1e9, segmentBytes: 20_000, keep } },
      outbox: 100_000,
      onPeerLoss: 'block',
      peerTimeout: 2000,
      tables: {
        orders: { rule: 'last-writer', durability: 'async', schemaVersion: 1 },
        stock: { rule: 'crdt', columns: { n: 'counter' }, durability: 'async', schemaVersion: 1 },
      },
    }
    this.config = { node: { name, site: name }, dataDir: `./${name}`, replication }
    t.after(() => this.stop())
  }

  async start(): Promise<void> {
    this.running = await startReplicator({ config: this.config, baseDir: this.folder, onAlarm: () => {} })
  }

  async stop(): Promise<void> {
    await this.running?.close()
    this.running = null
  }

  /** What is left after its disk was replaced. */
  async wipe(): Promise<void> {
    await this.stop()
    rmSync(join(this.folder, this.name), { recursive: true, force: true })
    for (const behind of ['', '-wal', '-shm'])
      rmSync(join(this.folder, `${this.name}.db${behind}`), { force: true })
  }

  async ask(path: string, body?: object): Promise<{ status: number; json: any }> {
    const answer = await fetch(`http://${this.running!.address}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? null : JSON.parse(text) }
  }

  async write(
    table: string,
    ...rows: { readonly id: string; readonly [column: string]: unknown }[]
  ): Promise<number> {
    const known = new Set(this.rows(table).map((row) => row.split(' ')[0]))
    const events = rows.map((payload) => ({
      id: `${this.name}-${payload.id}-${String(payload['n'])}`,
      op: known.has(payload.id) ? 'update' : 'create',
      table,
      payload,
    }))
    return (await this.ask('/v1/events', events)).status
  }

  async resynced(): Promise<ResyncReport> {
    let report: ResyncReport | null = null
    await until('the resync has ended', async () => {
      report = (await this.ask('/v1/resync')).json.resync
      return report !== null && report.endedAt !== null
    })
    return report!
  }

  rows(table: string): string[] {
    const db = openSqlite(join(this.folder, `${this.name}.db`))
    try {
      return db
        .prepare(`SELECT key, payload FROM ${table} ORDER BY key`)
        .all()
        .map((row) => `${String(row['key'])} ${String(row['payload'])}`)
    } finally {
      db.close()
    }
  }

  async stoppedAlarm(): Promise<string> {
    let message = ''
    await until('the alarm is on', async () => {
      const { alarms } = (await this.ask('/v1/status')).json
      message = alarms.find(({ code }: { code: string }) => code === 'stopped')?.message ?? ''
      return message !== ''
    })
    return message
  }

  async state(of: string): Promise<string> {
    return (await this.ask('/v1/status')).json.incoming.find((each: { site: string }) => each.site === of)
      .state
  }
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 30 s: ${what}`)
    await pause(10)
  }
}

async function sites(t: TestContext, keep = 86_400_000): Promise<[east: Site, west: Site]> {
  const folder = tempDir(t)
  const ports = { east: await freePort(), west: await freePort() }
  const both: [Site, Site] = [
    new Site(t, 'east', folder, ports, keep),
    new Site(t, 'west', folder, ports, keep),
  ]
  await Promise.all(both.map((site) => site.start()))
  return both
}

test(
  'a site that lost its disk is filled under traffic, interrupted, goes on, and is equal',
  { timeout: 60_000 },
  async (t) => {
    const [east, west] = await sites(t)
    await west.write('stock', { id: 's', n: 5 })
    await until('the stock is at both', () => east.rows('stock').length === 1)
    for (let n = 0; n < 10; n++)
      await east.write(
        'orders',
        ...Array.from({ length: 100 }, (_, i) => ({ id: `o-${n * 100 + i}`, text: 'x'.repeat(900) })),
      )
    await east.ask('/v1/events', { id: 'gone', op: 'delete', table: 'orders', payload: null, key: 'o-7' })
    await until('the orders are at west', () => west.rows('orders').length === 999)

    await west.wipe()
    await west.start()
    // Somebody wrote at once, before anybody noticed: that is kept.
    assert.equal(await west.write('orders', { id: 'early', text: 'kept' }), 200)
    await until('east notices that the log is another', async () => (await east.state('west')) === 'stopped')
    assert.match(await east.stoppedAlarm(), /fill west: budao replicator bootstrap --from east/)

    let writes = 0
    const traffic = (async () => {
      while (writes >= 0) {
        // While it is started anew nobody answers.
        await east.write('orders', { id: `live-${writes++ % 50}`, n: writes }).catch(() => pause(10))
      }
    })()
    const refused = await west.ask('/v1/bootstrap', { from: 'east' })
    assert.deepEqual([refused.status, refused.json.code], [409, 'not-empty'])
    assert.equal((await west.ask('/v1/bootstrap', { from: 'north' })).status, 404)
    assert.equal((await west.ask('/v1/bootstrap', { from: 'east', replace: true })).status, 202)
    assert.equal((await west.ask('/v1/bootstrap', { from: 'east', replace: true })).json.code, 'under-way')
    await until('something is loaded', async () => (await west.ask('/v1/resync')).json.resync.rows > 0)
    assert.equal((await west.ask('/healthz')).status, 503)
    const refusedWrite = await west.ask('/v1/events', {
      id: 'w',
      op: 'create',
      table: 'orders',
      payload: { id: 'w' },
    })
    assert.deepEqual([refusedWrite.status, refusedWrite.json.code], [503, 'loading'])
    // Both end in the middle: the peer's snapshot is gone, what was loaded is not.
    await west.stop()
    await east.stop()
    await east.start()
    await west.start()
    await until('it goes on by itself', async () => (await west.ask('/v1/resync')).json.resync !== null)
    const report = await west.resynced()
    writes = -1000
    await traffic
    assert.deepEqual([report.phase, report.why, report.different], ['verified', '', 0])
    await until(
      'what was written meanwhile is at both',
      () => east.rows('orders').join() === west.rows('orders').join(),
    )
    assert.ok(
      west.rows('orders').some((row) => row.startsWith('early')),
      'what west wrote is at both',
    )
    assert.ok(!west.rows('orders').some((row) => row.startsWith('o-7 ')))
    // Counts go on where they were, in both directions, and ids of before are known.
    await Promise.all([west.write('stock', { id: 's', n: 6 }), east.write('stock', { id: 's', n: 7 })])
    await until('both have counted', () => [east, west].every((site) => /"n":8/.test(site.rows('stock')[0]!)))
    const again = await west.ask('/v1/events', {
      id: 'west-s-5',
      op: 'create',
      table: 'stock',
      payload: { id: 's', n: 5 },
    })
    assert.deepEqual(again.json.repeated, ['west-s-5'])
    assert.equal((await west.ask('/healthz')).status, 200)
  },
)

test(
  'a site that was away for longer than the log is kept says so, and is filled anew; what it wrote stays',
  { timeout: 60_000 },
  async (t) => {
    const [east, west] = await sites(t, 1)
    await west.write('orders', { id: 'mine', n: 1 }, { id: 'both', n: 1 })
    await until('west’s orders are at east', () => east.rows('orders').length === 2)
    await west.stop()
    await east.write(
      'orders',
      ...Array.from({ length: 100 }, (_, i) => ({ id: `o-${i}`, text: 'x'.repeat(900) })),
    )
    await east.ask('/v1/events', { id: 'gone', op: 'delete', table: 'orders', payload: null, key: 'mine' })
    await until('the log begins later', async () => {
      await east.write('orders', { id: 'more', n: Math.random(), text: 'x'.repeat(9000) })
      await east.running!.cleanLog()
      return (await east.ask('/v1/log/bounds')).json.first > 0
    })
    await west.start()
    await until('it is stopped', async () => (await west.state('east')) === 'stopped')
    assert.match(await west.stoppedAlarm(), /already removed.*budao replicator bootstrap --from east/)
    assert.equal((await west.ask('/healthz')).status, 503)
    await west.write('orders', { id: 'unread', n: 1 })
    await west.ask('/v1/bootstrap', { from: 'east', replace: true })
    assert.equal((await west.resynced()).phase, 'verified')
    await until('all is at both', () => east.rows('orders').join() === west.rows('orders').join())
    assert.ok(west.rows('orders').some((row) => row.startsWith('unread')))
    // Deleted while it was away, by somebody who has forgotten it: it does not rise from the dead.
    assert.ok(!west.rows('orders').some((row) => row.startsWith('mine')))
  },
)

test(
  'after a failover what did not make it is undone, listed, and may be written again; before that nobody may write',
  { timeout: 60_000 },
  async (t) => {
    const [east, west] = await sites(t)
    await east.ask('/v1/claim', { epoch: 1 })
    assert.equal((await east.ask('/v1/restore', { from: 'west' })).json.code, 'not-fenced')
    await east.write('orders', { id: 'a', n: 1 }, { id: 'b', n: 1 })
    await east.write('stock', { id: 's', n: 10 })
    await until('all is at west', () => west.rows('stock').length === 1 && west.rows('orders').length === 2)
    // West takes over without having read the last of it.
    await west.running!.replicator.incoming.standStill()
    await east.write('orders', { id: 'a', n: 99 }, { id: 'lost', n: 1 })
    await east.write('stock', { id: 's', n: 3 })
    await west.ask('/v1/fence', { origin: 'east', epoch: 2 })
    await west.ask('/v1/claim', { epoch: 2 })
    west.running!.replicator.incoming.goOn()
    await west.write('orders', { id: 'b', n: 2 })
    await east.ask('/v1/fence', { origin: 'east', epoch: 2 })
    const early = await east.ask('/v1/claim', { epoch: 3 })
    assert.deepEqual([early.status, early.json.code], [409, 'claim-refused'])

    await east.ask('/v1/restore', { from: 'west' })
    const report = await east.resynced()
    assert.deepEqual([report.phase, report.why, report.undone], ['verified', '', 3])
    assert.deepEqual(
      report.lost.map(({ table, key }) => `${table} ${key}`),
      ['orders a', 'orders lost', 'stock s'],
    )
    assert.deepEqual(east.rows('orders'), ['a {"id":"a","n":1}', 'b {"id":"b","n":2}'])
    assert.match(east.rows('stock')[0]!, /"n":10/)
    assert.equal((await west.ask('/v1/dead-letters')).json.deadLetters.length, 3)
    // Failback: west is fenced, east writes again, also what was lost under its old id.
    for (const site of [east, west]) await site.ask('/v1/fence', { origin: 'west', epoch: 3 })
    assert.equal((await east.ask('/v1/claim', { epoch: 3 })).status, 204)
    await east.write('orders', { id: 'lost', n: 1 })
    await east.write('stock', { id: 's', n: 9 })
    await until(
      'both are equal',
      () => /"n":9/.test(west.rows('stock')[0]!) && west.rows('orders').length === 3,
    )
  },
)

test(
  'a log that is lost before anybody has read it is missed: its site says so in the new one, and others are filled',
  { timeout: 60_000 },
  async (t) => {
    const [east, west] = await sites(t)
    await west.stop()
    await east.write('orders', { id: 'a', n: 1 })
    await until('it is in the log', async () => (await east.ask('/v1/status')).json.outgoing.backlog === 0)
    await east.stop()
    rmSync(join(east.folder, 'east', 'replication-log'), { recursive: true })
    await east.start()
    // As new as on its first day, it would begin at the first entry of the new log.
    await west.wipe()
    await west.start()
    assert.match(await west.stoppedAlarm(), /changes of east are in no log: its log was lost, and began anew/)
    assert.deepEqual(west.rows('orders'), [])
    await west.ask('/v1/bootstrap', { from: 'east' })
    assert.equal((await west.resynced()).phase, 'verified')
    assert.deepEqual(west.rows('orders'), east.rows('orders'))
    await east.write('orders', { id: 'b', n: 1 })
    await until('changes flow', () => west.rows('orders').length === 2)
  },
)

test('a peer that cannot be compared with for a moment is asked again; what is filled is not filled anew', async (t) => {
  const folder = tempDir(t)
  const ports = { east: await freePort(), west: await freePort() }
  const asked: string[] = []
  const between = createServer((request, response) => {
    const path = request.url!.split('?')[0]!
    asked.push(path)
    if (path === '/v1/digest' && asked.filter((each) => each === path).length <= 2) {
      response.writeHead(503).end('{"code":"busy","message":"not now"}')
      return
    }
    const { method = 'GET', headers, url } = request
    const onward = forward({ host: '127.0.0.1', port: ports.east, method, headers, path: url! }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => between.listen(port, '127.0.0.1', resolve))
  t.after(() => {
    between.closeAllConnections()
    between.close()
  })
  const east = new Site(t, 'east', folder, ports, 86_400_000)
  const west = new Site(t, 'west', folder, { ...ports, east: port }, 86_400_000)
  await east.start()
  for (let n = 0; n < 50; n++) await east.write('orders', { id: `o${n}`, n })
  await west.start()
  assert.equal((await west.ask('/v1/bootstrap', { from: 'east', replace: true })).status, 202)
  const report = await west.resynced()
  assert.deepEqual([report.phase, report.different, report.rows], ['verified', 0, 50])
  assert.deepEqual(west.rows('orders'), east.rows('orders'))
  assert.equal(asked.filter((path) => path === '/v1/snapshot').length, 1)
  assert.ok(asked.filter((path) => path === '/v1/digest').length > 2)
})
