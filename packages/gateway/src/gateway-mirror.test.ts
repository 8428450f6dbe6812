import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testGateway, until, type TestGateway } from './test-gateway.test.ts'

/** A gateway whose route `shop` is mirrored to the service `shadow`. */
async function mirrored(
  t: TestContext,
  shadow: RawHandler,
  mirror: object = {},
  route: object = {},
  main: RawHandler = async ({ connection, body }) => connection.respond(200, `main ${await body()}`),
) {
  const [front, back] = [await rawServer(t, main), await rawServer(t, shadow)]
  const gateway = await testGateway(t, {
    endpoints: [front.address],
    services: {
      shadow: {
        endpoints: [{ address: back.address, site: 'west' }],
        outlier: false,
        breaker: false,
        retry: { budgetMin: 100 },
      },
    },
    route: { mirror: { service: 'shadow', ...mirror }, ...route },
  })
  return { gateway, front, back }
}

function count(gateway: TestGateway, outcome: string): number {
  const line = new RegExp(
    `^budao_gateway_calls_total\\{route="shop",kind="mirror",part="",outcome="${outcome}"\\} (\\d+)$`,
    'm',
  ).exec(gateway.gateway.metrics())
  return Number(line![1])
}

test('a mirror is shown what the service is asked for, marked, and nobody gets its answer', async (t) => {
  const { gateway, front, back } = await mirrored(
    t,
    async ({ connection, body }) => connection.respond(500, `shadow ${await body()}`),
    { methods: ['GET', 'PUT'] },
    { rewrite: { prefix: '/v2', host: 'internal.example' }, match: [{ path: { prefix: '/v1' } }] },
  )
  const response = await gateway.request('/v1/a?x=1', [
    'Cookie: a=b',
    'X-Request-Id: forged',
    'X-Forwarded-For: forged',
  ])
  assert.equal(response.body, 'main ')
  await until('it to be shown', () => count(gateway, '5xx') === 1)
  const lines = (head: string): string[] =>
    head
      .split('\r\n')
      .map((line) => line.replace(/^[^:]*:/, (name) => name.toLowerCase()))
      .toSorted()
  const [asked, shown] = [lines(front.heads[0]!), lines(back.heads[0]!)]
  assert.ok(shown.includes('x-budao-mirror: 1'))
  const unmarked = shown.filter((line) => !/^(?:x-budao-mirror|traceparent):/.test(line))
  assert.deepEqual(
    unmarked,
    asked.filter((line) => !line.startsWith('traceparent:')),
  )
  assert.ok(shown.includes('GET /v2/a?x=1 HTTP/1.1'))
  assert.ok(shown.includes('host: internal.example'))

  let shows = 1
  // A body, whole however it came.
  for (const [lines1, body, sent] of [
    [['Content-Length: 3'], 'abc', 'abc'],
    [['Transfer-Encoding: chunked'], '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
  ] as const) {
    const client = await gateway.connect()
    client.send(`PUT /v1/b HTTP/1.1\r\nHost: x\r\n${lines1[0]}\r\n\r\n`)
    client.send(body)
    await client.readResponse()
    shows++
    await until('it to be shown', () => count(gateway, '5xx') === shows)
    assert.match(back.heads.at(-1)!, new RegExp(`content-length: ${sent.length}\r`, 'i'))
    assert.doesNotMatch(back.heads.at(-1)!, /transfer-encoding/i)
    assert.ok(back.connections.some(({ received }) => received.endsWith(`\r\n\r\n${sent}`)))
  }
  await until('counts', () => gateway.route().requestsTotal === 3)
  assert.equal(gateway.route().status['5xx'], 0)
})

test('only the methods and the share that are configured are shown', async (t) => {
  const { gateway, back } = await mirrored(t, ({ connection }) => connection.respond(200), {
    basisPoints: 5_000,
  })
  const client = await gateway.connect()
  for (let i = 0; i < 400; i++) {
    client.send(requestText('/'))
    await client.readResponse()
  }
  await until('all to have ended', () => count(gateway, '2xx') === back.heads.length)
  // 400 draws of one half: 100 to 300 is ten standard deviations to each side.
  assert.ok(back.heads.length > 100 && back.heads.length < 300, String(back.heads.length))
  const before = back.heads.length
  for (let i = 0; i < 20; i++) await gateway.request('POST /', [], 'x')
  assert.equal(back.heads.length, before, 'a POST is not idempotent')
})

test('a mirror that hangs, is full, fails or is gone costs its clients nothing', async (t) => {
  const { gateway, back } = await mirrored(
    t,
    ({ connection, target }) => {
      if (target === '/reset') connection.reset()
      else if (target === '/half') connection.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    },
    { concurrency: 2, timeout: '3s', bodyBytes: 10, methods: ['GET', 'PUT'] },
  )
  assert.equal((await gateway.request('PUT /', [], 'more than ten')).status, 200)
  assert.equal(count(gateway, 'skipped'), 1, 'its body is too long')
  assert.equal((await gateway.request('/reset')).status, 200)
  await until('a failure', () => count(gateway, 'failed') === 1)
  assert.equal(back.heads.length, 1, 'it is not asked again')
  for (const path of ['/', '/half', '/', '/']) assert.equal((await gateway.request(path)).status, 200)
  assert.equal(count(gateway, 'skipped'), 3, 'more than two are not under way at once')
  await until('the others to be late', () => count(gateway, 'late') === 2)
  await back.kill()
  assert.equal((await gateway.request('/')).status, 200)
  await until('another failure', () => count(gateway, 'failed') === 2)
  assert.equal(gateway.route().retries, 0)
  await until('counts', () => gateway.route().status['2xx'] === 7)
  assert.equal(gateway.service('shadow').inFlight, 0)
  await gateway.quiet()
})

test('a client that leaves in the middle of its body has shown nothing', async (t) => {
  const { gateway, back } = await mirrored(t, ({ connection }) => connection.respond(200), {
    methods: ['PUT'],
  })
  const client = await gateway.connect()
  client.send('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf')
  await until('it to have begun', () => gateway.service().inFlight === 1)
  client.reset()
  await until('it to be skipped', () => count(gateway, 'skipped') === 1)
  assert.equal(back.heads.length, 0)
})

test('an answer of any size is read to its end and its connection used again', async (t) => {
  const { gateway, back } = await mirrored(t, ({ connection }) =>
    connection.respond(200, 'x'.repeat(2_000_000)),
  )
  for (let i = 0; i < 3; i++) {
    await gateway.request('/')
    await until('it to have ended', () => count(gateway, '2xx') === i + 1)
  }
  assert.equal(back.connections.length, 1)
})
