import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { rawServer } from '@budao/testkit'
import { testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

async function h2Gateway(
  t: TestContext,
  config: TestConfig,
): Promise<{ gateway: TestGateway; session: ClientHttp2Session }> {
  const gateway = await testGateway(t, { ...config, listener: { protocols: ['h2', 'http/1.1'] } })
  const session = connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  return { gateway, session }
}

async function get(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): Promise<{ headers: Record<string, unknown>; body: string }> {
  const stream = session.request({ ':path': path, ':authority': 'shop.example:81', ...headers })
  const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
  let body = ''
  stream.setEncoding('utf8')
  for await (const part of stream) body += String(part)
  return { headers: answer, body }
}

test('clients of HTTP/2 get parts, redirects, cookies and mirrors as others do', async (t) => {
  const [server, shadow] = await Promise.all([
    rawServer(t, ({ connection, target, header }) =>
      connection.respond(200, JSON.stringify({ target, host: header('host'), cookie: header('cookie') })),
    ),
    rawServer(t, ({ connection }) => connection.respond(200)),
  ])
  const { gateway, session } = await h2Gateway(t, {
    endpoints: [server.address],
    services: { shadow: { endpoints: [{ address: shadow.address, site: 'west' }] } },
    routes: [
      {
        name: 'home',
        match: [{ path: { regex: '/front/(?<id>\\w+)' } }],
        aggregate: {
          parts: { a: { service: 'shop', path: '/a/{path.id}' }, b: { service: 'shop', path: '/{query.x}' } },
        },
      },
      { name: 'old', match: [{ path: { prefix: '/old' } }], redirect: { prefix: '/new', scheme: 'https' } },
      {
        name: 'sticky',
        sticky: { cookie: 'seg', ttl: '1h' },
        mirror: { service: 'shadow' },
        rewrite: { host: 'internal.example' },
        backends: [{ service: 'shop' }],
      },
    ],
  })
  const home = await get(session, '/front/7')
  assert.equal(home.headers[':status'], 200)
  assert.deepEqual(JSON.parse(home.body), {
    a: { target: '/a/7', host: 'shop.example:81' },
    partial: ['b'],
    reasons: { b: 'value_missing' },
  })
  const old = await get(session, '/old/x?y=1')
  assert.equal(old.headers[':status'], 302)
  assert.equal(old.headers['location'], 'https://shop.example/new/x?y=1')
  const sticky = await get(session, '/s', { cookie: 'a=b' })
  const [line] = sticky.headers['set-cookie'] as string[]
  const [pair] = line!.split(';')
  assert.match(pair!, /^seg=[0-9a-f]{32}$/)
  assert.deepEqual(JSON.parse(sticky.body), {
    target: '/s',
    host: 'internal.example',
    cookie: `a=b; ${pair}`,
  })
  await until('it to be shown', () => shadow.heads.length === 1)
  assert.match(shadow.heads[0]!, /^GET \/s HTTP\/1.1\r\nHost: internal.example\r\nX-Budao-Mirror: 1\r\n/)
  await until('counts', () => gateway.route('sticky').status['2xx'] === 1)
})

test('a stream that is reset takes its parts along, and not those of another', async (t) => {
  const waiting: (() => void)[] = []
  const server = await rawServer(t, async ({ connection, target }) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    connection.respond(200, JSON.stringify(target))
  })
  const { gateway, session } = await h2Gateway(t, {
    endpoints: [server.address],
    routes: [{ name: 'home', aggregate: { parts: { a: { service: 'shop', path: '/{query.x}' } } } }],
  })
  const gone = session.request({ ':path': '/?x=1' })
  gone.on('error', () => {})
  await until('the first to be asked', () => server.heads.length === 1)
  const other = get(session, '/?x=2')
  await until('the second to be asked', () => server.heads.length === 2)
  gone.close(constants.NGHTTP2_CANCEL)
  await until('the first to be cancelled', () => gateway.service().inFlight === 1)
  for (const goOn of waiting) goOn()
  assert.equal((await other).body, '{"a":"/2"}')
})
