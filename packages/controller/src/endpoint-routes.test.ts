import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DirectoryRefusal } from '@budao/model'
import { adminApi } from '../test/admin-api.ts'

interface Said {
  readonly error: string
  readonly message: string
  readonly hint: string
  readonly endpoints: unknown
}

const endpoint = '/services/shop/endpoints/10.0.0.5:7001'

test('an endpoint registers with defaults, renews, and leaves', async (t) => {
  const { source, ask } = await adminApi<Said>(t)
  const created = await ask('PUT', endpoint, { site: 'east' })
  assert.deepEqual([created.status, created.body], [201, source.directoryResult])
  source.directoryResult = { ok: true, effect: 'unchanged', snapshot: 2, leaseMs: 60_000 }
  const all = { site: 'west', weight: 3, release: 'canary', rank: 1, lease: '1m' }
  assert.equal((await ask('PUT', '/services/shop/endpoints/%5B0fd00::5%5D:7001', all)).status, 200)
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
  const { source, ask } = await adminApi<Said>(t)
  await ask('POST', '/drains', { site: 'west' })
  await ask('POST', '/drains', { endpoint: 'a:1', service: 'shop', force: true, reason: ' flood ' })
  await ask('POST', '/drains', { site: 'west', undo: true, reason: 'dry' })
  assert.deepEqual(source.asked, [
    ['drain', { site: 'west' }, { force: false, reason: '' }],
    ['drain', { endpoint: 'a:1', service: 'shop' }, { force: true, reason: 'flood' }],
    ['undrain', { site: 'west' }, 'dry'],
  ])
  assert.deepEqual((await ask('GET', '/drains', undefined, 'see')).body, { drains: [] })
})

test('the endpoints of one service are listed', async (t) => {
  const { source, ask } = await adminApi<Said>(t)
  const { body } = await ask('GET', '/services/shop/endpoints', undefined, 'see')
  assert.deepEqual(body.endpoints, source.current.services[0]!.endpoints)
  const unknown = await ask('GET', '/services/shoe/endpoints')
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
    const { source, ask } = await adminApi<Said>(t)
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
  ['PUT', '/services/shop/endpoints/shop.internal:7001', { site: 'east' }, /literal host/],
  ['PUT', '/services/shop/endpoints/10.0.0.5', { site: 'east' }, /host:port/],
  ['PUT', '/services/shop/endpoints/10.0.0.5:0', { site: 'east' }, /host:port/],
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
  ['POST', '/drains', {}, /exactly one of site and endpoint/],
  ['POST', '/drains', { site: 'a', endpoint: 'b:1' }, /exactly one of site and endpoint/],
  ['POST', '/drains', { site: 'a', service: 'shop' }, /service goes with endpoint/],
  ['POST', '/drains', { site: 'a', force: true }, /reason must be a text/],
  ['POST', '/drains', { site: 'a', force: 'yes', reason: 'x' }, /force must be true or false/],
  ['POST', '/drains', { endpoint: 5 }, /endpoint must be an address/],
]
for (const [method, path, body, message] of bad) {
  test(`${method} ${path} with ${JSON.stringify(body)} is refused: ${message.source}`, async (t) => {
    const { source, ask } = await adminApi<Said>(t)
    const answer = await ask(method, path, body)
    assert.deepEqual([answer.status, answer.body.error], [400, 'bad-parameter'])
    assert.match(answer.body.message, message)
    assert.deepEqual(source.asked, [])
  })
}

test('only an operator changes endpoints, and other methods are refused with those there are', async (t) => {
  const { source, ask } = await adminApi<Said>(t)
  for (const [method, path] of [
    ['PUT', endpoint],
    ['DELETE', endpoint],
    ['POST', `${endpoint}/renew`],
    ['POST', '/drains'],
  ] as const) {
    assert.equal((await ask(method, path, { site: 'east' }, 'see')).body.error, 'operator-required')
  }
  assert.deepEqual(source.asked, [])
  const other = await ask('PATCH', endpoint, {})
  assert.deepEqual([other.status, other.headers.get('allow')], [405, 'PUT, DELETE'])
  assert.equal((await ask('PUT', '/drains', {})).headers.get('allow'), 'GET, HEAD, POST')
})
