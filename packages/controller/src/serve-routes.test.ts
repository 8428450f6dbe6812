import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { adminApi } from '../test/admin-api.ts'

async function start(t: TestContext) {
  const { source, ask: asked } = await adminApi<Record<string, unknown>>(t)
  const ask = (path: string, token: string, put?: unknown) =>
    asked(put === undefined ? 'GET' : 'PUT', path, put, token)
  return { source, ask }
}

test('a viewer sees the channel lists, an operator changes them', async (t) => {
  const { source, ask } = await start(t)
  assert.match(JSON.stringify((await ask('/channels', 'see')).body), /"version":3/)
  const change = { order: ['https://b.example.com'], reason: 'flooded' }
  assert.equal((await ask('/channels/channels', 'see', change)).status, 403)
  assert.deepEqual((await ask('/channels/channels', 'do', change)).body, { ok: true, version: 4 })
  assert.deepEqual(source.asked, [['channels', 'channels', change]])
  source.channelResult = { ok: false, code: 'order-refused', problem: 'version: expected at least 4' }
  const refused = await ask('/channels/channels', 'do', { ...change, version: 1 })
  assert.equal(refused.status, 422)
  assert.equal(refused.body['message'], 'version: expected at least 4')
})

test('an order that is none is refused before anybody is asked', async (t) => {
  const { source, ask } = await start(t)
  for (const body of [
    {},
    { order: 'https://a', reason: 'x' },
    { order: [7], reason: 'x' },
    { order: [], reason: '' },
    { order: [], reason: 'x', version: 1.5 },
    { order: [], reason: 'x', more: 1 },
  ])
    assert.equal((await ask('/channels/channels', 'do', body)).status, 400, JSON.stringify(body))
  assert.deepEqual(source.asked, [])
})

test('only an operator gets an access token', async (t) => {
  const { source, ask } = await start(t)
  const refused = await ask('/identity/app/access-token', 'see')
  assert.equal(refused.status, 403)
  assert.doesNotMatch(JSON.stringify(refused.body), /platform-token/)
  const given = await ask('/identity/app/access-token', 'do')
  assert.deepEqual(given.body, { accessToken: 'platform-token', expiresAt: '2026-11-18T11:06:40.000Z' })
  assert.equal(given.headers.get('cache-control'), 'no-store')
  assert.equal((await ask('/identity/other/access-token', 'do')).status, 404)
  source.token = null
  assert.equal((await ask('/identity/app/access-token', 'do')).body['error'], 'no-access-token')
})

test('what has not begun yet is not said to be missing', async (t) => {
  const { source, ask } = await start(t)
  source.starting = () => true
  for (const path of ['/logs/status', '/alerts', '/rollouts']) {
    const early = await ask(path, 'see')
    assert.deepEqual([early.status, early.body['error']], [503, 'not-ready'], path)
  }
  source.starting = () => false
  const later = await ask('/logs/status', 'see')
  assert.deepEqual([later.status, later.body['error']], [404, 'logs-off'])
})
