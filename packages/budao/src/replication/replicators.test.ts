import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parseConfig } from '@budao/model/parser'
import { tempDir } from '@budao/testkit'
import { redactSecrets } from '../redact.ts'
import { probeDatabase } from './probe.ts'
import { ReplicationRole } from './replication-role.ts'
import { dataOf, replicatorOf } from './replicators.ts'

function config(service: object, replication?: object) {
  const parsed = parseConfig(
    JSON.stringify({
      version: 1,
      node: { name: 'gw', site: 'east' },
      sites: { east: {}, west: {} },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      services: {
        shop: {
          mode: 'active-standby',
          failover: {},
          endpoints: [{ address: '127.0.0.1:1', site: 'east' }],
          ...service,
        },
      },
      routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], backends: [{ service: 'shop' }] }],
      ...(replication && { replication }),
    }),
    'test',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}

const replication = {
  token: 'between-the-sites',
  sites: { east: { url: 'http://10.0.1.5:9910' }, west: { url: 'http://10.0.2.5:9910' } },
  database: { sqlite: { path: 'shop.db' } },
  tables: { orders: { rule: 'last-writer', service: 'shop' } },
}

test('a service whose tables travel is asked about at this site’s replicator, unless something else is said', () => {
  const here = { replicator: 'http://10.0.1.5:9910', token: 'between-the-sites' }
  assert.deepEqual(dataOf(config({}, replication), 'shop'), here)
  assert.deepEqual(replicatorOf(config({}, replication)), { url: here.replicator, token: here.token })
  assert.deepEqual(dataOf(config({ data: { shared: true } }, replication), 'shop'), { shared: true })
  assert.equal(dataOf(config({}, { ...replication, tables: { x: { rule: 'park' } } }), 'shop'), undefined)
  const apart = config({ data: { replicator: 'http://127.0.0.1:9910' } })
  assert.deepEqual(dataOf(apart, 'shop'), { replicator: 'http://127.0.0.1:9910' })
  assert.deepEqual(replicatorOf(apart), { url: 'http://127.0.0.1:9910' })
  assert.equal(replicatorOf(config({})), null)
})

test('what answers at the replicator’s address and is none ends nothing: it is said to be no replicator', async (t) => {
  const answers = ['{"status":"ok"}', 'null', '{"outgoing":{},"peers":[],"incoming":[]}', 'moved']
  let asked = 0
  const stranger = createServer((_, response) => response.end(answers[asked++ % answers.length]))
  stranger.listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  t.after(() => stranger.close())
  const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
  const events: string[] = []
  const role = await ReplicationRole.start(config({ data: { replicator: url } }), {
    baseDir: tempDir(t),
    runsIt: true,
    report: ({ kind, message }) => events.push(`${kind} ${message}`),
  })
  t.after(() => role?.close())
  for (let tries = 0; events.length === 0 && tries < 200; tries++) await pause(50)
  assert.match(
    events[0] ?? '',
    /^replication\.away .* does not answer: it answers, but not as a replicator does: "alarms" should be a list$/,
  )
  assert.equal(role?.status().report, null)
})

test('who may read the configuration does not read the replicators’ token', () => {
  const data = { replicator: 'http://127.0.0.1:9910', token: 'between-the-sites' }
  const database = { mariadb: { url: 'mysql://shop:between-the-sites@127.0.0.1/shop', capture: 'outbox' } }
  for (const each of [config({}, { ...replication, database }), config({ data })])
    assert.doesNotMatch(JSON.stringify(redactSecrets(each)), /between-the-sites/)
})

test('--probe: a database that does not answer is a problem of its line', async () => {
  const database = { mariadb: { url: 'mysql://shop@127.0.0.1:1/shop', capture: 'outbox' } }
  const asked = config({}, { ...replication, database })
  const text = JSON.stringify({ replication: { database } })
  const { problems, warnings } = await probeDatabase(asked, { text, name: 'shop.yaml', path: '/shop.yaml' })
  assert.deepEqual(warnings, [])
  assert.match(problems[0]!.message, /^the database cannot be asked: .*ECONNREFUSED/)
  assert.equal(problems[0]!.path, 'replication.database')
  assert.deepEqual(await probeDatabase(config({}, replication), { text, name: 'x', path: '/x' }), {
    problems: [],
    warnings: [],
  })
})
