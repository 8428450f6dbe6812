import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { rawConnect, type RawClient } from '@budao/testkit'
import { MemorySource } from '../test/memory-source.ts'
import { createAdminServer } from './admin-server.ts'
import type { AdminServer } from './admin-server.ts'
import { EventLog } from './event-log.ts'

interface World {
  readonly source: MemorySource
  readonly server: AdminServer
  readonly client: RawClient
}

async function start(t: TestContext, address = '127.0.0.1:0'): Promise<World> {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({ source, address })
  t.after(() => server.close())
  return { source, server, client: await rawConnect(t, portOf(server)) }
}

const portOf = (server: AdminServer): number => Number(server.url.split(':').at(-1))

const host = 'Host: localhost\r\n'
const json = 'Content-Type: application/json\r\n'
const form = 'Content-Type: application/x-www-form-urlencoded\r\n'
const breaker = '/api/v1/services/shop/breaker'
const link = '/api/v1/alerts/links/abc'
const wish = '{"to":"open","reason":"x"}'

const ask = (method: string, path: string, headers = '', body = ''): string =>
  `${method} ${path} HTTP/1.1\r\n${host}${headers}${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`
const chunked = (path: string, ...chunks: readonly string[]): string =>
  ask('POST', path, `${json}Transfer-Encoding: chunked\r\n`) +
  [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
/** A body that is announced, of which nothing comes. */
const announced = (method: string, path: string, bytes: number, headers = json): string =>
  ask(method, path, `${headers}Content-Length: ${bytes}\r\n`)
/** Of exactly so many bytes, and well-formed. */
const sized = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`

/** `stays`: the next request on the connection is answered too; `ends`: the answer is the last one. */
type After = 'stays' | 'ends'

const answers: [what: string, request: string, status: number, error: string | null, after: After][] = [
  ['a path in capitals', ask('GET', '/Healthz'), 404, 'not-found', 'stays'],
  ['a path with a slash more at its end', ask('GET', '/healthz/'), 404, 'not-found', 'stays'],
  ['a path with a slash twice', ask('GET', '//healthz'), 404, 'not-found', 'stays'],
  ['a path that is encoded without need', ask('GET', '/%68ealthz'), 200, null, 'stays'],
  ['a target with scheme and host', ask('GET', 'http://evil.example/healthz'), 200, null, 'stays'],
  ['a path that cannot be decoded', ask('GET', '/%ff'), 400, 'bad-request', 'stays'],
  ['half a percent sign', ask('GET', '/assets/%2'), 400, 'bad-request', 'stays'],
  ['a query that cannot be decoded, where none is read', ask('GET', '/healthz?a=%ff'), 200, null, 'stays'],
  ['a parameter of 500', ask('GET', `/assets/${'a'.repeat(500)}`), 404, 'not-found', 'stays'],
  ['a parameter of 501', ask('GET', `/assets/${'a'.repeat(501)}`), 400, 'bad-request', 'stays'],
  ['a slash in a parameter', ask('GET', '/assets/..%2findex.html'), 404, 'not-found', 'stays'],
  ['a key twice', ask('GET', '/api/v1/events?limit=1&limit=2'), 400, 'bad-parameter', 'stays'],
  ['a key of every object', ask('GET', '/api/v1/events?__proto__=1'), 400, 'bad-parameter', 'stays'],
  ['a method of others', ask('TRACE', '/healthz'), 404, 'not-found', 'stays'],
  ['an upgrade', ask('GET', '/healthz', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'), 200, null, 'stays'],
  ['a version before keep-alive', `GET /healthz HTTP/1.0\r\n${host}\r\n`, 200, null, 'ends'],
  ['garbage', 'GARBAGE\r\n\r\n', 400, 'bad-request', 'ends'],
  ['a head of 20 KB', ask('GET', '/healthz', `X: ${'x'.repeat(20_000)}\r\n`), 400, 'bad-request', 'ends'],
  ['two lengths', announced('POST', breaker, 2, `${json}Content-Length: 3\r\n`), 400, 'bad-request', 'ends'],
  [
    'length and chunks',
    ask('POST', breaker, `${json}Transfer-Encoding: chunked\r\n`, '{}'),
    400,
    'bad-request',
    'ends',
  ],

  // Refused before anything of a body has come.
  ['another method', announced('PUT', '/healthz', 100), 405, 'method-not-allowed', 'stays'],
  ['no route', announced('POST', '/nothing', 100), 404, 'not-found', 'stays'],
  [
    'another origin',
    announced('POST', breaker, 100, `${json}Origin: http://evil\r\n`),
    403,
    'origin-refused',
    'stays',
  ],
  [
    'a body of another type',
    announced('POST', link, 100, 'Content-Type: text/plain\r\n'),
    415,
    'json-required',
    'stays',
  ],
  ['a body of no type', announced('POST', link, 100, ''), 415, 'json-required', 'stays'],
  ['a body that is too long', announced('POST', breaker, 65_537), 413, 'body-too-large', 'ends'],

  ['a change', ask('POST', breaker, json, wish), 200, null, 'stays'],
  [
    'a change in capitals',
    ask('POST', breaker, 'Content-Type: APPLICATION/JSON ; a="b;c"\r\n', wish),
    200,
    null,
    'stays',
  ],
  ['a change in chunks', chunked(breaker, wish.slice(0, 5), wish.slice(5)), 200, null, 'stays'],
  ['a change of no bytes', ask('POST', '/api/v1/reload', json), 200, null, 'stays'],
  ['a change of no chunks', chunked('/api/v1/reload'), 200, null, 'stays'],
  ['the longest body', ask('POST', breaker, json, sized(65_536)), 400, 'bad-parameter', 'stays'],
  ['one byte more', ask('POST', breaker, json, sized(65_537)), 413, 'body-too-large', 'ends'],
  ['one byte more in chunks', chunked(breaker, sized(65_536), 'x'), 413, 'body-too-large', 'ends'],
  ['no JSON', ask('POST', breaker, json, '{"to": '), 400, 'bad-json', 'ends'],
  ['blanks', ask('POST', breaker, json, '  '), 400, 'bad-json', 'ends'],
  ['a prototype', ask('POST', breaker, json, '{"a":[{"\\u005f_proto__":{}}]}'), 400, 'bad-json', 'ends'],
  ['a constructor', ask('POST', breaker, json, '{"constructor":{"prototype":{}}}'), 400, 'bad-json', 'ends'],
  ['a number', ask('POST', breaker, json, '5'), 400, 'bad-parameter', 'stays'],
  ['a button', ask('POST', link, form, 'a=%'), 404, 'alerts-off', 'stays'],
  ['a button of no bytes', ask('POST', link), 404, 'alerts-off', 'stays'],
  ['a button of 64 KiB and more', ask('POST', link, form, 'a'.repeat(65_537)), 413, 'body-too-large', 'ends'],
  ['a body where none is read', ask('GET', '/healthz', json, '{"a"'), 200, null, 'stays'],
]
for (const [what, request, status, error, after] of answers) {
  test(`${what}: ${status}${error === null ? '' : ` ${error}`}, and the connection ${after}`, async (t) => {
    const { client } = await start(t)
    client.send(request)
    const answer = await client.readResponse()
    assert.equal(answer.status, status, answer.body)
    assert.equal(JSON.parse(answer.body).error ?? null, error)
    assert.equal(answer.header('content-length'), String(answer.body.length))
    if (after === 'ends') return assert.equal(await client.readToEnd(), '')
    // What was announced and has not come may not be taken for the next request.
    const missing = /Content-Length: (\d+)\r\n\r\n$/.exec(request)?.[1] ?? '0'
    client.send('x'.repeat(Number(missing)) + ask('GET', '/healthz'))
    assert.equal((await client.readResponse()).body, '{"status":"ok"}')
  })
}

test('HEAD is told the length and type of what GET answers', async (t) => {
  const { client } = await start(t)
  for (const path of ['/healthz', '/metrics', '/api/v1/openapi.json', '/assets/none', '/%ff']) {
    client.send(ask('GET', path))
    const get = await client.readResponse()
    client.send(ask('HEAD', path))
    const head = await client.readResponse('HEAD')
    assert.equal(head.status, get.status)
    for (const name of ['content-type', 'content-length', 'content-security-policy'])
      assert.equal(head.header(name), get.header(name))
  }
})

test('requests that come at once are answered in their order', async (t) => {
  const { source, client } = await start(t)
  client.send(ask('POST', breaker, json, wish) + ask('GET', '/nothing') + ask('GET', '/readyz'))
  const statuses = []
  for (let index = 0; index < 3; index++) statuses.push((await client.readResponse()).status)
  assert.deepEqual(statuses, [200, 404, 200])
  assert.equal(source.forced.length, 1)
})

test('who expects to be told so is told to go on', async (t) => {
  const { client } = await start(t)
  client.send(announced('POST', breaker, wish.length, `${json}Expect: 100-continue\r\n`))
  assert.equal((await client.readResponse()).status, 100)
  client.send(wish)
  assert.equal((await client.readResponse()).status, 200)
})

test('a change whose body breaks off is not made', async (t) => {
  const { source, server, client } = await start(t)
  client.send(announced('POST', '/api/v1/reload', 100) + '{"a":')
  client.reset()
  const half = await rawConnect(t, portOf(server))
  half.send(announced('POST', '/api/v1/reload', 100) + '{"a":')
  half.endWriting()
  assert.match(await half.readToEnd(), /^HTTP\/1\.1 400 /)
  // Its answer comes after whatever the two have led to.
  const other = await rawConnect(t, portOf(server))
  other.send(ask('GET', '/healthz'))
  assert.equal((await other.readResponse()).status, 200)
  assert.equal(source.reloads, 0)
})

test('an answer whose client is gone disturbs nobody', async (t) => {
  const { source, server, client } = await start(t)
  const asked = Promise.withResolvers<void>()
  const given = Promise.withResolvers<typeof source.current>()
  const gone = Promise.withResolvers<void>()
  source.report = () => {
    asked.resolve()
    return given.promise
  }
  client.send(ask('GET', '/api/v1/status'))
  await asked.promise
  // What another connection says afterwards is read afterwards.
  const other = await rawConnect(t, portOf(server))
  client.socket.once('close', () => gone.resolve())
  client.reset()
  await gone.promise
  other.send(ask('GET', '/healthz'))
  await other.readResponse()
  given.resolve(source.current)
  other.send(ask('GET', '/healthz'))
  assert.equal((await other.readResponse()).status, 200)
})

test('a body without end is refused at its limit, and no more of it is taken', async (t) => {
  const { source, client } = await start(t)
  client.send(ask('POST', breaker, `${json}Transfer-Encoding: chunked\r\n`))
  const chunk = `1000\r\n${'x'.repeat(4_096)}\r\n`
  for (let index = 0; index < 17; index++) client.send(chunk)
  const answer = await client.readResponse()
  assert.deepEqual([answer.status, answer.header('connection')], [413, 'close'])
  await client.readToEnd()
  assert.deepEqual(source.forced, [])
})

test('the end of the server ends connections that say nothing, half a thing, and wait for an answer', async (t) => {
  const { source, server, client: silent } = await start(t)
  const half = await rawConnect(t, portOf(server))
  half.send('GET / HT')
  const waiting = await rawConnect(t, portOf(server))
  const asked = Promise.withResolvers<void>()
  source.report = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  waiting.send(ask('GET', '/api/v1/status'))
  await asked.promise
  await server.close()
  for (const client of [silent, half, waiting]) assert.equal(await client.readToEnd(), '')
})

test('localhost is each of its addresses that can be had', async (t) => {
  const { server } = await start(t, 'localhost:0')
  for (const { address } of await lookup('localhost', { all: true })) {
    if (!(await canListen(address))) continue
    const socket = connect(portOf(server), address)
    t.after(() => socket.destroy())
    await once(socket, 'connect')
  }
})

/** A name of an address may be there without the address. */
async function canListen(address: string): Promise<boolean> {
  const server = createServer().listen(0, address)
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
