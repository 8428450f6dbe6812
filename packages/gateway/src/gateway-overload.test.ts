import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testFiles, testGateway, until } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

const routes = ['critical', 'high', 'normal', 'low'].map((priority) => ({
  name: priority,
  match: [{ path: { prefix: `/${priority}` } }],
  priority,
  backends: [{ service: 'shop' }],
}))

function errorOf(body: string): string {
  return (JSON.parse(body) as { error: string }).error
}

/** Answers as many at once as it has slots, each after a while; the others wait in it. */
function busy(slots: number, serviceMs: number): RawHandler {
  const waiting: (() => void)[] = []
  let running = 0
  const next = (): void => {
    if (running === slots) return
    const answer = waiting.shift()
    if (answer === undefined) return
    running++
    setTimeout(() => {
      running--
      answer()
      next()
    }, serviceMs)
  }
  return ({ connection }) =>
    new Promise((resolve) => {
      waiting.push(() => {
        connection.respond(200, 'fine')
        resolve()
      })
      next()
    })
}

for (const workers of [1, 2]) {
  test(`the limit finds what a busy service can take, over ${workers} thread(s), and says so`, async (t) => {
    const backend = await rawServer(t, busy(4, 20))
    const gateway = await testGateway(t, {
      workers,
      endpoints: [backend.address],
      service: {
        breaker: false,
        timeouts: { request: '20s', perTry: '20s' },
        limits: { concurrency: 200, adaptive: { measureEvery: '1s' } },
      },
    })
    assert.equal(gateway.service().limit, 100)
    const load = { ends: false }
    const statuses = new Map<number, number>()
    const user = async (): Promise<void> => {
      const client = await gateway.connect()
      while (!load.ends) {
        client.send(requestText('/'))
        const { status } = await client.readResponse()
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        // Who is turned away comes again, but not at once.
        if (status === 503) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      client.socket.destroy()
    }
    const users = Promise.all(Array.from({ length: 60 }, user))
    t.after(() => {
      load.ends = true
    })
    await until('the limit to be found', () => gateway.service().limit <= 20)
    await until('the news of it', () => gateway.eventsOf('service.shedding').length === 1)
    load.ends = true
    await users
    assert.ok(gateway.service().limit >= 4)
    const { evidence } = gateway.eventsOf('service.shedding')[0]!
    assert.ok(Number(evidence['normal']) > 0, JSON.stringify(evidence))
    assert.ok(Number(evidence['baseLatencyMs']) > 0)
    assert.ok(statuses.get(200)! > 0 && statuses.get(503)! > 0)
    assert.equal(gateway.service().endpoints[0]!.failuresTotal, 0)
    assert.match(
      gateway.gateway.metrics(),
      /\nbudao_gateway_service_base_latency_seconds\{service="shop"\} 0\.\d+\n/,
    )
    await gateway.quiet()
  })
}

test('a thread whose heap is nearly full sheds all classes but the best', async (t) => {
  const backend = await rawServer(t, fine)
  const dir = testFiles(t, {
    'full.mjs': `const kept = Array.from({ length: 20_000_000 }, (_, i) => i); export default { onRequest() { kept[0]++ } }`,
  })
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      overload: { loopDelay: '1h', heapPercent: 1 },
      routes: routes.map((route) => ({ ...route, filters: [{ module: { path: 'full.mjs' } }] })),
    },
    dir,
  )
  await until('every class but one to be shed', async () => (await gateway.request('/high')).status === 503)
  for (const path of ['/low', '/normal', '/high']) {
    const response = await gateway.request(path)
    assert.equal(response.status, 503, path)
    assert.equal(errorOf(response.body), 'gateway_overloaded')
    assert.match(response.header('retry-after')!, /^[12]$/)
  }
  assert.equal((await gateway.request('/critical')).status, 200)
  const [event, ...more] = gateway.eventsOf('gateway.overloaded')
  assert.equal(more.length, 0)
  assert.ok(Number(event!.evidence['heapPercent']) >= 1)
  assert.match(
    gateway.gateway.metrics(),
    /shed_requests_total\{service="",priority="low",reason="gateway_overloaded"\} 1\n/,
  )
})

test('a thread that comes late to its work sheds the lowest class, until it keeps up again', async (t) => {
  const backend = await rawServer(t, fine)
  const dir = testFiles(t, {
    'burn.mjs': `export default { onRequest({ path }) {
      if (path === '/critical/burn') for (const end = performance.now() + 800; performance.now() < end; );
    } }`,
  })
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      overload: { loopDelay: '100ms', heapPercent: 100 },
      routes: routes.map((route) => ({ ...route, filters: [{ module: { path: 'burn.mjs' } }] })),
    },
    dir,
  )
  await until('the lowest class to be shed', async () => {
    await gateway.request('/critical/burn')
    const response = await gateway.request('/low')
    return response.status === 503 && errorOf(response.body) === 'gateway_overloaded'
  })
  assert.equal((await gateway.request('/critical')).status, 200)
  assert.ok(Number(gateway.eventsOf('gateway.overloaded')[0]!.evidence['loopDelayMs']) >= 100)
  await until('the end of it', () => gateway.eventsOf('gateway.overload-ended').length > 0)
})

test('what is not configured does not watch: nobody is shed', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  assert.equal((await gateway.request('/')).status, 200)
  assert.deepEqual(gateway.service().shed, { critical: 0, high: 0, normal: 0, low: 0 })
  assert.equal(gateway.service().limit, 1_024)
})
