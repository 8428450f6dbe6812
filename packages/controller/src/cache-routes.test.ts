import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { adminApi } from '../test/admin-api.ts'

interface Said {
  readonly error: string
  readonly message: string
}

async function start(t: TestContext) {
  const { source, ask } = await adminApi<Said>(t)
  const purge = async (what: unknown, token?: string) => {
    const { status, body } = await ask('POST', '/cache/purge', what, token)
    return { status, body }
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
