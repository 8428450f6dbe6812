import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MemorySource } from '../test/memory-source.ts'
import { createAdminServer } from './admin-server.ts'
import { EventLog } from './event-log.ts'

async function start(t: TestContext) {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({
    source,
    address: '127.0.0.1:0',
    tokens: { viewer: 'see', operator: 'do' },
    log: { info() {}, warn() {}, error() {} },
  })
  t.after(() => server.close())
  const purge = async (body: unknown, token = 'do') => {
    const response = await fetch(`${server.url}/api/v1/cache/purge`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as any }
  }
  return { source, purge }
}

test('an operator purges by what is named, or everything by name', async (t) => {
  const { source, purge } = await start(t)
  const wishes = [
    { url: 'http://a.example/' },
    { prefix: 'http://a.example/x', route: 'shop' },
    { tag: 'offers' },
  ]
  for (const wish of wishes)
    assert.deepEqual(await purge(wish), { status: 200, body: { ok: true, removed: 7 } })
  assert.equal((await purge({ all: true })).status, 200)
  assert.deepEqual(
    source.asked,
    [...wishes, {}].map((wish) => ['purge', wish]),
  )
  assert.equal((await purge({ all: true }, 'see')).status, 403)
})

test('what is not clear is refused, and nothing is purged', async (t) => {
  const { source, purge } = await start(t)
  for (const body of [
    {},
    { url: '' },
    { url: 5 },
    { tags: 'x' },
    { all: false },
    { all: true, tag: 'x' },
    { url: 'http://a/', prefix: 'http://a/' },
    [],
  ]) {
    const refused = await purge(body)
    assert.equal(refused.status, 400, JSON.stringify(body))
    assert.equal(refused.body.error, 'bad-parameter')
  }
  assert.deepEqual(source.asked, [])
})

test('an address that is none is said to be so; a store that is away, too', async (t) => {
  const { source, purge } = await start(t)
  source.purgeResult = new RangeError('expected an address such as https://shop.example/, got "x"')
  assert.equal((await purge({ url: 'x' })).body.message, source.purgeResult.message)
  source.purgeResult = new Error('no answer within 50 ms')
  const away = await purge({ tag: 'x' })
  assert.equal(away.status, 503)
  assert.equal(away.body.error, 'store-away')
  assert.match(away.body.message, /no answer within 50 ms/)
})
