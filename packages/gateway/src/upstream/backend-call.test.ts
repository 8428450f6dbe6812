import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { BackendCall, type CallAnswer, type CallFailure, type CallRequest } from './backend-call.ts'
import { valueIn } from '../exchange/header-lines.ts'
import { until, type TestConfig } from '../test-gateway.test.ts'
import { someone, testPlane } from '../test-plane.test.ts'

/** A service with this backend, and calls to it. */
async function serviceThat(t: TestContext, handler: RawHandler, service: TestConfig['service'] = {}) {
  const backend = await rawServer(t, handler)
  const { plane, shop } = await testPlane(t, {
    endpoints: [backend.address],
    service: { outlier: false, breaker: false, ...service },
  })
  const request = (edits: Partial<CallRequest> = {}): CallRequest => ({
    service: shop,
    origin: someone,
    method: 'GET',
    path: '/a',
    query: '',
    lines: '',
    deadlineAt: plane.clock.now() + 10_000,
    bytesMax: 1_000,
    ...edits,
  })
  const ask = (edits: Partial<CallRequest> = {}): Promise<CallAnswer | CallFailure> =>
    BackendCall.ask(plane, request(edits))
  const quiet = (): Promise<void> =>
    until('nothing in flight', () => shop.bulkhead.inFlight === 0 && shop.endpoints[0]!.load.inFlight() === 0)
  return { backend, plane, shop, ask, request, quiet }
}

function answered(answer: CallAnswer | CallFailure): CallAnswer {
  assert.ok(typeof answer === 'object', JSON.stringify(answer))
  return answer
}

test('a call says what to get, for whom, and collects the answer', async (t) => {
  const { backend, ask, shop } = await serviceThat(t, async ({ connection, body }) =>
    connection.respond(201, `got ${await body()}`, { 'X-Answer': 'yes', Connection: 'x-hop', 'X-Hop': '1' }),
  )
  const answer = answered(
    await ask({
      method: 'PUT',
      query: 'x=1',
      lines: 'Accept: application/json\r\n',
      body: Buffer.from('möre'),
    }),
  )
  assert.equal(answer.status, 201)
  assert.equal(answer.body.toString(), 'got mÃ¶re')
  assert.equal(valueIn(answer.lines, 'x-answer'), 'yes')
  assert.equal(valueIn(answer.lines, 'x-hop'), undefined)
  assert.equal(
    backend.heads[0],
    'PUT /a?x=1 HTTP/1.1\r\nHost: Shop.example:8080\r\nAccept: application/json\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-Id: r-1\r\nContent-Length: 5\r\n\r\n',
  )
  assert.equal(shop.endpoints[0]!.load.requests, 1)
})

test('a body comes whole whatever its framing and however it arrives', async (t) => {
  const { ask, backend } = await serviceThat(t, async ({ connection, target }) => {
    const slowly = async (...parts: string[]): Promise<void> => {
      for (const part of parts) {
        connection.write(part)
        await new Promise(setImmediate)
      }
    }
    if (target === '/chunked')
      await slowly(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
        '3\r\na',
        'bc\r\n4;x\r\ndef',
        'g\r\n0\r\n\r\n',
      )
    else if (target === '/close') {
      await slowly('HTTP/1.1 200 OK\r\n\r\nabc', 'defg')
      connection.end()
    } else if (target === '/length')
      await slowly('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', 'abc', 'defg')
    else connection.respond(204)
  })
  for (const path of ['/chunked', '/length', '/close'])
    assert.equal(answered(await ask({ path })).body.toString(), 'abcdefg', path)
  assert.equal(answered(await ask({ path: '/none' })).body.length, 0)
  assert.equal(answered(await ask({ path: '/length', discards: true })).body.length, 0)
  assert.equal(backend.connections.length, 2, 'all but the one that ended are kept')
})

test('more than the limit is given up: announced, in chunks, until the end; not the limit itself', async (t) => {
  const { ask, quiet, shop } = await serviceThat(t, ({ connection, target }) => {
    if (target === '/length') connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n`)
    else if (target === '/chunked')
      connection.write(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`,
      )
    else if (target === '/close') connection.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_001)}`)
    else connection.respond(200, 'x'.repeat(1_000))
  })
  for (const path of ['/length', '/chunked', '/close'])
    assert.equal(await ask({ path }), 'answer_too_large', path)
  assert.equal(answered(await ask()).body.length, 1_000)
  await quiet()
  assert.equal(shop.endpoints[0]!.load.failures, 0, 'no sign of ill health')
})

test('a call is retried like a client’s request, and its body sent again', async (t) => {
  let resets = 1
  const { ask, backend } = await serviceThat(t, async ({ connection, body }) => {
    const sent = await body()
    if (resets-- > 0) connection.reset()
    else connection.respond(200, sent)
  })
  assert.equal(answered(await ask({ method: 'PUT', body: Buffer.from('again') })).body.toString(), 'again')
  assert.equal(backend.heads.length, 2)
  resets = 1
  assert.equal(
    await ask({ method: 'POST', body: Buffer.from('once') }),
    'upstream_reset',
    'it may have been done',
  )
})

test('a deadline ends a call before its head, and within its body', async (t) => {
  const { ask, plane, quiet } = await serviceThat(
    t,
    ({ connection, target }) => {
      if (target === '/half') connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    },
    { retry: { attempts: 0 } },
  )
  for (const path of ['/never', '/half'])
    assert.equal(await ask({ path, deadlineAt: plane.clock.now() + 60 }), 'upstream_timeout', path)
  await quiet()
})

test('a truncated or malformed answer is none; 503 is one', async (t) => {
  const { ask, quiet } = await serviceThat(t, ({ connection, target }) => {
    if (target === '/short') {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      connection.end()
    } else if (target === '/chunk')
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
    else if (target === '/garbage') connection.write('nonsense\r\n\r\n')
    else connection.respond(503, 'busy')
  })
  for (const [path, code] of [
    ['/short', 'upstream_reset'],
    ['/chunk', 'upstream_protocol'],
    ['/garbage', 'upstream_protocol'],
  ] as const)
    assert.equal(await ask({ path }), code, path)
  const busy = answered(await ask({ path: '/busy' }))
  assert.equal(`${busy.status} ${busy.body.toString()}`, '503 busy')
  await quiet()
})

test('a call that is cancelled ends its connection and tells nobody', async (t) => {
  const { backend, plane, request, quiet } = await serviceThat(t, () => {})
  const call = new BackendCall(plane, request(), {
    onCallAnswer: () => assert.fail(),
    onCallFailed: () => assert.fail(),
  })
  call.start()
  await until('it to be asked', () => backend.heads.length === 1)
  call.cancel()
  call.cancel()
  await until('the connection to end', () => backend.open === 0)
  await quiet()
})

test('the limits of the service hold for calls, and say so at once', async (t) => {
  const { ask, plane, request, shop } = await serviceThat(t, () => {}, { limits: { concurrency: 1 } })
  const first = new BackendCall(plane, request(), {
    onCallAnswer: () => assert.fail(),
    onCallFailed: () => assert.fail(),
  })
  first.start()
  assert.equal(await ask(), 'overloaded')
  first.cancel()
  assert.equal(shop.bulkhead.inFlight, 0)
})
