import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testGateway } from './test-gateway.test.ts'

const failing: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(503, 'bad')
}

// Neither is what this is about, and both would keep attempts away from the backend.
const persistent = { outlier: false, breaker: false }

test('two gateways in a row before a backend that fails: no more attempts than one gateway would make', async (t) => {
  const backends = [await rawServer(t, failing), await rawServer(t, failing)]
  const inner = [0, 1].map(() =>
    testGateway(t, {
      endpoints: backends.map(({ address }) => address),
      listener: { trustForwarded: true },
      service: persistent,
    }),
  )
  const [east, west] = await Promise.all(inner)
  const outer = await testGateway(t, {
    endpoints: [`127.0.0.1:${east!.port}`, `127.0.0.1:${west!.port}`],
    service: persistent,
  })
  const requests = 500
  const client = await outer.connect()
  const startedAt = performance.now()
  for (let i = 0; i < requests; i++) {
    client.send(requestText('/'))
    assert.equal((await client.readResponse()).status, 503)
  }
  const seconds = Math.ceil((performance.now() - startedAt) / 1_000) + 1
  const attempts = backends.reduce((sum, { heads }) => sum + heads.length, 0)
  // `budgetMin` is 3 a second, of each of the two inner gateways.
  const most = requests * 1.2 + 2 * 3 * seconds
  assert.ok(attempts <= most, `${attempts} attempts for ${requests} requests, at most ${most}`)
  assert.ok(attempts >= requests, `${attempts} attempts`)
  const repeated = backends.flatMap(({ heads }) => heads).filter((head) => /x-budao-attempt: 2/i.test(head))
  assert.ok(repeated.length <= most - requests)
  const shed = [east!, west!].map((each) => each.service().shed.normal)
  assert.ok(shed[0]! + shed[1]! > 0, 'retries of the outer gateway beyond the budget are turned away')
})

test('what a client repeats is not repeated again, nor believed where it would cost others their retries', async (t) => {
  const backend = await rawServer(t, failing)
  const other = await rawServer(t, failing)
  const gateway = await testGateway(t, { endpoints: [backend.address, other.address], service: persistent })
  for (let i = 0; i < 20; i++) assert.equal((await gateway.request('/', ['X-Budao-Attempt: 2'])).status, 503)
  const heads = [...backend.heads, ...other.heads]
  assert.equal(heads.length, 20)
  assert.ok(heads.every((head) => !/x-budao-attempt/i.test(head)))
  assert.equal(gateway.service().shed.normal, 0)
  assert.ok(gateway.service().retryTokens >= 3)
})

test('a gateway that turns a request away is not taken for ill: the other one is asked, and nobody is ejected', async (t) => {
  const held = await rawServer(t, () => {})
  const full = await testGateway(t, {
    endpoints: [held.address],
    service: { limits: { concurrency: 1 }, timeouts: { request: '20s', perTry: '20s' } },
  })
  void full.request('/').catch(() => {})
  const free = await rawServer(t, ({ connection }) => connection.respond(200, 'free'))
  const outer = await testGateway(t, {
    endpoints: [`127.0.0.1:${full.port}`, free.address],
    service: { balance: 'round-robin', retry: { budgetMin: 100 } },
  })
  for (let i = 0; i < 10; i++) assert.equal((await outer.request('/')).body, 'free')
  const [endpoint] = outer.service().endpoints
  assert.equal(endpoint!.state, 'usable')
  assert.ok(endpoint!.requestsTotal >= 4)
  assert.equal(endpoint!.failuresTotal, 0)
})
