import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawConnect, rawServer, type RawConnection, type RawHandler } from '@budao/testkit'
import { requestText, testGateway, until, type TestGateway } from './test-gateway.test.ts'

const fine: RawHandler = ({ connection }) => connection.respond(200, 'fine')
const silent: RawHandler = () => {}

function stateOf(gateway: TestGateway, index: number): string {
  return gateway.service().endpoints[index]!.state
}

test('a backend that accepts and never answers is ejected once, and users are answered by the other', async (t) => {
  const bad = await rawServer(t, silent)
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [bad.address, good.address],
    service: {
      balance: 'round-robin',
      outlier: { maxFails: 3, failTimeout: '1h' },
      timeouts: { request: '1m', perTry: '500ms' },
      retry: { budgetPercent: 100 },
    },
  })
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async () => (await gateway.request('/')).status),
  )
  assert.deepEqual(new Set(statuses), new Set([200]))
  await until('an ejection', () => stateOf(gateway, 0) === 'ejected')
  await until('an event', () => gateway.eventsOf('endpoint.ejected').length > 0)

  const before = bad.heads.length
  for (let i = 0; i < 20; i++) assert.equal((await gateway.request('/')).status, 200)
  assert.equal(bad.heads.length, before)
  const events = gateway.eventsOf('endpoint.ejected')
  assert.equal(events.length, 1)
  assert.equal(events[0]!.subject, bad.address)
  assert.equal(events[0]!.evidence['usableLeft'], 1)
  assert.equal(gateway.service().state, 'degraded')
  assert.ok(gateway.service().endpoints[0]!.ejectedForMs > 0)
})

test('an ejection ends by itself, and that is an event too', async (t) => {
  let well = false
  const flaky = await rawServer(t, (exchange) => (well ? fine(exchange) : exchange.connection.reset()))
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [flaky.address, good.address],
    service: {
      balance: 'round-robin',
      outlier: { maxFails: 2, failTimeout: '300ms' },
      retry: { budgetPercent: 100 },
    },
  })
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).status, 200)
  await until('an ejection', () => gateway.eventsOf('endpoint.ejected', flaky.address).length === 1)
  well = true
  await until('its end', () => stateOf(gateway, 0) === 'usable')
  await until('an event', () => gateway.eventsOf('endpoint.returned', flaky.address).length === 1)
  const before = flaky.heads.length
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).status, 200)
  assert.ok(flaky.heads.length > before)
})

test('the only endpoint is never ejected', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.reset())
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { breaker: false, outlier: { maxFails: 1 } },
  })
  for (let i = 0; i < 5; i++) assert.equal((await gateway.request('POST /')).status, 502)
  assert.equal(backend.heads.length, 5)
  assert.equal(gateway.eventsOf('endpoint.ejected').length, 0)
})

test('an http check takes an endpoint out and brings it back, once for two workers', async (t) => {
  let status = 200
  const checked = await rawServer(t, ({ connection, target }) =>
    target === '/healthz' ? connection.respond(status, '') : connection.respond(200, 'checked'),
  )
  const other = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [checked.address, other.address],
    service: {
      balance: 'round-robin',
      healthCheck: { type: 'http', path: '/healthz', interval: '500ms', unhealthyAfter: 2, healthyAfter: 1 },
    },
  })
  await until('a check', () => checked.heads.length > 0)
  assert.match(checked.heads[0]!, new RegExp(`^Host: ${checked.address}\r$`, 'im'))
  status = 500
  await until('a verdict', () => stateOf(gateway, 0) === 'unhealthy')
  assert.equal(gateway.service().endpoints[0]!.lastCheckError, 'answered 500, expected 200-399')
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).body, 'fine')
  status = 204
  await until('another verdict', () => stateOf(gateway, 0) === 'usable')
  const bodies = new Set<string>()
  for (let i = 0; i < 10; i++) bodies.add((await gateway.request('/')).body)
  assert.ok(bodies.has('checked'))
  assert.equal(gateway.eventsOf('endpoint.unhealthy', checked.address).length, 1)
  assert.equal(gateway.eventsOf('endpoint.healthy', checked.address).length, 1)
})

test('a check that gets no answer, a broken one or the start of one', async (t) => {
  const table: [handler: RawHandler, error: string | RegExp][] = [
    [silent, 'no answer within 500 ms'],
    [({ connection }) => connection.reset(), 'ECONNRESET'],
    [({ connection }) => connection.write('nonsense\r\n\r\n'), /./],
    [({ connection }) => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'), ''],
  ]
  const backends = await Promise.all(table.map(([handler]) => rawServer(t, handler)))
  const gateway = await testGateway(t, {
    endpoints: backends.map(({ address }) => address),
    service: {
      healthCheck: { type: 'http', interval: '500ms', unhealthyAfter: 1, healthyAfter: 1 },
      priority: { panicPercent: 0 },
    },
  })
  await until(
    'verdicts',
    () => gateway.service().endpoints.filter(({ state }) => state === 'unhealthy').length === 3,
  )
  for (const [index, [, error]] of table.entries()) {
    const { lastCheckError, state } = gateway.service().endpoints[index]!
    assert.equal(state, error === '' ? 'usable' : 'unhealthy')
    if (typeof error === 'string') assert.equal(lastCheckError, error)
    else assert.match(lastCheckError, error)
  }
})

test('a tcp check takes an endpoint out and brings it back', async (t) => {
  const checked = await rawServer(t, fine)
  const other = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [checked.address, other.address],
    service: { healthCheck: { type: 'tcp', interval: '500ms', unhealthyAfter: 1, healthyAfter: 1 } },
  })
  await checked.kill()
  await until('a verdict', () => stateOf(gateway, 0) === 'unhealthy')
  assert.equal(gateway.service().endpoints[0]!.lastCheckError, 'ECONNREFUSED')
  await rawServer(t, fine, checked.port)
  await until('another verdict', () => stateOf(gateway, 0) === 'usable')
})

test('when too few endpoints pass, health is ignored and people are told', async (t) => {
  const backends = await Promise.all(
    [fine, fine].map((handler) =>
      rawServer(t, ({ connection, ...rest }) =>
        rest.target === '/healthz' ? connection.respond(500, '') : handler({ connection, ...rest }),
      ),
    ),
  )
  const gateway = await testGateway(t, {
    endpoints: backends.map(({ address }) => address),
    service: { healthCheck: { type: 'http', path: '/healthz', interval: '20ms', unhealthyAfter: 1 } },
  })
  await until('panic', () => gateway.eventsOf('service.panic', 'shop').length === 1)
  assert.equal((await gateway.request('/')).status, 200)
  assert.equal(gateway.service().panic, true)
})

// Breakers.

interface Switch {
  status: number
  /** The connection of the request held back last. */
  held?: RawConnection
}

/** A backend that answers with a status, or holds requests back while it is 0. */
function switched(to: Switch): RawHandler {
  return ({ connection }) => {
    if (to.status === 0) to.held = connection
    else connection.respond(to.status, String(to.status))
  }
}

const breaker = { window: '1h', requestVolumeThreshold: 5, sleepWindow: '300ms', trialLease: '1h' }

function refusals(bodies: readonly string[]): number {
  return bodies.filter((body) => body.includes('breaker_open')).length
}

test('the breaker of a service opens, lets one trial through for two workers, and closes', async (t) => {
  const turn: Switch = { status: 500 }
  const backend = await rawServer(t, switched(turn))
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: { breaker, timeouts: { request: '1m' } },
  })
  for (let i = 0; i < 5; i++) assert.equal((await gateway.request('/')).status, 500)
  const refused = await gateway.request('/')
  assert.equal(refused.status, 503)
  assert.equal((JSON.parse(refused.body) as { error: string }).error, 'breaker_open')
  assert.match(refused.header('retry-after')!, /^\d+$/)
  assert.equal(backend.heads.length, 5)

  turn.status = 0
  await until('the end of the sleep', async () => {
    const client = await gateway.connect()
    client.send(requestText('/'))
    await until('an answer or a trial', () => client.pending !== '' || backend.heads.length === 6)
    return backend.heads.length === 6
  })
  const during = await Promise.all(Array.from({ length: 30 }, async () => (await gateway.request('/')).body))
  assert.equal(refusals(during), 30)
  assert.equal(backend.heads.length, 6, 'exactly one trial')

  turn.held!.respond(200, 'well')
  turn.status = 200
  await until('a closed breaker', () => gateway.service().breaker.state === 'closed')
  const after = await Promise.all(Array.from({ length: 30 }, async () => (await gateway.request('/')).status))
  assert.deepEqual(new Set(after), new Set([200]))
  await until('events', () => gateway.eventsOf('breaker.closed', 'shop').length === 1)
  assert.equal(gateway.eventsOf('breaker.opened', 'shop').length, 1)
  assert.equal(gateway.eventsOf('breaker.half-open', 'shop').length, 1)
  assert.equal(gateway.eventsOf('breaker.opened', 'shop')[0]!.evidence['failures'], 5)
})

test('the breaker of an endpoint keeps requests away from it alone', async (t) => {
  const bad = await rawServer(t, switched({ status: 500 }))
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [bad.address, good.address],
    service: {
      balance: 'round-robin',
      breaker: { ...breaker, errorThresholdPercentage: 75, sleepWindow: '1h' },
    },
  })
  for (let i = 0; i < 12; i++) await gateway.request('/')
  assert.equal(gateway.service().endpoints[0]!.breaker.state, 'open')
  assert.equal(stateOf(gateway, 0), 'open')
  assert.equal(gateway.service().breaker.state, 'closed')
  const before = bad.heads.length
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).status, 200)
  assert.equal(bad.heads.length, before)
  assert.equal(gateway.eventsOf('breaker.opened', bad.address).length, 1)
})

test('an endpoint whose breaker has slept is usable again, though nobody asked it since', async (t) => {
  const turn: Switch = { status: 500 }
  const bad = await rawServer(t, switched(turn))
  const good = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [bad.address, good.address],
    service: {
      balance: 'round-robin',
      breaker: { ...breaker, errorThresholdPercentage: 75, sleepWindow: '300ms' },
    },
  })
  for (let i = 0; i < 12 && stateOf(gateway, 0) !== 'open'; i++) await gateway.request('/')
  turn.status = 200
  await until('its turn', () => stateOf(gateway, 0) === 'usable')
  assert.equal(gateway.service().endpoints[0]!.breaker.state, 'open')
  for (let i = 0; i < 4; i++) await gateway.request('/')
  assert.equal(gateway.service().endpoints[0]!.breaker.state, 'closed')
})

test('a person holds breakers open and closed', async (t) => {
  const turn: Switch = { status: 200 }
  const backend = await rawServer(t, switched(turn))
  const gateway = await testGateway(t, { workers: 2, endpoints: [backend.address], service: { breaker } })
  const force = (endpoint: string | null, to: 'open' | 'closed' | 'auto'): void =>
    assert.ok(gateway.gateway.forceBreaker('shop', endpoint, to, 'a test'))

  force(null, 'open')
  assert.equal(gateway.service().breaker.state, 'forced-open')
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/')).status, 503)
  force(null, 'closed')
  turn.status = 500
  for (let i = 0; i < 20; i++) await gateway.request('/')
  assert.equal(gateway.service().breaker.state, 'forced-closed')
  assert.equal(gateway.service().endpoints[0]!.breaker.state, 'open', 'it has a breaker of its own')
  force(null, 'auto')
  turn.status = 200

  force(backend.address, 'open')
  const refused = await gateway.request('/')
  assert.equal(refused.status, 503)
  assert.match(refused.body, /no_endpoint/)
  force(backend.address, 'auto')
  await until('an answer', async () => (await gateway.request('/')).status === 200)
  assert.ok(gateway.eventsOf('breaker.forced').length >= 3)
  assert.equal(gateway.gateway.forceBreaker('shop', '127.0.0.1:1', 'open', ''), false)
  assert.equal(gateway.gateway.forceBreaker('nobody', null, 'open', ''), false)
})

test('answers 4xx and clients that leave do not open a breaker', async (t) => {
  const turn: Switch = { status: 404 }
  const backend = await rawServer(t, switched(turn))
  const gateway = await testGateway(t, { endpoints: [backend.address], service: { breaker } })
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).status, 404)
  turn.status = 0
  for (let i = 0; i < 10; i++) {
    const client = await gateway.connect()
    client.send(requestText('/'))
    await until('a request', () => backend.heads.length === 11 + i)
    client.reset()
  }
  await gateway.quiet()
  assert.deepEqual(gateway.service().breaker, { state: 'closed', calls: 10, failures: 0, slow: 0 })
})

// Limits.

test('a service takes so many requests at once, over two workers, and the rest is told when to come again', async (t) => {
  const backend = await rawServer(t, silent)
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: { limits: { concurrency: 3 }, timeouts: { request: '1m' } },
  })
  const held = await Promise.all(Array.from({ length: 3 }, () => gateway.connect()))
  for (const client of held) client.send(requestText('/'))
  await until('three under way', () => backend.heads.length === 3)
  assert.equal(gateway.service().inFlight, 3)
  for (let i = 0; i < 6; i++) {
    const refused = await gateway.request('/')
    assert.equal(refused.status, 503)
    assert.equal((JSON.parse(refused.body) as { error: string }).error, 'overloaded')
    assert.match(refused.header('retry-after')!, /^\d+$/)
  }
  backend.connections[0]!.respond(200, 'done')
  await until('two under way', () => gateway.service().inFlight === 2)
  assert.equal(gateway.service().breaker.failures, 0, 'being full is no failure of the service')
})

test('requests wait for a connection, so many and no more, and being full is no failure', async (t) => {
  const backend = await rawServer(t, silent)
  const gateway = await testGateway(t, {
    workers: 1,
    endpoints: [backend.address],
    service: { limits: { connections: 1, pending: 2 }, timeouts: { request: '1m' } },
  })
  const clients = await Promise.all(Array.from({ length: 3 }, () => gateway.connect()))
  for (const client of clients) {
    client.send(requestText('/'))
    await until('it to be under way', () => gateway.service().inFlight === clients.indexOf(client) + 1)
  }
  const refused = await gateway.request('/')
  assert.equal(refused.status, 503)
  assert.equal((JSON.parse(refused.body) as { error: string }).error, 'overloaded')
  assert.equal(backend.connections.length, 1)
  for (let i = 0; i < 3; i++) {
    await until('the next request', () => backend.heads.length === i + 1)
    backend.connections[0]!.respond(200, 'done')
  }
  for (const client of clients) assert.equal((await client.readResponse()).body, 'done')
  assert.equal(gateway.service().breaker.failures, 0)
})

test('a listener closes connections beyond its limit and takes new ones when others have gone', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listeners: [
      { name: 'web', address: '127.0.0.1:0', protocol: 'http', limits: { connections: 2 } },
      { name: 'other', address: '127.0.0.1:0', protocol: 'http', limits: { connections: 2 } },
    ],
  })
  const clients = [
    await gateway.connect(),
    await gateway.connect(),
    await rawConnect(t, gateway.portOf('other')),
  ]
  for (const client of clients) {
    client.send(requestText('/'))
    await client.readResponse()
  }
  const third = await gateway.connect()
  assert.equal(await third.readToEnd(), '')
  assert.equal(
    clients.every(({ closed }) => !closed),
    true,
  )
  assert.match(gateway.gateway.metrics(), /^budao_gateway_connections_refused_total 1$/m)
  clients[0]!.socket.destroy()
  await until('room', async () => {
    const next = await gateway.connect()
    next.send(requestText('/'))
    return next.readResponse().then(
      ({ status }) => status === 200,
      () => false,
    )
  })
})
