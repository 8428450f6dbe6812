import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { freePort, rawServer, TestCa, type RawResponse } from '@budao/testkit'
import { testFiles, testGateway, until, type TestGateway } from './test-gateway.test.ts'
import { appId, appSecret, testWeixin, type WeixinMood } from './test-weixin.test.ts'

const pemOf = ({ privateKey }: { readonly privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const ecKey = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const hashSecret = 'users-secret-0123456789'

interface Wanted {
  readonly weixin?: object
  readonly session?: object
  readonly urls?: readonly string[]
  readonly files?: Record<string, string>
  readonly workers?: number
  readonly jwt?: object
}

interface World {
  readonly gateway: TestGateway
  readonly dir: string
  /** What the protected backend was asked with. */
  readonly asked: string[]
}

/** A gateway with a login route, a protected route and the keys for others. */
async function world(t: TestContext, wanted: Wanted): Promise<World> {
  const asked: string[] = []
  const shop = await rawServer(t, ({ connection, head }) => {
    asked.push(head)
    connection.respond(200, 'ok')
  })
  const dir = testFiles(t, {
    'session.pem': ecKey,
    'app.secret': `${appSecret}\n`,
    'users.secret': hashSecret,
    ...wanted.files,
  })
  const route = (name: string, path: string, rest: object) => ({
    name,
    match: [{ path: { exact: path } }],
    ...rest,
  })
  const token = { key: 'session.pem', issuer: 'https://api.example.com', audience: 'shop', ttl: '10m' }
  const weixin = {
    appId,
    secret: { file: 'app.secret' },
    urls: wanted.urls,
    timeout: '500ms',
    ...wanted.weixin,
  }
  const gateway = await testGateway(
    t,
    {
      workers: wanted.workers ?? 1,
      endpoints: [shop.address],
      identity: { weixin: { weixin } },
      routes: [
        route('session', '/budao/v1/session', {
          serve: {
            session: {
              provider: 'weixin',
              token,
              user: { hash: { file: 'users.secret' } },
              ...wanted.session,
            },
          },
        }),
        route('jwks', '/jwks', { serve: { jwks: { key: 'session.pem' } } }),
        route('orders', '/orders', {
          backends: [{ service: 'shop' }],
          filters: [
            {
              jwt: {
                jwks: 'session.pem',
                issuer: 'https://api.example.com',
                audience: 'shop',
                algorithms: ['RS256', 'ES256', 'ES384', 'EdDSA'],
                forwardClaims: { sub: 'X-User' },
                ...wanted.jwt,
              },
            },
          ],
        }),
      ],
    },
    dir,
  )
  return { gateway, dir, asked }
}

function login(gateway: TestGateway, body: unknown): Promise<RawResponse> {
  return gateway.request('POST /budao/v1/session', ['Content-Type: application/json'], JSON.stringify(body))
}

const json = ({ body }: RawResponse): Record<string, string> => JSON.parse(body) as Record<string, string>

function orders(gateway: TestGateway, token: string): Promise<RawResponse> {
  return gateway.request('/orders', [`Authorization: Bearer ${token}`])
}

function count(gateway: TestGateway, line: string): number {
  const found = gateway.gateway
    .metrics()
    .split('\n')
    .find((each) => each.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1) ?? Number.NaN)
}

/** Nothing that anybody can read holds a secret. */
function assertDiscreet({ gateway }: World, ...answers: RawResponse[]): void {
  const readable = JSON.stringify([
    gateway.events,
    gateway.warnings,
    gateway.gateway.metrics(),
    gateway.gateway.report(),
    gateway.gateway.snapshot,
    answers.map(({ headers, body }) => `${JSON.stringify(headers)} ${body}`),
  ])
  for (const secret of [appSecret, hashSecret, 'the-session-key', 'openid-of-', 'code-alice'])
    assert.ok(!readable.includes(secret), `${secret} can be read`)
}

test('a code becomes a token that the protected route takes, and a refresh token that only renews it', async (t) => {
  const server = await testWeixin(t)
  const made = await world(t, { urls: [server.url], workers: 2 })
  const { gateway, asked } = made
  const response = await login(gateway, { provider: 'weixin', code: 'code-alice-1' })
  assert.equal(response.status, 200, response.body)
  assert.equal(response.header('cache-control'), 'no-store')
  const { token, expiresIn, user, refreshToken } = json(response)
  assert.equal(expiresIn, 600)
  assert.match(user!, /^[\w-]{22}$/)
  assert.deepEqual(server.wrong, [])
  const claims = decodeJwt(token!)
  assert.deepEqual(
    { ...claims, iat: 0, exp: claims.exp! - claims.iat!, sid: typeof claims['sid'] },
    {
      iss: 'https://api.example.com',
      aud: 'shop',
      sub: user,
      sid: 'string',
      provider: 'weixin',
      iat: 0,
      exp: 600,
    },
  )
  assert.equal((await orders(gateway, token!)).status, 200)
  assert.match(asked[0]!, new RegExp(`^x-user: ${user}\r$`, 'im'))
  assert.equal((await orders(gateway, refreshToken!)).status, 403)

  const renewed = json(await login(gateway, { refreshToken }))
  assert.equal(renewed['user'], user)
  assert.equal(decodeJwt(renewed['token']!)['sid'], claims['sid'])
  assert.notEqual(renewed['refreshToken'], refreshToken)
  assert.equal((await orders(gateway, renewed['token']!)).status, 200)

  const again = json(await login(gateway, { code: 'code-alice-2' }))
  assert.equal(again['user'], user)
  assert.notEqual(json(await login(gateway, { code: 'code-bob-1' }))['user'], user)

  const keys = JSON.parse((await gateway.request('/jwks')).body) as JSONWebKeySet
  assert.ok(keys.keys.every((key) => !('d' in key)))
  await jwtVerify(token!, createLocalJWKSet(keys), { audience: 'shop' })

  assert.equal(count(gateway, 'budao_identity_logins_total{provider="weixin",result="logged-in"}'), 3)
  assert.equal(count(gateway, 'budao_identity_logins_total{provider="weixin",result="refreshed"}'), 1)
  assert.equal(count(gateway, 'budao_identity_login_duration_seconds_count{provider="weixin"}'), 4)
  assertDiscreet(made, response)
})

const refusals: [mood: WeixinMood, errcode: number, status: number, error: string, retryAfter?: string][] = [
  ['code', 40_029, 401, 'login_code_invalid'],
  ['code', 40_163, 401, 'login_code_invalid'],
  ['code', 45_011, 429, 'login_rate_limited', '60'],
  ['code', 40_226, 403, 'login_blocked'],
  ['code', -1, 503, 'login_unavailable', '2'],
  ['code', 40_013, 503, 'login_unavailable', '2'],
  ['code', 99_999, 503, 'login_unavailable', '2'],
  ['error', 0, 503, 'login_unavailable', '2'],
  ['html', 0, 503, 'login_unavailable', '2'],
  ['empty', 0, 503, 'login_unavailable', '2'],
  ['reset', 0, 503, 'login_unavailable', '2'],
  ['hang', 0, 503, 'login_unavailable', '2'],
]
test('what the server refuses or fails at is told as what the app can do, and no code goes to a second address', async (t) => {
  const [first, second] = [await testWeixin(t), await testWeixin(t)]
  const made = await world(t, { urls: [first.url, second.url] })
  for (const [index, [mood, errcode, status, error, retryAfter]] of refusals.entries()) {
    Object.assign(first, { mood, errcode })
    const code = `code-alice-${index}`
    const response = await login(made.gateway, { provider: 'weixin', code })
    assert.equal(response.status, status, `${mood} ${errcode}`)
    assert.equal(json(response)['error'], error)
    assert.equal(response.header('retry-after'), retryAfter)
    assert.equal(first.codes.get(code), 1)
    assertDiscreet(made, response)
  }
  assert.equal(second.codes.size, 0)
  for (const result of ['login_code_invalid', 'login_unavailable'] as const) {
    const expected = refusals.filter(([, , , error]) => error === result).length
    assert.equal(
      count(made.gateway, `budao_identity_logins_total{provider="weixin",result="${result}"}`),
      expected,
    )
  }
})

test('an address that cannot be reached is passed over, then asked last; each code is asked about once', async (t) => {
  const server = await testWeixin(t)
  const dead = `http://127.0.0.1:${await freePort()}`
  const { gateway } = await world(t, { urls: [dead, server.url], workers: 2 })
  const codes = Array.from({ length: 20 }, (_, index) => `code-alice-${index}`)
  const responses = await Promise.all(codes.map((code) => login(gateway, { code })))
  assert.ok(responses.every(({ status }) => status === 200))
  assert.deepEqual(
    codes.map((code) => server.codes.get(code)),
    codes.map(() => 1),
  )
  const notSent = count(
    gateway,
    `budao_identity_calls_total{provider="weixin",origin="${dead}",result="not-sent"}`,
  )
  const line = `budao_identity_calls_total{provider="weixin",origin="${server.url}",result="answer"}`
  assert.equal(count(gateway, line), 20)
  for (let index = 0; index < 5; index++) await login(gateway, { code: `code-bob-${index}` })
  const later = count(
    gateway,
    `budao_identity_calls_total{provider="weixin",origin="${dead}",result="not-sent"}`,
  )
  // Each of two workers learns it once; those that were under way then learnt it beside each other.
  assert.ok(later - notSent <= 1, `${later - notSent} more`)
})

test('a server that shows the wrong certificate is told no secret; the next one is asked', async (t) => {
  const authority = new TestCa()
  const names = ['127.0.0.1']
  const bad = await testWeixin(t, new TestCa().issue({ names }))
  const good = await testWeixin(t, authority.issue({ names }))
  const { gateway } = await world(t, {
    urls: [bad.url, good.url],
    weixin: { caFile: 'ca.pem' },
    files: { 'ca.pem': authority.cert },
  })
  const response = await login(gateway, { code: 'code-alice-1' })
  assert.equal(response.status, 200, response.body)
  assert.equal(bad.codes.size + bad.wrong.length, 0)
  assert.equal(good.codes.get('code-alice-1'), 1)
})

test('when nobody can log in, that is told once, and once when it works again', async (t) => {
  const server = await testWeixin(t)
  const { gateway } = await world(t, { urls: [server.url], workers: 2 })
  Object.assign(server, { mood: 'code', errcode: -1 })
  for (let index = 0; index < 2; index++) await login(gateway, { code: `code-alice-${index}` })
  assert.deepEqual(gateway.eventsOf('identity.unavailable'), [])
  for (let index = 2; index < 6; index++) await login(gateway, { code: `code-alice-${index}` })
  await until('it is told', () => gateway.eventsOf('identity.unavailable').length > 0)
  server.mood = 'good'
  for (let index = 6; index < 9; index++) await login(gateway, { code: `code-alice-${index}` })
  await until('it is told', () => gateway.eventsOf('identity.available').length > 0)
  assert.equal(gateway.eventsOf('identity.unavailable', 'weixin').length, 1)
  assert.equal(gateway.eventsOf('identity.available', 'weixin').length, 1)
  assert.match(
    gateway.eventsOf('identity.unavailable')[0]!.message,
    /^Nobody can log in by weixin: errcode -1: the server is busy\.$/,
  )
})

test('a secret that is wrong is told at once', async (t) => {
  const server = await testWeixin(t)
  const made = await world(t, { urls: [server.url], files: { 'app.secret': 'another-secret' } })
  assert.equal((await login(made.gateway, { code: 'code-alice-1' })).status, 503)
  await until('it is told', () => made.gateway.eventsOf('identity.unavailable').length > 0)
  assert.match(made.gateway.eventsOf('identity.unavailable')[0]!.message, /errcode 40125/)
  assert.ok(!JSON.stringify(made.gateway.events).includes('another-secret'))
})

test('logins beyond the limit are turned away, not queued', async (t) => {
  const server = await testWeixin(t)
  server.mood = 'hang'
  const { gateway } = await world(t, { urls: [server.url], weixin: { concurrency: 2 } })
  const codes = Array.from({ length: 6 }, (_, index) => `code-alice-${index}`)
  const responses = await Promise.all(codes.map((code) => login(gateway, { code })))
  assert.ok(responses.every(({ status }) => status === 503))
  assert.equal(server.codes.size, 2)
})

test('a client that goes away does not disturb the next one on its thread', async (t) => {
  const server = await testWeixin(t)
  server.mood = 'hang'
  const { gateway } = await world(t, { urls: [server.url] })
  const client = await gateway.connect()
  const body = JSON.stringify({ code: 'code-alice-1' })
  client.send(`POST /budao/v1/session HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  await until('the server is asked', () => server.codes.size === 1)
  client.reset()
  server.mood = 'good'
  assert.equal((await login(gateway, { code: 'code-bob-1' })).status, 200)
  await gateway.quiet()
})

test('bodies that make no sense get 400 and ask nobody', async (t) => {
  const server = await testWeixin(t)
  const { gateway } = await world(t, { urls: [server.url] })
  const bad: [body: string, message: RegExp][] = [
    ['', /expected JSON in UTF-8/],
    ['[]', /expected an object with code or refreshToken/],
    ['{}', /code: expected 1 to 512 characters/],
    ['{"code":""}', /code: expected/],
    ['{"code":7}', /code: expected/],
    ['{"code":"a b"}', /code: expected/],
    [`{"code":"${'x'.repeat(513)}"}`, /code: expected/],
    ['{"code":"a","refreshToken":"b"}', /not both/],
    ['{"refreshToken":7}', /refreshToken: expected/],
    ['{"code":"a","provider":7}', /provider: expected a text/],
    ['{"code":"a","provider":"another"}', /provider: expected weixin/],
    ['{"code":"a","provider":"__proto__"}', /provider: expected weixin/],
  ]
  for (const [body, message] of bad) {
    const response = await gateway.request('POST /budao/v1/session', [], body)
    assert.equal(response.status, 400, body)
    assert.equal(json(response)['error'], 'bad_body')
    assert.match(json(response)['message']!, message)
  }
  assert.equal(server.codes.size, 0)
  assert.equal((await gateway.request('/budao/v1/session')).status, 405)
  assert.equal((await gateway.request('POST /budao/v1/session', [], 'x'.repeat(4_097))).status, 413)
})

test('refresh tokens that are made up, cut, of another audience or key are refused', async (t) => {
  const server = await testWeixin(t)
  const { gateway } = await world(t, { urls: [server.url] })
  const other = await world(t, {
    urls: [server.url],
    session: { token: { key: 'session.pem', audience: 'other' } },
  })
  const strange = await world(t, {
    urls: [server.url],
    files: { 'session.pem': pemOf(generateKeyPairSync('ed25519')) },
  })
  const { refreshToken = '', token = '' } = json(await login(gateway, { code: 'code-alice-1' }))
  assert.equal((await login(gateway, { refreshToken })).status, 200)
  for (const bad of [
    'x',
    token,
    refreshToken.slice(1),
    `${refreshToken.slice(0, -2)}AA`,
    'A'.repeat(2_000),
  ]) {
    const response = await login(gateway, { refreshToken: bad })
    assert.equal(response.status, 401, bad)
    assert.equal(json(response)['error'], 'refresh_invalid')
  }
  for (const { gateway: elsewhere } of [other, strange])
    assert.equal((await login(elsewhere, { refreshToken })).status, 401)
  assert.equal(count(gateway, 'budao_identity_logins_total{provider="weixin",result="refresh_invalid"}'), 5)
})

test('without refresh nobody gets such a token; a plain user is what the provider says', async (t) => {
  const server = await testWeixin(t)
  const { gateway } = await world(t, {
    urls: [server.url],
    session: { refresh: false, user: { plain: true } },
  })
  const session = json(await login(gateway, { code: 'code-alice-1' }))
  assert.deepEqual(Object.keys(session), ['token', 'expiresIn', 'user'])
  assert.equal(session['user'], 'openid-of-alice')
})

test('a new key in front of the old one signs from then on, and what the old one has signed stays good', async (t) => {
  const server = await testWeixin(t)
  const { gateway, dir } = await world(t, { urls: [server.url] })
  const { token: old = '', refreshToken } = json(await login(gateway, { code: 'code-alice-1' }))
  const fresh = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  writeFileSync(join(dir, 'draft'), fresh + ecKey)
  renameSync(join(dir, 'draft'), join(dir, 'session.pem'))
  const kid = decodeProtectedHeader(old).kid
  let round = 0
  await until('tokens of the new key', async () => {
    const { token = '' } = json(await login(gateway, { code: `code-bob-${round++}` }))
    return decodeProtectedHeader(token).kid !== kid
  })
  const { token = '' } = json(await login(gateway, { refreshToken }))
  assert.notEqual(decodeProtectedHeader(token).kid, kid)
  await until('both are taken', async () => {
    const both = [await orders(gateway, token), await orders(gateway, old)]
    return both.every(({ status }) => status === 200)
  })
})

test('a gateway whose keys or secrets cannot be read does not start, and quotes nothing of them', async (t) => {
  const bad: [files: Record<string, string>, problem: RegExp][] = [
    [{ 'app.secret': '' }, /app\.secret cannot be used: expected a secret of at least 1 characters, got 0/],
    [
      { 'users.secret': 'short' },
      /users\.secret cannot be used: expected a secret of at least 16 characters/,
    ],
    [{ 'session.pem': `${ecKey.slice(0, 60)}\n-----END PRIVATE KEY-----` }, /session\.pem/],
  ]
  for (const [files, problem] of bad) {
    await assert.rejects(world(t, { urls: ['http://127.0.0.1:1'], files }), (error) => {
      assert.match(String(error), problem)
      assert.doesNotMatch(String(error), /MIG|short/)
      return true
    })
  }
  const weixin = { secret: { env: 'BUDAO_TEST_NO_SUCH_SECRET' } }
  await assert.rejects(
    world(t, { weixin }),
    /variable BUDAO_TEST_NO_SUCH_SECRET of the environment: expected/,
  )
})
