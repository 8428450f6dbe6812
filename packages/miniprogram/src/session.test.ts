import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, WxStorage, type WxFate } from '@budao/testkit'
import {
  alipayLogin,
  ApiError,
  createClient,
  douyinLogin,
  nativeStorage,
  weixin,
  weixinLogin,
  type Client,
  type LoginOptions,
} from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const a = 'https://a.example'
const b = 'https://b.example'

/** A token, another each time. */
const issued: WxFate = { afterMs: 20, status: 200, body: '' }

type Body = Readonly<Record<string, string>>

/** A gateway with a session route, and a phone whose platform logs in. */
class World {
  readonly time: VirtualTime = new VirtualTime()
  readonly storage: WxStorage = new WxStorage(this.time)
  readonly asked: Body[] = []
  readonly tokens: string[] = []
  logins = 0
  /** Tokens that are good now. */
  good: string[] = []
  #issued = 0
  /** What the session route makes of a body. */
  fate: (body: Body, url: string) => WxFate = () => issued
  readonly wx: WxEmulator = new WxEmulator(this.time, {
    domains: [a, b],
    network: ({ url, header, data }) => {
      if (url.endsWith('/budao/v1/session')) {
        const body = JSON.parse(data as string) as Body
        const fate = this.fate(body, url)
        if (!('fails' in fate) || fate.fails === 'silence' || fate.fails === 'reset') this.asked.push(body)
        return fate === issued ? this.#issue() : fate
      }
      const token = header['Authorization'] ?? 'none'
      this.tokens.push(token)
      return { afterMs: 10, status: this.good.includes(token) ? 200 : 401, body: '{}' }
    },
  })
  client: Client = this.start()

  start(options: Partial<LoginOptions> = {}): Client {
    const login = weixinLogin({
      login: ({ success }: { success: (result: object) => void }) =>
        this.time.after(30, () => success({ code: `code-${++this.logins}` })),
    })
    return (this.client = createClient({
      channels: [a, b],
      transport: weixin(this.wx),
      storage: nativeStorage(this.storage),
      auth: { login, ...options },
      runtime: testRuntime(this.time),
    }))
  }

  #issue(): WxFate {
    const token = `token-${++this.#issued}`
    this.good = [`Bearer ${token}`]
    const body = { token, expiresIn: 3_600, user: 'u1', refreshToken: `refresh-${this.#issued}` }
    return { afterMs: 20, status: 200, body: JSON.stringify(body) }
  }

  async failure(call: Promise<unknown>): Promise<ApiError> {
    const error: unknown = await this.time.until(
      call.then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    )
    assert.ok(error instanceof ApiError, String(error))
    return error
  }
}

test('calls log in before the first of them, once for all, and the user is known from then on', async () => {
  const world = new World()
  const calls = [world.client.get('/1'), world.client.post('/2', {}), world.client.get('/3')]
  await world.time.until(Promise.all(calls))
  assert.deepEqual(world.asked, [{ provider: 'weixin', code: 'code-1' }])
  assert.deepEqual(world.tokens, ['Bearer token-1', 'Bearer token-1', 'Bearer token-1'])
  assert.equal(world.client.user, 'u1')
})

test('a call that wants no token waits for no login', async () => {
  const world = new World()
  const error = await world.failure(world.client.get('/public', { auth: false }))
  assert.equal(error.status, 401)
  assert.deepEqual([world.logins, world.asked.length], [0, 0])
})

test('a token that no longer holds is renewed once for all calls, without the platform’s login', async () => {
  const world = new World()
  await world.time.until(world.client.get('/1'))
  world.good = []
  await world.time.until(
    Promise.all([world.client.get('/2'), world.client.get('/3'), world.client.post('/4', {})]),
  )
  assert.deepEqual(world.asked.slice(1), [{ refreshToken: 'refresh-1' }])
  assert.equal(world.logins, 1)
  assert.equal(world.tokens.filter((token) => token === 'Bearer token-2').length, 3)
})

test('a token that is about to end is renewed before it is used', async () => {
  const world = new World()
  await world.time.until(world.client.get('/1'))
  await world.time.advance(3_580_000)
  await world.time.until(world.client.get('/2'))
  assert.equal(world.tokens.at(-1), 'Bearer token-2')
  assert.equal(world.tokens.filter((token) => token === 'Bearer token-1').length, 1)
})

test('a refresh token that no longer holds leads to a login', async () => {
  const world = new World()
  await world.time.until(world.client.get('/1'))
  world.good = []
  world.fate = (body) => ('refreshToken' in body ? { afterMs: 10, status: 401, body: '{}' } : issued)
  await world.time.until(world.client.get('/2'))
  assert.deepEqual(world.asked.slice(1), [
    { refreshToken: 'refresh-1' },
    { provider: 'weixin', code: 'code-2' },
  ])
})

test('no code is ever sent twice: a channel that may have seen it used it up, and the next try has its own', async () => {
  const refused: [name: string, fate: WxFate][] = [
    ['401', { afterMs: 10, status: 401, body: '{"code":"login_code_invalid"}' }],
    ['503', { afterMs: 10, status: 503, body: '{}', header: { 'Retry-After': '1' } }],
    ['503 of a proxy', { afterMs: 10, status: 503, body: '<html>', header: { 'Content-Type': 'text/html' } }],
    ['500', { afterMs: 10, status: 500, body: '{}' }],
    ['429', { afterMs: 10, status: 429, body: '{}', header: { 'Retry-After': '1' } }],
    ['403', { afterMs: 10, status: 403, body: '{}' }],
    ['reset', { afterMs: 10, fails: 'reset' }],
    ['silence', { fails: 'silence' }],
    ['a page', { afterMs: 10, status: 200, body: '<html>log in</html>' }],
    ['no token', { afterMs: 10, status: 200, body: '{"hello":1}' }],
  ]
  for (const [name, fate] of refused) {
    const world = new World()
    world.fate = () => fate
    await world.failure(world.client.post('/1', {}))
    world.fate = () => issued
    await world.time.advance(10_000)
    await world.time.until(world.client.post('/2', {}))
    const codes = world.asked.map(({ code }) => code)
    assert.equal(new Set(codes).size, codes.length, `${name}: ${codes.join()}`)
    assert.ok(codes.length >= 2 && codes.length <= 3, `${name}: ${codes.join()}`)
  }
})

test('a code that provably went nowhere goes to the other channel', async () => {
  const world = new World()
  world.fate = (_, url) => (url.startsWith(a) ? { afterMs: 10, fails: 'refused' } : issued)
  await world.time.until(world.client.get('/1'))
  assert.deepEqual(world.asked, [{ provider: 'weixin', code: 'code-1' }])
  assert.equal(world.logins, 1)
})

test('after a login that failed, calls get its error for a while, and the server is left alone', async () => {
  const world = new World()
  world.fate = () => ({ afterMs: 10, status: 429, body: '{}', header: { 'Retry-After': '60' } })
  for (let i = 0; i < 10; i++) {
    const error = await world.failure(world.client.post('/1', {}))
    assert.equal(error.status, 429)
    await world.time.advance(1_000)
  }
  assert.equal(world.asked.length, 1)
  await world.time.advance(60_000)
  world.fate = () => issued
  await world.time.until(world.client.post('/1', {}))
})

test('a session that is kept serves the next process, without a login and under its user’s name', async () => {
  for (const keep of [true, false]) {
    const world = new World()
    world.start({ keep })
    await world.time.until(world.client.get('/1'))
    await world.time.advance(1_000)
    world.start({ keep })
    await world.time.until(world.client.get('/2'))
    assert.equal(world.logins, keep ? 1 : 2)
    assert.equal(world.client.user, 'u1')
  }
})

test('a logout ends the session, the one that is kept too', async () => {
  const world = new World()
  world.start({ keep: true })
  await world.time.until(world.client.get('/1'))
  await world.time.advance(1_000)
  assert.ok(world.storage.values.has('budao:session'))
  await world.time.until(world.client.setUser(''))
  await world.time.advance(1_000)
  assert.ok(!world.storage.values.has('budao:session'))
  await world.time.until(world.client.get('/2'))
  assert.equal(world.logins, 2)
})

test('foreign and broken sessions in storage are none', async () => {
  for (const kept of ['{"token":"x"', '{"token":7,"user":"u"}', 'null', '[]', { not: 'text' }]) {
    const world = new World()
    world.storage.values.set('budao:session', kept)
    world.start({ keep: true })
    await world.time.until(world.client.get('/1'))
    assert.equal(world.logins, 1)
  }
})

test('a queued write waits for the login of its user, and says so where there is none', async () => {
  const world = new World()
  const item = await world.time.until(world.client.queue({ entity: 'cart', path: '/cart', data: { n: 1 } }))
  assert.equal(item.user, 'u1')
  await world.time.advance(1_000)
  assert.equal(world.client.outbox.waiting, 0)
  const offline = new World()
  offline.fate = () => ({ afterMs: 10, fails: 'refused' })
  const error = await offline.failure(offline.client.queue({ entity: 'cart', path: '/cart' }))
  assert.equal(error.code, 'network')
})

test('a platform whose login fails, or never ends, is an error that says so', async () => {
  const time = new VirtualTime()
  for (const [login, message] of [
    [
      ({ fail }: { fail: (failure: object) => void }) => fail({ errMsg: 'login:fail no network' }),
      /login:fail no network/,
    ],
    [() => {}, /did not end in time/],
  ] as const) {
    const wx = new WxEmulator(time, {
      domains: [a],
      network: () => ({ afterMs: 10, status: 200, body: '{}' }),
    })
    const client = createClient({
      channels: [a],
      transport: weixin(wx),
      auth: { login: weixinLogin({ login }) },
      runtime: testRuntime(time),
    })
    await assert.rejects(time.until(client.post('/1', {})), message)
    assert.equal(wx.sent.length, 0)
  }
})

test('a call that waits for the login can be aborted', async () => {
  const world = new World()
  const call = world.client.get('/1')
  const outcome = world.failure(call)
  await world.time.advance(5)
  call.abort()
  assert.equal((await outcome).code, 'aborted')
  assert.equal(world.tokens.length, 0)
})

test('each platform’s login gives its code under its name', async () => {
  const code = ({ success }: { success: (result: object) => void }): void =>
    success({ code: 'c', anonymousCode: 'x' })
  assert.deepEqual(await weixinLogin({ login: code })(), { provider: 'weixin', code: 'c' })
  assert.deepEqual(await douyinLogin({ login: code })(), { provider: 'douyin', code: 'c' })
  const getAuthCode = ({ scopes, success }: { scopes: string; success: (result: object) => void }): void =>
    success({ authCode: scopes })
  assert.deepEqual(await alipayLogin({ getAuthCode })(), { provider: 'alipay', code: 'auth_base' })
})
