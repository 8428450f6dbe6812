import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  fieldBlock,
  frame,
  FrameFlag,
  FrameType,
  rawHttp2,
  rawServer,
  requestFields,
  word,
  type RawHttp2Client,
  type RawServer,
} from '@budao/testkit'
import { testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

const NO_ERROR = 0
const PROTOCOL_ERROR = 1
const REFUSED_STREAM = 7
const CALM = 11

interface Setup {
  readonly gateway: TestGateway
  readonly backend: RawServer
}

async function h2Gateway(t: TestContext, config: TestConfig = {}): Promise<Setup> {
  const backend = await rawServer(t, ({ connection, target }) => {
    if (target !== '/never') connection.respond(200, 'fine')
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    ...config,
    listener: { protocols: ['h2', 'http/1.1'], ...config.listener },
  })
  return { gateway, backend }
}

/** The connection still serves: another request on it is answered. */
async function stillServes(client: RawHttp2Client, stream: number): Promise<void> {
  client.request(stream, requestFields('/after'))
  for (;;) {
    const { payload, flags } = await client.next(FrameType.data, stream)
    if (payload !== '') assert.equal(payload, 'fine')
    if ((flags & FrameFlag.endStream) !== 0) return
  }
}

const plain = requestFields('/')
const without = (name: string): typeof plain => plain.filter(([each]) => each !== name)

const malformed: [name: string, fields: typeof plain][] = [
  ['Connection', [...plain, ['connection', 'close']]],
  ['Keep-Alive', [...plain, ['keep-alive', 'timeout=5']]],
  ['Proxy-Connection', [...plain, ['proxy-connection', 'keep-alive']]],
  ['Transfer-Encoding', [...plain, ['transfer-encoding', 'chunked']]],
  ['Upgrade', [...plain, ['upgrade', 'websocket']]],
  ['te other than trailers', [...plain, ['te', 'gzip']]],
  ['upper case', [...plain, ['X-Upper', '1']]],
  ['a blank before a value', [...plain, ['x-a', ' b']]],
  ['a blank behind a value', [...plain, ['x-a', 'b\t']]],
  ['a blank in the path', [...without(':path'), [':path', '/ HTTP/1.1\r\nx: y']]],
  ['a path that is no path', [...without(':path'), [':path', 'http://shop.example/']]],
  ['an empty path', [...without(':path'), [':path', '']]],
  ['no path', without(':path')],
  ['no method', without(':method')],
  ['no scheme', without(':scheme')],
  ['a method of two words', [...without(':method'), [':method', 'GET /smuggled']]],
  ['two paths', [...plain, [':path', '/two']]],
  ['an unknown pseudo-field', [[':other', '1'], ...plain]],
  ['a status', [[':status', '200'], ...plain]],
  ['a pseudo-field behind a field', [['x-a', '1'], ...plain]],
  ['another host than the authority', [...plain, ['host', 'other.example']]],
  ['two lengths', [...plain, ['content-length', '0'], ['content-length', '1']]],
  ['a length that is none', [...plain, ['content-length', '+1']]],
  ['a length and no body', [...plain, ['content-length', '5']]],
  ['the protocol of a tunnel', [[':protocol', 'websocket'], ...plain]],
]
test('a malformed request is reset, nothing of it is forwarded, and the connection goes on', async (t) => {
  const { gateway, backend } = await h2Gateway(t, { listener: { limits: { resets: 1_000 } } })
  for (const [name, fields] of malformed) {
    await t.test(name, async (each) => {
      const client = await rawHttp2(each, gateway.port)
      client.request(1, fields)
      assert.equal(await client.resetCode(1), PROTOCOL_ERROR)
      await stillServes(client, 3)
    })
  }
  assert.ok(backend.heads.every((head) => head.startsWith('GET /after ')))
})

const refused: [code: string, fields: typeof plain][] = [
  ['method_not_supported', [...without(':method'), [':method', 'TRACE']]],
  ['bad_host', [...without(':authority'), [':authority', 'shop.example:1:2']]],
  ['bad_target', [...without(':path'), [':path', '/%2e%2e/%zz']]],
  ['bad_expectation', [...plain, ['expect', 'tea']]],
  ['bad_header', [...plain, ['content_length', '5']]],
  ['head_too_large', [...plain, ...Array.from({ length: 110 }, (_, i) => [`x-${i}`, '1'] as const)]],
]
test('what HTTP/1.1 refuses is refused with the same answer', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  for (const [code, fields] of refused) {
    await t.test(code, async (each) => {
      const client = await rawHttp2(each, gateway.port)
      client.request(1, fields)
      const { payload } = await client.next(FrameType.data, 1)
      assert.equal(JSON.parse(payload).error, code)
      await stillServes(client, 3)
    })
  }
  assert.ok(backend.heads.every((head) => head.startsWith('GET /after ')))
})

const reset: [name: string, fields: typeof plain][] = [
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'db.example:5432'],
    ],
  ],
  ['user information in the authority', [...without(':authority'), [':authority', 'a@shop.example']]],
  ['no authority', without(':authority')],
]
test('what HTTP/2 alone can say wrongly is reset', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  for (const [name, fields] of reset) {
    await t.test(name, async (each) => {
      const client = await rawHttp2(each, gateway.port)
      client.request(1, fields)
      assert.equal(await client.resetCode(1), PROTOCOL_ERROR)
    })
  }
  assert.equal(backend.heads.length, 0)
})

const leftOut: [name: string, value: string][] = [
  ['x-a', 'b\r\nx-injected: 1'],
  ['x-a', 'b\nc'],
  ['x-a', 'b\0c'],
  ['x-a', 'b\rc'],
  ['x-a: b\r\nx-injected', '1'],
  ['x-a:b', '1'],
  ['x-a b', '1'],
  ['', 'x-a'],
]
test('a field that would break out of its line is left out', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  for (const field of leftOut) {
    const client = await rawHttp2(t, gateway.port)
    client.request(1, [...requestFields('/after'), field, ['x-b', '1']])
    await client.next(FrameType.data, 1)
  }
  for (const head of backend.heads) {
    assert.match(head, /\r\nx-b: 1\r\n/)
    assert.doesNotMatch(head, /x-a|x-injected/)
  }
  assert.equal(backend.heads.length, leftOut.length)
})

test('a body shorter than its length is reset, and the endpoint never has a whole request', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  const client = await rawHttp2(t, gateway.port)
  client.request(1, [...requestFields('POST /never'), ['content-length', '100000']], false)
  client.send(frame(FrameType.data, 0, 1, 'ab'))
  await until('the head is forwarded', () => backend.heads.length === 1)
  client.send(frame(FrameType.data, FrameFlag.endStream, 1, 'cd'))
  assert.equal(await client.resetCode(1), PROTOCOL_ERROR)
  await backend.connections[0]!.waitForEnd()
  await stillServes(client, 3)
})

test('a body longer than its length ends the connection, and the endpoint has nothing of it', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  const client = await rawHttp2(t, gateway.port)
  client.request(1, [...requestFields('POST /never'), ['content-length', '4']], false)
  client.send(frame(FrameType.data, 0, 1, 'abcdef'))
  await client.goAwayCode()
  await client.raw.readToEnd()
  client.raw.socket.destroy()
  await gateway.quiet()
  assert.ok(backend.connections.every(({ received }) => received === ''))
})

test('headers larger than the listener takes are refused, whether the client knows of the limit or not', async (t) => {
  const { gateway, backend } = await h2Gateway(t, { listener: { limits: { headerBytes: 2_048 } } })
  const large = [...plain, ['x-large', 'x'.repeat(2_100)] as const]
  const unaware = await rawHttp2(t, gateway.port)
  unaware.request(1, large)
  assert.match((await unaware.next(FrameType.data, 1)).payload, /head_too_large/)
  const client = await rawHttp2(t, gateway.port)
  await client.next(FrameType.settings)
  client.send(frame(FrameType.settings, FrameFlag.ack, 0))
  client.request(1, large)
  assert.equal(await client.resetCode(1), CALM)
  assert.equal(backend.heads.length, 0)
  await stillServes(client, 3)
})

test('more streams at once than allowed are refused, to be asked again', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { limits: { streams: 2 } } })
  const client = await rawHttp2(t, gateway.port)
  for (const stream of [1, 3, 5]) client.request(stream, requestFields('/never'))
  assert.equal(await client.resetCode(5), REFUSED_STREAM)
})

test('who has acknowledged how many streams there may be, and opens more, is left', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { limits: { streams: 2 } } })
  const client = await rawHttp2(t, gateway.port)
  await client.next(FrameType.settings)
  client.send(frame(FrameType.settings, FrameFlag.ack, 0))
  for (const stream of [1, 3, 5]) client.request(stream, requestFields('/never'))
  assert.equal(await client.goAwayCode(), PROTOCOL_ERROR)
  await client.raw.readToEnd()
  client.raw.socket.destroy()
  await gateway.quiet()
})

test('rapid reset: a client that opens and cancels is told to calm down, and left', async (t) => {
  const { gateway, backend } = await h2Gateway(t, { listener: { limits: { resets: 20 } } })
  const client = await rawHttp2(t, gateway.port)
  for (let i = 0; i < 60; i++) {
    client.request(1 + 2 * i, requestFields('/never'))
    client.send(frame(FrameType.resetStream, 0, 1 + 2 * i, word(8)))
  }
  assert.equal(await client.goAwayCode(), CALM)
  await client.raw.readToEnd()
  assert.ok(backend.heads.length <= 25, `${backend.heads.length} requests were forwarded`)
  await gateway.quiet()
  assert.match(gateway.gateway.metrics(), /\nbudao_gateway_http2_calmed_total 1\n/)
  assert.match(gateway.gateway.metrics(), /\nbudao_gateway_http2_streams 0\n/)
})

test('cancelling no more than allowed is nothing bad', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { limits: { resets: 20 } } })
  const client = await rawHttp2(t, gateway.port)
  for (let i = 0; i < 20; i++) {
    client.request(1 + 2 * i, requestFields('/never'))
    client.send(frame(FrameType.resetStream, 0, 1 + 2 * i, word(8)))
  }
  await stillServes(client, 101)
})

const floods: [name: string, send: (client: RawHttp2Client, i: number) => void, frames: number][] = [
  ['PING', (client) => client.send(frame(FrameType.ping, 0, 0, '12345678')), 2_000],
  ['SETTINGS', (client) => client.send(frame(FrameType.settings, 0, 0)), 500],
  ['empty DATA', (client) => client.send(frame(FrameType.data, 0, 1)), 1_000],
  [
    'CONTINUATION',
    (client, i) =>
      client.send(
        i === 0
          ? frame(FrameType.headers, 0, 3, fieldBlock(plain))
          : frame(FrameType.continuation, 0, 3, fieldBlock([[`x-${i}`, 'x'.repeat(100)]])),
      ),
    1_000,
  ],
  [
    'empty CONTINUATION',
    (client, i) => client.send(frame(i === 0 ? 1 : 9, 0, 3, i === 0 ? fieldBlock(plain) : '')),
    1_000,
  ],
  [
    'PRIORITY of streams that never come',
    (client, i) => client.send(frame(FrameType.priority, 0, 5 + 2 * i, `${word(0)}x`)),
    0,
  ],
  ['WINDOW_UPDATE of nothing', (client) => client.send(frame(FrameType.windowUpdate, 0, 0, word(0))), 10],
]
for (const [name, send, frames] of floods) {
  if (frames === 0) continue
  test(`a flood of ${name} ends the connection and nothing else`, async (t) => {
    const { gateway } = await h2Gateway(t)
    const [client, other] = [await rawHttp2(t, gateway.port), await rawHttp2(t, gateway.port)]
    client.request(1, requestFields('POST /never'), false)
    for (let i = 0; i < frames; i++) send(client, i)
    await client.raw.readToEnd()
    await stillServes(other, 1)
    other.raw.socket.destroy()
    await gateway.quiet()
  })
}

test('a client that opens no window is given its idle time, then reset', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { limits: { idle: '300ms' } } })
  const client = await rawHttp2(t, gateway.port, [[4, 0]])
  client.request(1, requestFields('/'))
  assert.equal(await client.resetCode(1), 2)
  // Then the connection has nothing to do, and its time is up too.
  assert.equal(await client.goAwayCode(), NO_ERROR)
  await client.raw.readToEnd()
  await gateway.quiet()
})

test('a connection that never says SETTINGS is closed', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { limits: { headTimeout: '200ms' } } })
  const client = await gateway.connect()
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await client.readToEnd()
  await gateway.quiet()
})

test('half a preface waits for the rest, and another beginning is refused', async (t) => {
  const { gateway } = await h2Gateway(t)
  const whole = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${frame(FrameType.settings, 0, 0)}${frame(1, 5, 1, fieldBlock(plain))}`
  const client = await gateway.connect()
  await client.sendPieces(whole)
  await client.readUntil('fine')
  const wrong = await gateway.connect()
  wrong.send('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')
  await wrong.readToEnd()
  await until('both are gone', () => gateway.connections.downstream <= 1)
})

test('HTTP/2 is not spoken where it is not asked for', async (t) => {
  const { gateway } = await h2Gateway(t, { listener: { protocols: ['http/1.1'] } })
  const client = await gateway.connect()
  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  assert.equal((await client.readResponse()).status, 505)
  const afterwards = await gateway.connect()
  afterwards.send(`GET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  assert.equal((await afterwards.readResponse()).status, 200)
})

test('a request forwarded from HTTP/2 is exactly one request', async (t) => {
  const { gateway, backend } = await h2Gateway(t)
  const client = await rawHttp2(t, gateway.port)
  client.request(1, [...requestFields('POST /x'), ['host', 'shop.example']], false)
  const smuggled = '0\r\n \r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
  client.send(frame(FrameType.data, FrameFlag.endStream, 1, smuggled))
  await client.next(FrameType.data, 1)
  await stillServes(client, 3)
  const { received } = backend.connections[0]!
  const body = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
  assert.ok(received.includes(`\r\n\r\n${body}GET /after`), received)
})
