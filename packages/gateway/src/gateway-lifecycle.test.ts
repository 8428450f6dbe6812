import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawConnect, rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testFiles, testGateway, until, type TestConfig } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}
const silent: RawHandler = () => {}

test('a changed configuration is in force at once, for open connections too; old requests finish as they began', async (t) => {
  const [old, fresh] = [await rawServer(t, silent), await rawServer(t, fine)]
  const config = (address: string): TestConfig => ({
    endpoints: [address],
    workers: 2,
    service: { timeouts: { request: '1m' } },
  })
  const gateway = await testGateway(t, config(old.address))
  const port = gateway.port
  const [waiting, idle] = [await gateway.connect(), await gateway.connect()]
  waiting.send(requestText('/'))
  await until('a request at the old backend', () => old.heads.length === 1)

  assert.deepEqual(await gateway.apply(config(fresh.address)), { ok: true })
  assert.equal(gateway.port, port, 'a port that the system chose stays')
  assert.equal(gateway.gateway.snapshot!.version, 2)
  idle.send(requestText('/'))
  assert.equal((await idle.readResponse()).body, 'fine')
  for (let i = 0; i < 6; i++) assert.equal((await gateway.request('/')).body, 'fine')

  old.connections[0]!.respond(200, 'old')
  assert.equal((await waiting.readResponse()).body, 'old')
  waiting.send(requestText('/'))
  assert.equal((await waiting.readResponse()).body, 'fine')
  await until('the old connection to close', () => old.open === 0)
})

test('reloads under load fail no request', async (t) => {
  const backends = [await rawServer(t, fine), await rawServer(t, fine)]
  const config = (turn: number): TestConfig => ({
    workers: 2,
    endpoints: backends.slice(turn % 2).map(({ address }) => address),
    service: { timeouts: { request: `${1_000 + turn}ms` } },
    route: { filters: [{ headers: { response: { set: { 'X-Turn': String(turn) } } } }] },
  })
  const gateway = await testGateway(t, config(0))
  const load = { on: true }
  let requests = 0
  const clients = Array.from({ length: 8 }, async (_, n) => {
    let client = await gateway.connect()
    while (load.on) {
      client.send(requestText(n % 2 === 0 ? 'POST /' : '/', [], n % 2 === 0 ? 'body' : ''))
      assert.equal((await client.readResponse()).status, 200)
      requests++
      if (n % 4 !== 0) continue
      client.socket.destroy()
      client = await gateway.connect()
    }
    client.socket.destroy()
  })
  for (let turn = 1; turn <= 20; turn++) assert.deepEqual(await gateway.apply(config(turn)), { ok: true })
  load.on = false
  await Promise.all(clients)
  assert.equal((await gateway.request('/')).header('x-turn'), '20')
  assert.ok(requests > 100)
  await gateway.quiet()
})

test('a configuration that cannot be served is refused whole, with the reason, and everything goes on', async (t) => {
  const backend = await rawServer(t, fine)
  const taken = await rawServer(t, fine)
  const dir = testFiles(t, { 'broken.mjs': 'throw new Error("broken")' })
  const good: TestConfig = {
    workers: 2,
    endpoints: [backend.address],
    service: { breaker: { requestVolumeThreshold: 1_000 } },
    route: { filters: [{ rateLimit: { key: 'header:X-User', requests: 3, per: '1h' } }] },
  }
  const gateway = await testGateway(t, good, dir)
  const asUser = async (): Promise<number> => (await gateway.request('/', ['X-User: a'])).status
  assert.equal(await asUser(), 200)
  const bad: [change: TestConfig, problem: RegExp][] = [
    [{ route: { filters: [{ jwt: { jwks: 'missing.json' } }] } }, /missing\.json/],
    [{ route: { filters: [{ module: { path: 'broken.mjs' } }] } }, /broken\.mjs/],
    [
      {
        listeners: [
          { name: 'other', address: '127.0.0.1:0', protocol: 'http' },
          { name: 'web', address: taken.address, protocol: 'http' },
        ],
      },
      /EADDRINUSE/,
    ],
    [
      {
        listeners: [
          { name: 'web', address: '127.0.0.1:0', protocol: 'https', tls: { cert: 'no.crt', key: 'no.key' } },
        ],
      },
      /no\.crt/,
    ],
  ]
  for (const [change, problem] of bad) {
    const result = await gateway.apply({ ...good, endpoints: [backend.address, taken.address], ...change })
    assert.equal(result.ok, false)
    assert.match(result.ok ? '' : result.problem, problem)
    assert.equal((await gateway.request('/', [`X-User: ${problem.source}`])).body, 'fine')
    assert.equal(gateway.gateway.snapshot!.version, 1)
    assert.deepEqual(Object.keys(gateway.gateway.addresses), ['web'])
  }
  assert.equal(await asUser(), 200)
  assert.deepEqual(
    await gateway.apply({ ...good, service: { ...good.service, timeouts: { request: '9s' } } }),
    { ok: true },
  )
  // The limit and the breaker know of everything that came before, the refused configurations notwithstanding.
  assert.equal(await asUser(), 200)
  assert.equal(await asUser(), 429)
  assert.equal(gateway.service().breaker.calls, 7)
  assert.equal(taken.heads.length, 0)
})

test('what is known of endpoints survives a reload: ejections, breakers, verdicts, a person’s word', async (t) => {
  const [bad, good, more] = [
    await rawServer(t, ({ connection }) => connection.reset()),
    await rawServer(t, fine),
    await rawServer(t, fine),
  ]
  const service = {
    balance: 'round-robin',
    outlier: { maxFails: 2, failTimeout: '1h' },
    breaker: { window: '1h', requestVolumeThreshold: 2, errorThresholdPercentage: 90, sleepWindow: '1h' },
    retry: { budgetPercent: 100 },
  }
  const gateway = await testGateway(t, { workers: 2, endpoints: [bad.address, good.address], service })
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).status, 200)
  await until('an ejection', () => gateway.eventsOf('endpoint.ejected').length === 1)
  assert.equal(gateway.service().endpoints[0]!.breaker.state, 'open')
  assert.ok(gateway.gateway.forceBreaker('shop', null, 'closed', 'a test'))

  assert.deepEqual(
    await gateway.apply({ workers: 2, endpoints: [more.address, bad.address, good.address], service }),
    { ok: true },
  )
  const [, known] = gateway.service().endpoints
  assert.equal(known!.address, bad.address)
  assert.equal(known!.state, 'ejected')
  assert.equal(known!.breaker.state, 'open')
  assert.equal(gateway.service().breaker.state, 'forced-closed')
  const before = bad.heads.length
  for (let i = 0; i < 10; i++) assert.equal((await gateway.request('/')).status, 200)
  assert.equal(bad.heads.length, before)
  assert.ok(more.heads.length > 0)
})

test('listeners come and go with the configuration', async (t) => {
  const backend = await rawServer(t, fine)
  const listener = (name: string) => ({ name, address: '127.0.0.1:0', protocol: 'http' })
  const config = (...names: string[]): TestConfig => ({
    workers: 2,
    endpoints: [backend.address],
    listeners: names.map(listener),
  })
  const gateway = await testGateway(t, config('web'))
  const { port } = gateway
  await gateway.apply(config('web', 'more'))
  assert.equal(gateway.port, port)
  const more = gateway.portOf('more')
  const client = await rawConnect(t, more)
  client.send(requestText('/'))
  assert.equal((await client.readResponse()).status, 200)

  await gateway.apply(config('web'))
  assert.deepEqual(Object.keys(gateway.gateway.addresses), ['web'])
  await until('nobody listens', () =>
    rawConnect(t, more).then(
      () => false,
      () => true,
    ),
  )
  assert.equal((await gateway.request('/')).status, 200)
})

test('a drain finishes what is under way, closes behind it, and takes nothing new', async (t) => {
  const backend = await rawServer(t, async ({ connection, body, target }) => {
    await body()
    if (target === '/fast') connection.respond(200, 'fast')
  })
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: { timeouts: { request: '1m' } },
  })
  const [waiting, uploading, streaming, idle, started] = await Promise.all(
    Array.from({ length: 5 }, () => gateway.connect()),
  )
  waiting!.send(requestText('/waiting'))
  uploading!.send(requestText('POST /fast', ['Transfer-Encoding: chunked']) + '4\r\nhalf\r\n')
  streaming!.send(requestText('/streaming'))
  started!.send(requestText('/fast').slice(0, 10))
  idle!.send(requestText('/fast'))
  await idle!.readResponse()
  const at = (target: string) => backend.connections.find(({ received }) => received.includes(target))
  await until(
    'requests at the backend',
    () => at('/waiting') !== undefined && at('/streaming') !== undefined && at('POST /fast') !== undefined,
  )
  at('/streaming')!.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
  await streaming!.readUntil('half')
  await until('all heads', () => gateway.connections.downstream === 5)

  const port = gateway.port
  const drained = gateway.gateway.drain(15_000)
  assert.equal(gateway.gateway.serving, false)
  assert.equal(gateway.gateway.report().state, 'draining')
  assert.equal(await idle!.readToEnd(), '')
  idle!.socket.destroy()
  await until('nobody listens', () =>
    rawConnect(t, port).then(
      () => false,
      () => true,
    ),
  )

  at('/waiting')!.respond(200, 'waited')
  uploading!.send('4\r\nhalf\r\n0\r\n\r\n')
  started!.send(requestText('/fast').slice(10))
  at('/streaming')!.write('half')
  for (const [client, body] of [
    [waiting!, 'waited'],
    [uploading!, 'fast'],
    [started!, 'fast'],
  ] as const) {
    const response = await client.readResponse()
    assert.equal(response.body, body)
    assert.equal(response.header('connection'), 'close')
    assert.equal(await client.readToEnd(), '')
    client.socket.destroy()
  }
  assert.equal(await streaming!.readToEnd(), 'half')
  streaming!.socket.destroy()
  assert.equal(await drained, true)
})

test('a drain gives up on what does not end in its time', async (t) => {
  const backend = await rawServer(t, silent)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { timeouts: { request: '1m' } },
  })
  const client = await gateway.connect()
  client.send(requestText('/'))
  await until('a request', () => backend.heads.length === 1)
  assert.equal(await gateway.gateway.drain(50), false)
  await gateway.gateway.close()
  await client.readToEnd()
  await until('the end of the connection', () => backend.connections[0]!.ended)
})

const crashes: [name: string, code: string][] = [
  ['exits', 'process.exit(7)'],
  ['throws where nobody waits', 'setTimeout(() => { throw new Error("boom") })'],
  ['leaves a rejection behind', 'void Promise.reject(new Error("boom"))'],
]
for (const [name, code] of crashes) {
  test(`a worker that ${name} is replaced, the other one serves on, and its counts are taken back`, async (t) => {
    const dir = testFiles(t, {
      'crash.mjs': `export default { onRequest(request) { if (request.path === '/crash') { ${code} } } }`,
    })
    const backend = await rawServer(t, ({ connection, target }) =>
      target === '/hold'
        ? undefined
        : connection.respond(target === '/pause' ? 503 : 200, 'fine', { 'Retry-After': '30' }),
    )
    const gateway = await testGateway(
      t,
      {
        workers: 2,
        endpoints: [backend.address],
        service: {
          timeouts: { request: '1m' },
          limits: { connections: 1, concurrency: 20 },
          retry: { budgetPercent: 100 },
        },
        route: { filters: [{ module: { path: 'crash.mjs' } }] },
      },
      dir,
    )
    const port = gateway.port
    // Both workers get requests that pause before another attempt, that are under way, and that wait for a connection.
    const pausing = await Promise.all(Array.from({ length: 6 }, () => gateway.connect()))
    for (const client of pausing) client.send(requestText('/pause'))
    await until(
      'six answers 503',
      () => backend.heads.length === 6 && gateway.service().endpoints[0]!.inFlight === 0,
    )
    const held = await Promise.all(Array.from({ length: 12 }, () => gateway.connect()))
    for (const client of held) client.send(requestText('/hold'))
    await until(
      'all under way',
      () => gateway.service().inFlight === 18 && gateway.service().endpoints[0]!.inFlight === 12,
    )
    const crasher = await gateway.connect()
    crasher.send(requestText('/crash'))
    await until('a crash', () => gateway.eventsOf('worker.crashed').length === 1)
    const [event] = gateway.eventsOf('worker.crashed')
    if (name !== 'exits') assert.match(String(event!.evidence['cause']), /boom/)
    await until('a replacement', () => gateway.eventsOf('worker.started').length === 1)

    await until('lost connections', () => held.some(({ closed }) => closed))
    await until(
      'counts taken back',
      () => gateway.service().inFlight === [...held, ...pausing].filter(({ closed }) => !closed).length,
    )
    for (const client of [...held, ...pausing]) client.socket.destroy()
    await gateway.quiet()
    assert.equal(gateway.port, port)
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await gateway.request('/')).status),
    )
    assert.deepEqual(new Set(statuses), new Set([200]))
    assert.deepEqual(
      gateway.gateway.report().workers.map(({ state }) => state),
      ['serving', 'serving'],
    )
    assert.equal(
      gateway.gateway.report().workers.reduce((sum, { restarts }) => sum + restarts, 0),
      1,
    )
  })
}

test('a worker that no longer reacts is replaced', async (t) => {
  const dir = testFiles(t, {
    'stuck.mjs': `export default {
      onRequest(request) { if (request.path === '/stuck') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) },
    }`,
  })
  const backend = await rawServer(t, fine)
  const route = { filters: [{ module: { path: 'stuck.mjs' } }] }
  const gateway = await testGateway(t, { endpoints: [backend.address], route }, dir, { stuckMs: 2_000 })
  const client = await gateway.connect()
  client.send(requestText('/stuck'))
  await until('a replacement', () => gateway.eventsOf('worker.started').length === 1)
  assert.match(String(gateway.eventsOf('worker.crashed')[0]!.evidence['cause']), /has not reacted for \d+ ms/)
  assert.equal((await gateway.request('/')).body, 'fine')
})

test('a replaced worker begins with the snapshot in force, not the one it died in', async (t) => {
  const dir = testFiles(t, {
    'crash.mjs': `export default { onRequest(request) { if (request.path === '/crash') process.exit(1) } }`,
  })
  const [old, fresh] = [
    await rawServer(t, fine),
    await rawServer(t, ({ connection }) => connection.respond(200, 'new')),
  ]
  const config = (address: string): TestConfig => ({
    endpoints: [address],
    route: { filters: [{ module: { path: 'crash.mjs' } }] },
  })
  const gateway = await testGateway(t, { ...config(old.address), workers: 2 }, dir)
  const crasher = await gateway.connect()
  crasher.send(requestText('/crash'))
  await until('a crash', () => gateway.eventsOf('worker.crashed').length === 1)
  assert.deepEqual(await gateway.apply({ ...config(fresh.address), workers: 2 }), { ok: true })
  await until('a replacement', () => gateway.eventsOf('worker.started').length === 1)
  const bodies = await Promise.all(Array.from({ length: 20 }, async () => (await gateway.request('/')).body))
  assert.deepEqual(new Set(bodies), new Set(['new']))
})

test('a start that cannot succeed says why and leaves nothing open', async (t) => {
  const backend = await rawServer(t, fine)
  await assert.rejects(
    testGateway(t, { workers: 2, endpoints: [backend.address], listener: { address: backend.address } }),
    /EADDRINUSE/,
  )
  await assert.rejects(
    testGateway(t, { endpoints: [backend.address], route: { filters: [{ jwt: { jwks: 'missing.json' } }] } }),
    /missing\.json/,
  )
})
