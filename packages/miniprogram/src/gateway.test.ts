// The client against the gateway it was made for: both real, over HTTP.
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { freePort, rawServer, type RawExchange } from '@budao/testkit'
import { testFiles, testGateway, until, type TestGateway } from '../../gateway/src/test-gateway.test.ts'
import { appId, appSecret, testWeixin } from '../../gateway/src/test-weixin.test.ts'
import { createClient, fetchTransport, type ClientOptions, type PublicKey } from './index.ts'

const key = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey
const sessionKey = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey
const jwk = createPublicKey(key).export({ format: 'jwk' }) as unknown as PublicKey

interface Site {
  readonly gateway: TestGateway
  readonly origin: string
}

/** A gateway with everything that the client asks for, before one shop; its list of channels names `order`. */
async function site(
  t: TestContext,
  port: number,
  shop: string,
  order: readonly string[],
  weixin: string,
): Promise<Site> {
  const dir = testFiles(t, {
    'list.pem': key,
    'session.pem': sessionKey,
    'app.secret': `${appSecret}\n`,
    'users.secret': 'users-secret-0123456789',
  })
  const route = (name: string, path: string, rest: object) => ({
    name,
    match: [{ path: { exact: path } }],
    ...rest,
  })
  const token = { key: 'session.pem', issuer: 'https://api.example.com', audience: 'shop', ttl: '10m' }
  const jwt = {
    jwks: 'session.pem',
    issuer: token.issuer,
    audience: 'shop',
    algorithms: ['ES256'],
    forwardClaims: { sub: 'X-User' },
  }
  const gateway = await testGateway(
    t,
    {
      listener: { address: `127.0.0.1:${port}` },
      endpoints: [shop],
      service: { outlier: false, breaker: false },
      identity: { weixin: { weixin: { appId, secret: { file: 'app.secret' }, urls: [weixin] } } },
      routes: [
        route('ping', '/budao/v1/ping', { serve: { ping: {} } }),
        route('channels', '/budao/v1/channels', {
          serve: { channels: { key: 'list.pem', order, version: 1 } },
        }),
        route('telemetry', '/budao/v1/telemetry', { serve: { telemetry: {} } }),
        route('session', '/budao/v1/session', {
          serve: { session: { provider: 'weixin', token, user: { hash: { file: 'users.secret' } } } },
        }),
        { name: 'shop', backends: [{ service: 'shop' }], filters: [{ jwt }, { idempotency: {} }] },
      ],
    },
    dir,
  )
  return { gateway, origin: `http://127.0.0.1:${port}` }
}

/** Two sites whose operator prefers the second, or one, and clients that know them in the other order. */
async function world(t: TestContext, sites: 1 | 2, serve: (exchange: RawExchange) => void | Promise<void>) {
  const platform = await testWeixin(t)
  const shop = await rawServer(t, serve)
  const ports = [await freePort(), await freePort()] as const
  const order = [ports[1], ports[0]].map((port) => `http://127.0.0.1:${port}`)
  const a = await site(t, ports[0], shop.address, order, platform.url)
  const b = sites === 1 ? a : await site(t, ports[1], shop.address, order, platform.url)
  let logins = 0
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({
      channels: [...new Set([a.origin, b.origin])],
      transport: fetchTransport(globalThis),
      auth: { login: () => Promise.resolve({ provider: 'weixin', code: `code-ann-${++logins}` }) },
      keysHonoured: true,
      ...options,
    })
  return { a, b, platform, client, logins: () => logins }
}

const metric = ({ gateway }: TestGateway, pattern: RegExp): number =>
  Number(pattern.exec(gateway.metrics())?.[1] ?? 0)

test('login, orders, the operator’s order of channels and reports, through two gateways', async (t) => {
  const users: string[] = []
  const { a, b, platform, client, logins } = await world(t, 2, async ({ connection, head, body }) => {
    await body()
    users.push(/^x-user: (.*)$/im.exec(head)?.[1]?.trim() ?? '')
    connection.respond(200, '{"ok":true}', { 'Content-Type': 'application/json' })
  })
  const api = client({
    channelList: { key: jwk },
    telemetry: { app: 'shop', samplePercent: 100, flushMs: 1 },
  })
  const first = await api.post<{ ok: boolean }>('/orders', { item: 1 })
  assert.equal(first.data.ok, true)
  assert.equal(logins(), 1)
  assert.deepEqual(platform.wrong, [])
  assert.equal(users[0], api.user)
  assert.notEqual(api.user, '')
  await until('the operator’s order is in force', () => api.channel === b.origin.slice('http://'.length))
  assert.equal((await api.get('/items')).channel, b.origin.slice('http://'.length))
  await until(
    'both calls are reported',
    () =>
      metric(a.gateway, /^budao_sdk_calls_total\{[^}]*\} (\d+)/m) +
        metric(b.gateway, /^budao_sdk_calls_total\{[^}]*\} (\d+)/m) >
      0,
  )
})

test('an order whose answer is late is made once: its second attempt waits for the first one’s result', async (t) => {
  let orders = 0
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const { a, client } = await world(t, 1, async ({ connection, body }) => {
    await body()
    orders++
    await held
    connection.respond(201, `{"order":${orders}}`, { 'Content-Type': 'application/json' })
  })
  const api = client({ attemptMs: 400 })
  const call = api.post<{ order: number }>('/orders', { item: 1 })
  await until('the second attempt was told to wait', () =>
    /budao_requests_total\{[^}]*409[^}]*\} [1-9]|in_progress[^\n]* [1-9]/.test(a.gateway.gateway.metrics()),
  )
  release()
  const { data, attempts, headers } = await call
  assert.deepEqual(data, { order: 1 })
  assert.equal(orders, 1)
  assert.ok(attempts >= 2, `${attempts} attempts`)
  assert.equal(headers['idempotency-replayed'], 'true')
})

test('a code that the platform does not know is not sent again; the next login has its own', async (t) => {
  const { platform, client, logins } = await world(t, 1, async ({ connection, body }) => {
    await body()
    connection.respond(200, '{}', { 'Content-Type': 'application/json' })
  })
  platform.mood = 'code'
  platform.errcode = 40_029
  const api = client()
  await assert.rejects(api.post('/orders', {}), { code: 'http', status: 401 })
  assert.equal(logins(), 2, 'once more, with a code of its own')
  assert.ok([...platform.codes.values()].every((count) => count === 1))
})
