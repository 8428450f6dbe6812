import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testFiles, testGateway, until } from './test-gateway.test.ts'

/** Serves until it is told to be down, then resets. */
function backendThat(answer: RawHandler): { handler: RawHandler; down: boolean } {
  const self: { handler: RawHandler; down: boolean } = {
    down: false,
    handler: async (exchange) => {
      await exchange.body()
      if (self.down) exchange.connection.reset()
      else await answer(exchange)
    },
  }
  return self
}

test('stale before another service before JSON', async (t) => {
  const main = backendThat(({ connection, target }) =>
    connection.respond(200, `main ${target}`, { ETag: '"1"', Server: 'x' }),
  )
  const spare = backendThat(({ connection, target }) => connection.respond(200, `spare ${target}`))
  const [first, second] = [await rawServer(t, main.handler), await rawServer(t, spare.handler)]
  const gateway = await testGateway(t, {
    endpoints: [first.address],
    service: { outlier: false, breaker: false },
    services: {
      spare: { endpoints: [{ address: second.address, site: 'west' }], outlier: false, breaker: false },
    },
    route: { fallback: { stale: '1h', service: 'spare', status: 203, json: { degraded: true } } },
  })
  assert.equal((await gateway.request('/a?x=1')).body, 'main /a?x=1')
  main.down = true

  const stale = await gateway.request('/a?x=1')
  assert.equal(stale.status, 200)
  assert.equal(stale.body, 'main /a?x=1')
  assert.equal(stale.header('x-budao-fallback'), 'stale')
  assert.equal(stale.header('etag'), '"1"')
  assert.match(stale.header('warning')!, /^110 /)
  const head = await gateway.connect()
  head.send(requestText('HEAD /a?x=1'))
  assert.equal((await head.readResponse('HEAD')).header('content-length'), String('main /a?x=1'.length))

  const other = await gateway.request('/a?x=2')
  assert.equal(other.body, 'spare /a?x=2')
  assert.equal(other.header('x-budao-fallback'), 'service')
  assert.equal(
    (await gateway.request('POST /a', [], 'x')).body,
    'spare /a',
    'the other service may do a write',
  )

  spare.down = true
  const json = await gateway.request('/a?x=2')
  assert.equal(json.status, 203)
  assert.deepEqual(JSON.parse(json.body), { degraded: true })
  assert.equal(json.header('cache-control'), 'no-store')
  const write = await gateway.request('POST /a', [], 'x')
  assert.equal(write.status, 502, 'what was not done must not look done')
  await until('counts', () => gateway.route().fallbacks === 5)
})

test('nothing that is somebody’s own is kept or served stale', async (t) => {
  const extra: Readonly<Record<string, Record<string, string>>> = {
    '/private': { 'Cache-Control': 'private, max-age=60' },
    '/no-store': { 'Cache-Control': 'no-store' },
    '/set-cookie': { 'Set-Cookie': 'session=1' },
    '/vary': { Vary: '*' },
  }
  const main = backendThat(({ connection, target }) =>
    target === '/404'
      ? connection.respond(404, 'no')
      : connection.respond(200, 'secret', extra[target] ?? {}),
  )
  const backend = await rawServer(t, main.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { outlier: false, breaker: false },
    route: { fallback: { stale: '1h' } },
  })
  const asked: [target: string, lines: string[]][] = [
    ['/private', []],
    ['/no-store', []],
    ['/set-cookie', []],
    ['/vary', []],
    ['/404', []],
    ['/authorised', ['Authorization: Bearer x']],
    ['/cookie', ['Cookie: a=b']],
    ['POST /post', []],
  ]
  for (const [target, lines] of asked) await gateway.request(target, lines)
  await gateway.request('/public')
  main.down = true
  for (const [target, lines] of asked) {
    assert.equal((await gateway.request(target, lines)).status, 502, target)
    assert.equal(
      (await gateway.request(target.replace('POST ', ''))).status,
      502,
      `${target} asked by anybody`,
    )
  }
  assert.equal((await gateway.request('/public', ['Authorization: Bearer x'])).status, 502)
  assert.equal((await gateway.request('/public')).body, 'secret')
})

test('a filter that takes credentials away does not make an answer anybody’s', async (t) => {
  const dir = testFiles(t, {
    'strip.mjs': `export default { onRequest(request) { request.removeHeader('Authorization'); request.removeHeader('Cookie') } }`,
  })
  const main = backendThat(({ connection }) => connection.respond(200, 'secret'))
  const backend = await rawServer(t, main.handler)
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      service: { outlier: false },
      route: { filters: [{ module: { path: 'strip.mjs' } }], fallback: { stale: '1h' } },
    },
    dir,
  )
  assert.equal((await gateway.request('/', ['Authorization: Bearer x'])).body, 'secret')
  assert.equal((await gateway.request('/', ['Cookie: a=b'])).body, 'secret')
  main.down = true
  assert.equal((await gateway.request('/')).status, 502)
})

test('answers are kept stale whatever their framing, while they are not too large', async (t) => {
  const main = backendThat(({ connection, target }) => {
    if (target === '/chunked')
      connection.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n',
      )
    else if (target === '/until-close') {
      connection.write('HTTP/1.1 200 OK\r\n\r\nabcdefg')
      connection.end()
    } else connection.respond(200, 'x'.repeat(Number(target.slice(1))))
  })
  const backend = await rawServer(t, main.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { outlier: false },
    route: { fallback: { stale: '1h', staleBytes: 100_000 } },
  })
  for (const target of ['/chunked', '/until-close', '/0', '/100000', '/100001'])
    assert.equal((await gateway.request(target)).status, 200)
  main.down = true
  assert.equal((await gateway.request('/chunked')).body, 'abcdefg')
  assert.equal((await gateway.request('/until-close')).body, 'abcdefg')
  assert.equal((await gateway.request('/0')).body, '')
  assert.equal((await gateway.request('/100000')).body.length, 100_000)
  assert.equal((await gateway.request('/100001')).status, 502)
})

test('an answer that is too old is not served stale', async (t) => {
  const main = backendThat(({ connection }) => connection.respond(200, 'old'))
  const backend = await rawServer(t, main.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { outlier: false },
    route: { fallback: { stale: '1ms', json: 'young' } },
  })
  await gateway.request('/')
  main.down = true
  await until('it to be old', async () => (await gateway.request('/')).body === '"young"')
})

test('a fallback answers for timeouts, open breakers, full services and answers 503; not for 500 and 404', async (t) => {
  let mode: 'silent' | number = 'silent'
  const backend = await rawServer(t, ({ connection }) => {
    if (mode !== 'silent') connection.respond(mode, 'own')
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { timeouts: { request: '100ms' }, limits: { concurrency: 1 } },
    route: { fallback: { json: 'fallback' } },
  })
  assert.equal((await gateway.request('/')).body, '"fallback"')
  const holder = await gateway.connect()
  holder.send(requestText('/'))
  await until('it to be full', () => gateway.service().inFlight === 1)
  assert.equal((await gateway.request('/')).body, '"fallback"')
  await holder.readResponse()
  mode = 503
  assert.equal((await gateway.request('/')).body, '"fallback"')
  for (mode of [500, 404]) assert.equal((await gateway.request('/')).body, 'own')
  assert.ok(gateway.gateway.forceBreaker('shop', null, 'open', ''))
  assert.equal((await gateway.request('/')).body, '"fallback"')
})

test('503 of the backend is passed on when the fallback has nothing for this request', async (t) => {
  const backend = await rawServer(t, ({ connection }) =>
    connection.respond(503, 'own words', { 'Retry-After': '60' }),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address], route: { fallback: { stale: '1h' } } })
  assert.equal((await gateway.request('/')).body, 'own words')
})
