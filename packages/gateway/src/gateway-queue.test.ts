import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rawServer, type RawConnection, type RawServer } from '@budao/testkit'
import {
  requestText,
  testFiles,
  testGateway,
  until,
  type TestConfig,
  type TestGateway,
} from './test-gateway.test.ts'

/** A backend that answers a request when the test says so. */
interface HeldBackend {
  readonly server: RawServer
  /** Targets of requests that are held, oldest first. */
  readonly held: string[]
  /** Answers the oldest request that is held. */
  release(): void
}

async function heldBackend(t: TestContext): Promise<HeldBackend> {
  const held: string[] = []
  const connections: RawConnection[] = []
  const server = await rawServer(t, ({ connection, target }) => {
    held.push(target)
    connections.push(connection)
  })
  return {
    server,
    held,
    release: () => {
      const target = held.shift()!
      connections.shift()!.respond(200, target)
    },
  }
}

function errorOf(body: string): string {
  return (JSON.parse(body) as { error: string }).error
}

const routes = ['critical', 'high', 'normal', 'low'].map((priority) => ({
  name: priority,
  match: [{ path: { prefix: `/${priority}` } }],
  priority,
  backends: [{ service: 'shop' }],
}))

/** One place, everybody's, and a queue. */
function onePlace(backend: HeldBackend, queue: object, more: TestConfig = {}): TestConfig {
  const shares = { critical: 100, high: 100, normal: 100, low: 100 }
  const limits = { concurrency: 1, queue, shares }
  return {
    endpoints: [backend.server.address],
    service: { timeouts: { request: '20s', perTry: '20s' }, limits },
    routes,
    ...more,
  }
}

async function waiting(gateway: TestGateway, count: number): Promise<void> {
  await until(`${count} to wait`, () => gateway.service().waiting === count)
}

test('whoever finds no place waits, and the best class is served first, whoever came first', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, onePlace(backend, { size: 10, timeout: '15s' }))
  const answers = [gateway.request('/normal/0')]
  await until('the first to be under way', () => backend.held.length === 1)
  for (const target of ['/low/1', '/normal/2', '/critical/3', '/high/4', '/normal/5']) {
    answers.push(gateway.request(target))
    await waiting(gateway, answers.length - 1)
  }
  const order: string[] = []
  while (order.length < 6) {
    await until('one to be served', () => backend.held.length === 1)
    order.push(backend.held[0]!)
    backend.release()
  }
  assert.deepEqual(order, ['/normal/0', '/critical/3', '/high/4', '/normal/2', '/normal/5', '/low/1'])
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200)
  await gateway.quiet()
  assert.equal(gateway.service().waiting, 0)
})

test('a full queue turns away the lowest class, with a time to come again', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, onePlace(backend, { size: 2, timeout: '15s' }))
  const first = gateway.request('/normal/0')
  await until('the first to be under way', () => backend.held.length === 1)
  const low = gateway.request('/low/1')
  await waiting(gateway, 1)
  const normal = gateway.request('/normal/2')
  await waiting(gateway, 2)
  const late = await gateway.request('/low/3')
  assert.equal(late.status, 503)
  assert.equal(errorOf(late.body), 'overloaded')
  assert.match(late.header('retry-after')!, /^[12]$/)
  assert.equal(late.header('x-budao-overloaded'), 'true')

  const high = gateway.request('/high/4')
  assert.equal(errorOf((await low).body), 'overloaded')
  await waiting(gateway, 2)
  assert.deepEqual(gateway.service().shed, { critical: 0, high: 0, normal: 0, low: 2 })
  for (const answer of [first, high, normal]) {
    await until('one to be served', () => backend.held.length === 1)
    backend.release()
    assert.equal((await answer).status, 200)
  }
})

test('nobody waits longer than the queue allows', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, onePlace(backend, { size: 2, timeout: '50ms' }))
  const first = gateway.request('/normal/0')
  await until('the first to be under way', () => backend.held.length === 1)
  const late = await gateway.request('/high/1')
  assert.equal(late.status, 503)
  assert.equal(errorOf(late.body), 'queue_timeout')
  assert.equal(backend.server.heads.length, 1)
  backend.release()
  assert.equal((await first).status, 200)
  assert.match(
    gateway.gateway.metrics(),
    /shed_requests_total\{service="shop",priority="high",reason="queue_timeout"\} 1\n/,
  )
})

test('a client that leaves leaves the queue, and so does one whose time is over', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, onePlace(backend, { size: 10, timeout: '15s' }))
  const first = gateway.request('/normal/0')
  await until('the first to be under way', () => backend.held.length === 1)
  const leaver = await gateway.connect()
  leaver.send(requestText('/normal/1'))
  await waiting(gateway, 1)
  leaver.reset()
  await waiting(gateway, 0)
  const hurried = await gateway.request('/normal/2', ['X-Budao-Timeout: 60'])
  assert.equal(errorOf(hurried.body), 'queue_timeout')
  assert.equal(gateway.service().waiting, 0)
  backend.release()
  assert.equal((await first).status, 200)
  await gateway.quiet()
  assert.equal(backend.server.heads.length, 1)
})

test('two threads share one limit and one queue, and a place that becomes free in one serves a waiter of the other', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, onePlace(backend, { size: 40, timeout: '15s' }, { workers: 2 }))
  const first = gateway.request('/normal/first')
  await until('the first to be under way', () => backend.held.length === 1)
  const answers = Array.from({ length: 30 }, (_, i) => gateway.request(`/normal/${i}`))
  await waiting(gateway, 30)
  assert.equal(backend.held.length, 1)
  for (let served = 0; served <= 30; served++) {
    await until('one to be served', () => backend.held.length === 1)
    assert.equal(gateway.service().inFlight, 1)
    backend.release()
  }
  for (const answer of [await first, ...(await Promise.all(answers))]) assert.equal(answer.status, 200)
  await gateway.quiet()
})

test('a thread that dies gives back the places and the turns of those it had', async (t) => {
  const backend = await heldBackend(t)
  const dir = testFiles(t, {
    'crash.mjs': `export default { onRequest({ path }) { if (path === '/low/crash') process.exit(7) } }`,
  })
  const gateway = await testGateway(
    t,
    onePlace(
      backend,
      { size: 40, timeout: '15s' },
      {
        workers: 2,
        routes: routes.map((route) => ({ ...route, filters: [{ module: { path: 'crash.mjs' } }] })),
      },
    ),
    dir,
  )
  const clients = await Promise.all(Array.from({ length: 21 }, () => gateway.connect()))
  for (const [i, client] of clients.entries()) client.send(requestText(`/normal/${i}`))
  await waiting(gateway, 20)
  ;(await gateway.connect()).send(requestText('/low/crash'))
  await until('a crash', () => gateway.eventsOf('worker.crashed').length === 1)
  const left = (): number => clients.filter(({ closed }) => !closed).length
  await until('the count of those left', () => {
    const { inFlight, waiting: count } = gateway.service()
    return inFlight + count === left() && (left() === 0 || inFlight === 1)
  })
  const living = left()
  assert.ok(living < 21)
  const answered = (): number => clients.filter(({ pending }) => pending !== '').length
  // What the dead thread had asked for is answered to nobody.
  await until('everybody left to be answered', () => {
    if (backend.held.length > 0) backend.release()
    return answered() === living
  })
  for (const client of clients) client.socket.destroy()
  await gateway.quiet()
  assert.equal(gateway.service().waiting, 0)
})

test('a reload goes on with the queue', async (t) => {
  const backend = await heldBackend(t)
  const config = onePlace(backend, { size: 10, timeout: '15s' })
  const gateway = await testGateway(t, config)
  const answers = [gateway.request('/normal/0')]
  await until('the first to be under way', () => backend.held.length === 1)
  answers.push(gateway.request('/low/1'))
  await waiting(gateway, 1)
  assert.deepEqual(await gateway.apply(config), { ok: true })
  answers.push(gateway.request('/high/2'))
  await waiting(gateway, 2)
  const order: string[] = []
  while (order.length < 3) {
    await until('one to be served', () => backend.held.length === 1)
    order.push(backend.held[0]!)
    backend.release()
  }
  assert.deepEqual(order, ['/normal/0', '/high/2', '/low/1'])
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200)
})

test('without a queue each class has its share of the limit', async (t) => {
  const backend = await heldBackend(t)
  const gateway = await testGateway(t, {
    endpoints: [backend.server.address],
    service: {
      timeouts: { request: '20s', perTry: '20s' },
      limits: { concurrency: 4, shares: { critical: 100, high: 75, normal: 50, low: 25 } },
    },
    routes,
  })
  const under: Promise<{ readonly status: number }>[] = []
  for (const [target, passes] of [
    ['/low', true],
    ['/low', false],
    ['/normal', true],
    ['/normal', false],
    ['/high', true],
    ['/high', false],
    ['/critical', true],
    ['/critical', false],
  ] as const) {
    const answer = gateway.request(target)
    if (passes) {
      under.push(answer)
      await until(`${target} to be under way`, () => backend.held.length === under.length)
    } else assert.equal((await answer).status, 503, target)
  }
  while (backend.held.length > 0) backend.release()
  for (const answer of under) assert.equal((await answer).status, 200)
  assert.deepEqual(gateway.service().shed, { critical: 1, high: 1, normal: 1, low: 1 })
})

test('a header says the class, never a better one than the route allows', async (t) => {
  const backend = await heldBackend(t)
  const config = onePlace(backend, { size: 10, timeout: '15s' })
  const gateway = await testGateway(t, {
    ...config,
    routes: [
      {
        name: 'shop',
        priority: { header: 'X-Priority', max: 'high', default: 'low' },
        backends: [{ service: 'shop' }],
      },
    ],
  })
  const answers = [gateway.request('/0')]
  await until('the first to be under way', () => backend.held.length === 1)
  for (const [target, word] of [
    ['/none', ''],
    ['/nonsense', 'X-Priority: best'],
    ['/high', 'X-Priority: HIGH'],
    ['/critical', 'x-priority: critical'],
    ['/normal', 'X-Priority: normal'],
  ] as const) {
    answers.push(gateway.request(target, word === '' ? [] : [word]))
    await waiting(gateway, answers.length - 1)
  }
  const order: string[] = []
  while (order.length < 6) {
    await until('one to be served', () => backend.held.length === 1)
    order.push(backend.held[0]!)
    backend.release()
  }
  assert.deepEqual(order, ['/0', '/high', '/critical', '/normal', '/none', '/nonsense'])
  await Promise.all(answers)
})
