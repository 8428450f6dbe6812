import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rawServer, type RawHandler, type RawServer } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

/** A port where nobody listens. */
async function deadAddress(t: TestContext): Promise<string> {
  const server = await rawServer(t, fine)
  await server.kill()
  return server.address
}

function errorOf(body: string): string {
  return (JSON.parse(body) as { error: string }).error
}

function headsOf(...servers: RawServer[]): number {
  return servers.reduce((sum, { heads }) => sum + heads.length, 0)
}

// Neither rule is what these tests are about, and both would keep bad endpoints away from later requests.
const forgiving = { outlier: false, breaker: false, balance: 'round-robin' }

for (const way of ['reset', 'end'] as const) {
  test(`a kept connection that the backend closes as it is used again is not seen by GET (${way})`, async (t) => {
    const backend = await rawServer(t, ({ connection, index }) =>
      index === 0 ? connection.respond(200, 'fine') : connection[way](),
    )
    const gateway = await testGateway(t, {
      endpoints: [backend.address],
      service: { retry: { attempts: 0 } },
    })
    for (let i = 0; i < 5; i++) assert.equal((await gateway.request('/')).status, 200)
    assert.equal(backend.connections.length, 5)
    assert.equal(gateway.route().retries, 0)
    assert.equal(gateway.service().endpoints[0]!.failuresTotal, 0)
  })

  test(`a POST on such a connection is not sent twice (${way})`, async (t) => {
    const backend = await rawServer(t, async ({ connection, index, body }) => {
      await body()
      if (index === 0) connection.respond(200, 'fine')
      else connection[way]()
    })
    const gateway = await testGateway(t, { endpoints: [backend.address] })
    assert.equal((await gateway.request('POST /', [], 'x')).status, 200)
    const response = await gateway.request('POST /', [], 'x')
    assert.equal(response.status, 502)
    assert.equal(errorOf(response.body), 'upstream_reset')
    assert.equal(backend.heads.length, 2)
  })
}

test('a connection that always breaks when it is used again does not keep a request for ever', async (t) => {
  const backend = await rawServer(t, ({ connection, index, target }) =>
    index === 0 && target === '/warm' ? connection.respond(200, 'fine') : connection.reset(),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  assert.equal((await gateway.request('/warm')).status, 200)
  assert.equal((await gateway.request('/')).status, 502)
})

test('an endpoint that cannot be reached is passed over, also for POST: nothing was sent', async (t) => {
  const backend = await rawServer(t, fine)
  const dead = await deadAddress(t)
  const gateway = await testGateway(t, { endpoints: [dead, backend.address], service: forgiving })
  for (const method of ['POST', 'GET', 'PATCH', 'POST']) {
    assert.equal(
      (await gateway.request(`${method} /`, [], method === 'GET' ? '' : 'body')).body,
      'fine',
      method,
    )
  }
  await until('retries to be counted', () => gateway.route().retries > 0)
})

test('when no endpoint can be reached the client is told 502', async (t) => {
  const gateway = await testGateway(t, {
    endpoints: [await deadAddress(t), await deadAddress(t)],
    service: forgiving,
  })
  const response = await gateway.request('/')
  assert.equal(response.status, 502)
  assert.equal(errorOf(response.body), 'connect_failed')
})

test('a connection that breaks behind the request: GET goes elsewhere, POST does not', async (t) => {
  const bad = await rawServer(t, async ({ connection, body }) => {
    await body()
    connection.reset()
  })
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, { endpoints: [bad.address, good.address], service: forgiving })
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await gateway.request('POST /', [], 'x')).status)
  assert.deepEqual(statuses.toSorted(), [200, 200, 502, 502])
  assert.equal(headsOf(bad, good), 4)
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).status, 200)
  assert.equal(headsOf(bad, good), 10)
})

test('a PUT is sent again with its body while that is small, and not when it was let go', async (t) => {
  const bad = await rawServer(t, async ({ connection, body }) => {
    await body()
    connection.respond(503, 'bad')
  })
  const good = await rawServer(t, async ({ connection, body }) =>
    connection.respond(200, String((await body()).length)),
  )
  const gateway = await testGateway(t, {
    endpoints: [bad.address, good.address],
    service: { ...forgiving, retry: { bodyBytes: 1_000, budgetPercent: 100 } },
  })
  for (let i = 0; i < 4; i++)
    assert.equal((await gateway.request('PUT /', [], 'x'.repeat(1_000))).body, '1000')
  const bodies = []
  for (let i = 0; i < 4; i++) bodies.push((await gateway.request('PUT /', [], 'x'.repeat(100_000))).body)
  assert.deepEqual(bodies.toSorted(), ['100000', '100000', 'bad', 'bad'])
})

for (const status of [502, 503, 504]) {
  test(`${status}: GET goes elsewhere; POST, and GET with nowhere to go, get what the backend said`, async (t) => {
    const bad = await rawServer(t, async ({ connection, body }) => {
      await body()
      connection.respond(status, 'trouble', { 'Retry-After': '60', 'X-Bad': '1' })
    })
    const good = await rawServer(t, fine)
    const gateway = await testGateway(t, {
      endpoints: [bad.address],
      services: {
        both: {
          endpoints: [bad.address, good.address].map((address) => ({ address, site: 'east' })),
          ...forgiving,
        },
      },
      service: forgiving,
      routes: [
        { name: 'both', match: [{ path: { exact: '/both' } }], backends: [{ service: 'both' }] },
        { name: 'shop', backends: [{ service: 'shop' }] },
      ],
    })
    for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/both')).body, 'fine')
    const before = bad.heads.length
    for (const method of ['GET', 'POST']) {
      const response = await gateway.request(`${method} /`)
      assert.equal(response.status, status)
      assert.equal(response.body, 'trouble')
      assert.equal(response.header('retry-after'), '60')
      assert.equal(response.header('x-bad'), '1')
    }
    assert.equal(bad.heads.length, before + 2, 'Retry-After lies behind the deadline: not asked again')
  })
}

test('an only endpoint that asks for no pause is asked again', async (t) => {
  let asked = 0
  const backend = await rawServer(t, ({ connection }) =>
    asked++ === 0 ? connection.respond(503, 'bad', { 'Retry-After': '0' }) : connection.respond(200, 'fine'),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  assert.equal((await gateway.request('/')).body, 'fine')
  await until('one retry to be counted', () => gateway.route().retries === 1)
})

test('500 and 4xx are answers, not reasons to ask elsewhere', async (t) => {
  const backend = await rawServer(t, ({ connection, target }) =>
    connection.respond(Number(target.slice(1)), 'no'),
  )
  const gateway = await testGateway(t, {
    endpoints: [backend.address, (await rawServer(t, fine)).address],
    service: { ...forgiving, balance: 'ring-hash', hashOn: { header: 'X-Key' } },
  })
  for (const status of [400, 404, 429, 500, 501]) {
    const statuses = new Set<number>()
    for (let key = 0; key < 20; key++)
      statuses.add((await gateway.request(`/${status}`, [`X-Key: ${key}`])).status)
    assert.deepEqual([...statuses].toSorted(), [200, status])
  }
  assert.equal(gateway.route().retries, 0)
})

test('retries end with their budget, and the client then gets what the backend said', async (t) => {
  const backends = [
    await rawServer(t, ({ connection }) => connection.respond(503, 'a')),
    await rawServer(t, ({ connection }) => connection.respond(503, 'b')),
  ]
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: backends.map(({ address }) => address),
    service: { ...forgiving, retry: { attempts: 1, budgetPercent: 20, budgetMin: 0 } },
  })
  for (let i = 0; i < 20; i++) {
    const response = await gateway.request('/')
    assert.equal(response.status, 503)
    assert.match(response.body, /^[ab]$/)
  }
  assert.equal(headsOf(...backends), 24, 'one retry for each five requests')
})

test('an endpoint that does not answer within perTry is left for another', async (t) => {
  const silent = await rawServer(t, () => {})
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [silent.address, good.address],
    service: { ...forgiving, timeouts: { request: '1m', perTry: '500ms' } },
  })
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, silent.heads.length)
  await until('the silent connections to be dropped', () => silent.open === 0)
})

test('where no other attempt can be paid for, the one under way gets all the time there is', async (t) => {
  let answer: (() => void) | undefined
  const slow = await rawServer(t, ({ connection }) => {
    answer = () => connection.respond(200, 'late')
  })
  const gateway = await testGateway(t, {
    endpoints: [slow.address],
    service: {
      ...forgiving,
      timeouts: { request: '1m', perTry: '20ms' },
      retry: { budgetMin: 0, budgetPercent: 0 },
    },
  })
  const client = await gateway.connect()
  client.send(requestText('/'))
  await until('a request', () => answer !== undefined)
  // Three other requests, each after the other, go by longer than perTry.
  for (let i = 0; i < 3; i++) {
    const other = await gateway.connect()
    other.send(requestText('/'))
    await until('another request', () => slow.heads.length === i + 2)
    await new Promise((resolve) => setTimeout(resolve, 20))
    slow.connections.at(-1)!.respond(200, 'other')
    assert.equal((await other.readResponse()).body, 'other')
  }
  slow.connections[0]!.respond(200, 'late')
  assert.equal((await client.readResponse()).body, 'late')
})

test('a request that no endpoint answers in its time is answered 504', async (t) => {
  const silent = await rawServer(t, () => {})
  const gateway = await testGateway(t, {
    endpoints: [silent.address],
    service: { timeouts: { request: '100ms' } },
  })
  for (const method of ['GET', 'POST']) {
    const response = await gateway.request(`${method} /`)
    assert.equal(response.status, 504)
    assert.equal(errorOf(response.body), 'upstream_timeout')
  }
  await gateway.quiet()
})

test('a head that trickles in is measured against the whole time, and so is a body that stops', async (t) => {
  const backend = await rawServer(t, async ({ connection, target }) => {
    connection.write(
      target === '/head'
        ? 'HTTP/1.1 200 OK\r\nContent-Le'
        : 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
    )
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { ...forgiving, timeouts: { request: '100ms' } },
  })
  assert.equal((await gateway.request('POST /head')).status, 504)
  const client = await gateway.connect()
  client.send(requestText('/body'))
  assert.match(await client.readToEnd(), /half$/)
  await gateway.quiet()
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, 2, 'both are the endpoint’s failures')
})

test('a status that retry.on names is asked elsewhere, whatever it is, and is passed on where nobody else is left', async (t) => {
  for (const status of [429, 500]) {
    const bad = await rawServer(t, ({ connection }) => connection.respond(status, 'bad'))
    const good = await rawServer(t, fine)
    const service = { ...forgiving, retry: { on: [String(status)], budgetMin: 10 } }
    const gateway = await testGateway(t, { endpoints: [bad.address, good.address], service })
    for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).body, 'fine')
    assert.equal(headsOf(bad, good), 6)

    const alone = await testGateway(t, {
      endpoints: [bad.address],
      service: { ...service, retry: { on: [] } },
    })
    const response = await alone.request('/')
    assert.equal(response.status, status)
    assert.equal(response.body, 'bad')
  }
})
