import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { DirectoryRefusal } from '@budao/model'
import { MemorySource } from '../test/memory-source.ts'
import { createAdminServer } from './admin-server.ts'
import { EventLog } from './event-log.ts'

const tokens = { viewer: 'see', operator: 'do' }
const silence = { info() {}, warn() {}, error() {} }

async function start(t: TestContext) {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({ source, address: '127.0.0.1:0', tokens, log: silence })
  t.after(() => server.close())
  const ask = async (method: string, path: string, body?: unknown, token = 'do') => {
    const response = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      allow: response.headers.get('allow'),
      body: (await response.json()) as any,
    }
  }
  return { source, ask }
}

const endpoint = '/api/v1/services/shop/endpoints/10.0.0.5:7001'

test('an endpoint registers with defaults, renews, and leaves', async (t) => {
  const { source, ask } = await start(t)
  const created = await ask('PUT', endpoint, { site: 'east' })
  assert.deepEqual([created.status, created.body], [201, source.directoryResult])
  source.directoryResult = { ok: true, effect: 'unchanged', snapshot: 2, leaseMs: 60_000 }
  const all = { site: 'west', weight: 3, release: 'canary', rank: 1, lease: '1m' }
  assert.equal((await ask('PUT', '/api/v1/services/shop/endpoints/%5B0fd00::5%5D:7001', all)).status, 200)
  assert.equal((await ask('POST', `${endpoint}/renew`)).status, 200)
  assert.equal((await ask('DELETE', endpoint)).status, 200)
  assert.equal((await ask('DELETE', `${endpoint}?force=true&reason=closing`)).status, 200)
  const facts = { weight: 1, release: 'stable', rank: 0, leaseMs: 30_000 }
  assert.deepEqual(source.asked, [
    { service: 'shop', address: '10.0.0.5:7001', site: 'east', ...facts },
    {
      service: 'shop',
      address: '[0fd00::5]:7001',
      site: 'west',
      weight: 3,
      release: 'canary',
      rank: 1,
      leaseMs: 60_000,
    },
    ['renew', 'shop', '10.0.0.5:7001'],
    ['deregister', 'shop', '10.0.0.5:7001', { force: false, reason: '' }],
    ['deregister', 'shop', '10.0.0.5:7001', { force: true, reason: 'closing' }],
  ])
})

test('drains begin and end', async (t) => {
  const { source, ask } = await start(t)
  await ask('POST', '/api/v1/drains', { site: 'west' })
  await ask('POST', '/api/v1/drains', { endpoint: 'a:1', service: 'shop', force: true, reason: ' flood ' })
  await ask('POST', '/api/v1/drains', { site: 'west', undo: true, reason: 'dry' })
  assert.deepEqual(source.asked, [
    ['drain', { site: 'west' }, { force: false, reason: '' }],
    ['drain', { endpoint: 'a:1', service: 'shop' }, { force: true, reason: 'flood' }],
    ['undrain', { site: 'west' }, 'dry'],
  ])
  assert.deepEqual((await ask('GET', '/api/v1/drains', undefined, 'see')).body, { drains: [] })
})

test('the endpoints of one service are listed', async (t) => {
  const { source, ask } = await start(t)
  const { body } = await ask('GET', '/api/v1/services/shop/endpoints', undefined, 'see')
  assert.deepEqual(body.endpoints, source.current.services[0]!.endpoints)
  const unknown = await ask('GET', '/api/v1/services/shoe/endpoints')
  assert.deepEqual(
    [unknown.status, unknown.body.error, unknown.body.hint],
    [404, 'unknown-service', 'Known: shop.'],
  )
})

const refusals: [code: DirectoryRefusal, status: number][] = [
  ['unknown-service', 404],
  ['unknown-endpoint', 404],
  ['unknown-site', 404],
  ['registration-off', 409],
  ['lease-too-long', 422],
  ['endpoint-configured', 409],
  ['last-usable', 409],
  ['too-many-endpoints', 409],
  ['too-many-drains', 409],
  ['not-applied', 503],
]
for (const [code, status] of refusals) {
  test(`the gateway's refusal ${code} is ${status}`, async (t) => {
    const { source, ask } = await start(t)
    source.directoryResult = { ok: false, code, message: 'because', hint: 'try' }
    for (const answer of [await ask('PUT', endpoint, { site: 'east' }), await ask('DELETE', endpoint)]) {
      assert.deepEqual(
        [answer.status, answer.body],
        [status, { error: code, message: 'because', hint: 'try' }],
      )
    }
  })
}

const bad: [method: string, path: string, body: unknown, message: RegExp][] = [
  ['PUT', '/api/v1/services/shop/endpoints/shop.internal:7001', { site: 'east' }, /literal host/],
  ['PUT', '/api/v1/services/shop/endpoints/10.0.0.5', { site: 'east' }, /host:port/],
  ['PUT', '/api/v1/services/shop/endpoints/10.0.0.5:0', { site: 'east' }, /host:port/],
  ['PUT', endpoint, {}, /site must be a name.*got nothing/],
  ['PUT', endpoint, [], /JSON object/],
  ['PUT', endpoint, { site: 'east', wieght: 1 }, /unknown key "wieght"/],
  ['PUT', endpoint, { site: 'east', weight: -1 }, /weight must be a whole number/],
  ['PUT', endpoint, { site: 'east', weight: '1' }, /weight must be a whole number/],
  ['PUT', endpoint, { site: 'east', rank: 101 }, /rank must be/],
  ['PUT', endpoint, { site: 'east', release: 'a b' }, /release must be a name/],
  ['PUT', endpoint, { site: 'east', lease: 30 }, /lease must be a duration/],
  ['PUT', endpoint, { site: 'east', lease: '999ms' }, /at least 1s/],
  ['PUT', `${endpoint}?force=true`, { site: 'east' }, /unknown query parameter/],
  ['DELETE', `${endpoint}?force=yes`, undefined, /force must be true or false/],
  ['DELETE', `${endpoint}?force=true`, undefined, /reason must be a text/],
  ['POST', '/api/v1/drains', {}, /exactly one of site and endpoint/],
  ['POST', '/api/v1/drains', { site: 'a', endpoint: 'b:1' }, /exactly one of site and endpoint/],
  ['POST', '/api/v1/drains', { site: 'a', service: 'shop' }, /service goes with endpoint/],
  ['POST', '/api/v1/drains', { site: 'a', force: true }, /reason must be a text/],
  ['POST', '/api/v1/drains', { site: 'a', force: 'yes', reason: 'x' }, /force must be true or false/],
  ['POST', '/api/v1/drains', { endpoint: 5 }, /endpoint must be an address/],
]
for (const [method, path, body, message] of bad) {
  test(`${method} ${path} with ${JSON.stringify(body)} is refused: ${message.source}`, async (t) => {
    const { source, ask } = await start(t)
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.body.error], [400, 'bad-parameter'])
    assert.match(answer.body.message, message)
    assert.deepEqual(source.asked, [])
  })
}

test('only an operator changes endpoints, and other methods are refused with those there are', async (t) => {
  const { source, ask } = await start(t)
  for (const [method, path] of [
    ['PUT', endpoint],
    ['DELETE', endpoint],
    ['POST', `${endpoint}/renew`],
    ['POST', '/api/v1/drains'],
  ] as const) {
    assert.equal((await ask(method, path, { site: 'east' }, 'see')).body.error, 'operator-required')
  }
  assert.deepEqual(source.asked, [])
  const other = await ask('PATCH', endpoint, {})
  assert.deepEqual([other.status, other.allow], [405, 'PUT, DELETE'])
  assert.equal((await ask('PUT', '/api/v1/drains', {})).allow, 'GET, HEAD, POST')
})
