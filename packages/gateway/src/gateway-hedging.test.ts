import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { testGateway, until, type TestGateway } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

const silent: RawHandler = () => {}

const service = {
  balance: 'round-robin',
  outlier: false,
  timeouts: { request: '10s', perTry: '10s' },
  retry: { budgetMin: 100, hedge: { after: '30ms' } },
}

function hedges(gateway: TestGateway): [begun: number, won: number] {
  const read = (name: string): number =>
    Number(
      new RegExp(`^budao_gateway_${name}_total\\{service="shop"\\} (\\d+)$`, 'm').exec(
        gateway.gateway.metrics(),
      )![1],
    )
  return [read('hedges'), read('hedges_won')]
}

test('an answer that is late is asked for elsewhere too: the first one wins, the other is blamed for nothing', async (t) => {
  const slow = await rawServer(t, silent)
  const quick = await rawServer(t, fine)
  const gateway = await testGateway(t, { endpoints: [slow.address, quick.address], service })
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.equal(slow.heads.length, 2)
  assert.equal(quick.heads.length, 4)
  assert.deepEqual(hedges(gateway), [2, 2])
  await gateway.quiet()
  const [first] = gateway.service().endpoints
  assert.equal(first!.failuresTotal, 0)
  assert.equal(first!.inFlight, 0)
  assert.equal(first!.breaker.calls, 0)
  await until('the losers to be told', () => slow.open === 0)
  assert.match(
    quick.heads.find((head) => /x-budao-attempt/i.test(head))!,
    /\r\nX-Budao-Attempt: 2\r\n/,
  )
  assert.equal(quick.heads.filter((head) => /x-budao-attempt/i.test(head)).length, 2)
})

test('the first attempt may win yet, and the other is then given up', async (t) => {
  let answer = (): void => {}
  const slow = await rawServer(t, ({ connection }) => {
    answer = () => connection.respond(200, 'late')
  })
  const slower = await rawServer(t, () => answer())
  const gateway = await testGateway(t, {
    endpoints: [slow.address, { address: slower.address, site: 'west' }],
    service,
  })
  assert.equal((await gateway.request('/')).body, 'late')
  assert.deepEqual(hedges(gateway), [1, 0])
  await gateway.quiet()
  assert.equal(gateway.service().endpoints[1]!.failuresTotal, 0)
})

test('a bad answer does not win while somebody else may give a good one', async (t) => {
  let answer = (): void => {}
  const slow = await rawServer(t, ({ connection }) => {
    answer = () => connection.respond(200, 'good')
  })
  const bad = await rawServer(t, ({ connection }) => {
    connection.respond(503, 'bad')
    setImmediate(answer)
  })
  const gateway = await testGateway(t, {
    endpoints: [slow.address, { address: bad.address, site: 'west' }],
    service,
  })
  assert.equal((await gateway.request('/')).body, 'good')
  await gateway.quiet()
  assert.equal(gateway.service().endpoints[1]!.failuresTotal, 1)
})

test('when both fail the request is retried as after one', async (t) => {
  let fail = (): void => {}
  const first = await rawServer(t, ({ connection }) => {
    fail = () => connection.reset()
  })
  const second = await rawServer(t, ({ connection }) => {
    connection.reset()
    setImmediate(fail)
  })
  const third = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [first.address, ...[second, third].map(({ address }) => ({ address, site: 'west' }))],
    service,
  })
  assert.equal((await gateway.request('/')).body, 'fine')
  await gateway.quiet()
})

test('what cannot be repeated is not: a POST, a body that was let go, a request that is repeated already', async (t) => {
  const slow = await rawServer(t, async ({ connection, body }) => {
    await body()
    setTimeout(() => connection.respond(200, 'slow'), 150)
  })
  const other = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [{ address: slow.address }, { address: other.address, site: 'west' }],
    service: { ...service, retry: { ...service.retry, bodyBytes: 10 } },
  })
  assert.equal((await gateway.request('POST /', [], 'x')).body, 'slow')
  assert.equal((await gateway.request('PUT /', [], 'x'.repeat(100))).body, 'slow')
  assert.equal((await gateway.request('/', ['X-Budao-Attempt: 2'])).body, 'slow')
  assert.deepEqual(hedges(gateway), [0, 0])
  assert.equal((await gateway.request('PUT /', [], 'x')).body, 'fine')
})

test('hedges are paid from the retry budget, and end with it', async (t) => {
  const slow = await rawServer(t, async ({ connection }) => {
    setTimeout(() => connection.respond(200, 'slow'), 120)
  })
  const other = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [{ address: slow.address }, { address: other.address, site: 'west' }],
    service: { ...service, retry: { budgetPercent: 20, budgetMin: 0, hedge: { after: '10ms' } } },
  })
  const bodies: string[] = []
  for (let i = 0; i < 20; i++) bodies.push((await gateway.request('/')).body)
  assert.equal(bodies.filter((body) => body === 'fine').length, 4)
  assert.deepEqual(hedges(gateway), [4, 4])
})

test('with one endpoint there is nobody else to ask', async (t) => {
  const slow = await rawServer(t, ({ connection }) => {
    setTimeout(() => connection.respond(200, 'slow'), 120)
  })
  const gateway = await testGateway(t, { endpoints: [slow.address], service })
  assert.equal((await gateway.request('/')).body, 'slow')
  assert.equal(slow.heads.length, 1)
})

test('late may mean slower than most: the quantile of recent answers', async (t) => {
  let hangs = false
  const first = await rawServer(t, ({ connection }) => {
    if (!hangs) connection.respond(200, 'first')
  })
  const second = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [{ address: first.address }, { address: second.address, site: 'west' }],
    service: { ...service, retry: { hedge: { after: 'p95' } } },
  })
  const client = await gateway.connect()
  for (let i = 0; i < 1_000; i++) {
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.readResponse()
  }
  const before = hedges(gateway)[0]
  hangs = true
  assert.equal((await gateway.request('/')).body, 'fine')
  assert.equal(hedges(gateway)[0], before + 1)
})
