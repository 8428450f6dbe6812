import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { freePort, type RawResponse } from '@budao/testkit'
import { testFiles, testGateway, until, type TestGateway } from './test-gateway.test.ts'
import { appId, appSecret, testWeixin } from './test-weixin.test.ts'

async function gatewayWith(
  t: TestContext,
  weixin: object,
  config: { readonly workers?: number; readonly listeners?: object[]; readonly route?: object } = {},
): Promise<TestGateway> {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const dir = testFiles(t, {
    'app.secret': appSecret,
    'backend.pem': key.export({ type: 'pkcs8', format: 'pem' }) as string,
  })
  return testGateway(
    t,
    {
      workers: config.workers ?? 1,
      ...(config.listeners === undefined ? {} : { listeners: config.listeners as { name: string }[] }),
      identity: { app: { weixin: { appId, secret: { file: 'app.secret' }, timeout: '300ms', ...weixin } } },
      routes: [
        {
          name: 'access-token',
          match: [{ path: { exact: '/internal/access-token' } }],
          serve: { accessToken: { provider: 'app' } },
          ...config.route,
        },
      ],
    },
    dir,
  )
}

const ask = (gateway: TestGateway): Promise<RawResponse> => gateway.request('/internal/access-token')
const given = ({ body }: RawResponse): { accessToken: string; expiresIn: number } =>
  JSON.parse(body) as { accessToken: string; expiresIn: number }

test('one fetch serves all requests of all workers, and never forces a new token', async (t) => {
  const server = await testWeixin(t)
  const gateway = await gatewayWith(t, { urls: [server.url] }, { workers: 2 })
  await until('the token is there', async () => (await ask(gateway)).status === 200)
  for (let index = 0; index < 12; index++) {
    const response = await ask(gateway)
    assert.equal(response.header('cache-control'), 'no-store')
    const { accessToken, expiresIn } = given(response)
    assert.equal(accessToken, 'access-token-1')
    assert.ok(expiresIn > 7_000 && expiresIn <= 7_200, String(expiresIn))
  }
  assert.equal(gateway.gateway.served.accessToken('app')!.token, 'access-token-1')
  assert.deepEqual(server.tokenRequests, [
    { grant_type: 'client_credential', appid: appId, secret: appSecret },
  ])
  const metrics = gateway.gateway.metrics()
  assert.match(metrics, /^budao_identity_token_fetches_total\{provider="app",result="fetched"\} 1$/m)
  assert.match(metrics, /^budao_identity_token_expiry_seconds\{provider="app"\} 7[12]\d\d/m)
  for (const secret of [appSecret, 'access-token-1'])
    assert.ok(
      !JSON.stringify([metrics, gateway.events, gateway.warnings, gateway.gateway.report()]).includes(secret),
    )
  assert.equal((await gateway.request('POST /internal/access-token')).status, 405)
})

test('a token is fetched anew before it ends', async (t) => {
  const server = await testWeixin(t)
  server.expiresIn = 3
  const gateway = await gatewayWith(t, { urls: [server.url] })
  await until('the first', async () => (await ask(gateway)).status === 200)
  server.token = 'access-token-2'
  await until('the second', async () => {
    const response = await ask(gateway)
    assert.equal(response.status, 200)
    return given(response).accessToken === 'access-token-2'
  })
  assert.ok(server.tokenRequests.every((request) => !('force_refresh' in request)))
})

test('whatever is wrong with the first address, the second one is asked', async (t) => {
  const [first, second] = [await testWeixin(t), await testWeixin(t)]
  for (const mood of ['hang', 'reset', 'error', 'html', 'empty', 'code'] as const) {
    Object.assign(first, { mood, errcode: -1 })
    const gateway = await gatewayWith(t, { urls: [first.url, second.url] })
    await until(`a token past ${mood}`, async () => (await ask(gateway)).status === 200)
    assert.deepEqual(gateway.eventsOf('identity.token-unavailable'), [])
  }
})

test('while it cannot be renewed the last token is given until it ends, then 503; each is told once', async (t) => {
  const server = await testWeixin(t)
  server.expiresIn = 4
  const gateway = await gatewayWith(t, { urls: [server.url] })
  await until('the token', async () => (await ask(gateway)).status === 200)
  server.mood = 'error'
  await until('it is told', () => gateway.eventsOf('identity.token-unavailable').length === 1)
  assert.equal(gateway.eventsOf('identity.token-unavailable')[0]!.severity, 'warning')
  assert.equal((await ask(gateway)).status, 200)
  await until('it has ended', async () => (await ask(gateway)).status === 503)
  const refused = await ask(gateway)
  assert.equal((JSON.parse(refused.body) as { error: string }).error, 'access_token_unavailable')
  assert.equal(refused.header('retry-after'), '2')
  await until('that is told too', () => gateway.eventsOf('identity.token-unavailable').length === 2)
  assert.equal(gateway.eventsOf('identity.token-unavailable')[1]!.severity, 'critical')
  server.mood = 'good'
  await until('a token again', async () => (await ask(gateway)).status === 200)
  assert.equal(gateway.eventsOf('identity.token-available', 'app').length, 1)
})

test('a gateway starts while its provider is away', async (t) => {
  const away = await gatewayWith(t, { urls: [`http://127.0.0.1:${await freePort()}`] })
  assert.equal((await ask(away)).status, 503)
  await until('it is told', () => away.eventsOf('identity.token-unavailable').length === 1)
  assert.equal(away.eventsOf('identity.token-unavailable')[0]!.severity, 'critical')
  assert.match(away.eventsOf('identity.token-unavailable')[0]!.message, /ECONNREFUSED/)
})
