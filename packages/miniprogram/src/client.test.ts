import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, type WxFate, type WxNetwork } from '@budao/testkit'
import { ApiError, createClient, weixin, type Client, type ClientOptions } from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const primary = 'https://a.example'
const backup = 'https://b.example'

interface Phone {
  readonly time: VirtualTime
  readonly wx: WxEmulator
  readonly client: Client
}

function phone(network: WxNetwork, options: Partial<ClientOptions> = {}): Phone {
  const time = new VirtualTime()
  const wx = new WxEmulator(time, { domains: [primary, backup], network })
  const client = createClient({
    channels: [{ baseUrl: primary }, { baseUrl: backup }],
    transport: weixin(wx),
    runtime: testRuntime(time),
    ...options,
  })
  return { time, wx, client }
}

const fine: WxFate = { afterMs: 50, status: 200, body: '{"ok":true}' }

async function errorOf(promise: Promise<unknown>, time: VirtualTime): Promise<ApiError> {
  const error: unknown = await time.until(promise).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}

test('a call on a good network is one request, and its answer is parsed', async () => {
  const { time, wx, client } = phone(() => fine)
  const response = await time.until(
    client.get<{ ok: boolean }>('/items', { query: { page: 2, tag: ['a', 'b&c'] } }),
  )
  assert.deepEqual(response.data, { ok: true })
  assert.equal(response.status, 200)
  assert.equal(response.channel, 'a.example')
  assert.deepEqual(
    wx.sent.map(({ url }) => url),
    [`${primary}/items?page=2&tag=a&tag=b%26c`],
  )
  assert.equal(time.pending, 0, 'no timer is left behind')
})

test('a domain that does not resolve costs one attempt, writes included, and later calls go straight to the backup', async () => {
  const { time, wx, client } = phone(({ url }) =>
    url.startsWith(primary) ? { afterMs: 20, fails: 'dns' } : fine,
  )
  const response = await time.until(client.post('/orders', { item: 1 }))
  assert.equal(response.channel, 'b.example')
  assert.equal(response.attempts, 2)
  await time.until(client.get('/items'))
  assert.deepEqual(
    wx.sent.map(({ url }) => url),
    [`${primary}/orders`, `${backup}/orders`, `${backup}/items`],
  )
})

test('a write that may have been sent is not sent again, unless the server honours keys', async () => {
  for (const keysHonoured of [false, true]) {
    const keys: (string | undefined)[] = []
    const { time, client } = phone(
      ({ url, method, header }) => {
        if (method === 'POST') keys.push(header['Idempotency-Key'])
        return url.startsWith(primary) ? { afterMs: 20, fails: 'reset' } : fine
      },
      { keysHonoured },
    )
    const call = client.post('/orders', { item: 1 })
    if (keysHonoured) {
      assert.equal((await time.until(call)).channel, 'b.example')
      assert.equal(keys.length, 2)
      assert.equal(keys[0], keys[1], 'one key for all attempts')
      assert.match(keys[0]!, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    } else {
      const error = await errorOf(call, time)
      assert.equal(error.code, 'maybe-sent')
      assert.equal(error.sent, true)
      assert.equal(keys.length, 1)
    }
  }
})

test('the client goes back to the first channel once probes have been good for long enough', async () => {
  let dead = true
  const { time, wx, client } = phone(({ url }) =>
    dead && url.startsWith(primary) ? { afterMs: 20, fails: 'refused' } : fine,
  )
  await time.until(client.get('/1'))
  assert.equal(client.channel, 'b.example')
  dead = false
  for (let second = 0; second < 60 && client.channel === 'b.example'; second++) {
    await time.advance(1_000)
    await time.until(client.get('/2'))
  }
  assert.equal(client.channel, 'a.example')
  assert.ok(time.now() >= 30_000, `back after ${time.now()} ms`)
  assert.equal(wx.sent.filter(({ url }) => url === `${primary}/budao/v1/ping`).length, 3)
})

test('a captive portal is an error of that path and not data', async () => {
  const { time, client } = phone(() => ({ afterMs: 20, status: 200, body: '<html>Log in</html>' }))
  const error = await errorOf(client.get('/items', { attemptsMax: 1 }), time)
  assert.equal(error.code, 'bad-answer')
  assert.match(error.message, /expected JSON, got a page/)
})

test('statuses other than 2xx are errors with the answer in them; 503 is tried elsewhere first', async () => {
  const { time, wx, client } = phone(({ url }) =>
    url.endsWith('/missing')
      ? { afterMs: 20, status: 404, body: '{"error":"no such item"}' }
      : url.startsWith(primary)
        ? { afterMs: 20, status: 503, body: 'no' }
        : fine,
  )
  const missing = await errorOf(client.get('/missing'), time)
  assert.deepEqual([missing.code, missing.status, missing.data], ['http', 404, { error: 'no such item' }])
  assert.equal(wx.sent.length, 1)
  const response = await time.until(client.get('/items'))
  assert.equal(response.channel, 'b.example')
})

test('a switch of networks breaks nothing off: the call goes on, and the domain is not blamed', async () => {
  const { time, wx, client } = phone(() => fine)
  const call = client.get('/items')
  await time.advance(10)
  wx.switchNetwork()
  const response = await time.until(call)
  assert.equal(response.channel, 'a.example')
  assert.equal(response.attempts, 2)
})

test('a call that the background interrupted waits for the foreground, whatever time that takes', async () => {
  const { time, wx, client } = phone(() => ({ afterMs: 8_000, status: 200, body: '1' }), {
    attemptMs: 10_000,
  })
  const call = client.get('/items')
  await time.advance(100)
  wx.hide()
  client.parking.onBackground()
  await time.advance(60_000)
  assert.equal(wx.running, 0)
  wx.show()
  client.parking.onForeground()
  assert.equal((await time.until(call)).data, 1)
})

test('the time of a call is one for everything, and told to servers', async () => {
  const told: number[] = []
  const { time, client } = phone(
    ({ header }) => {
      told.push(Number(header['X-Budao-Timeout']))
      return { fails: 'silence' }
    },
    { timeoutMs: 9_000, attemptMs: 4_000 },
  )
  const error = await errorOf(client.get('/items'), time)
  assert.equal(error.code, 'timeout')
  assert.ok(time.now() <= 9_000, `${time.now()} ms`)
  assert.equal(told[0], 9_000)
  assert.ok(
    told.every((ms, i) => i === 0 || ms < told[i - 1]!),
    told.join(),
  )
})

test('abort ends a call wherever it is: with an interceptor, in the queue, in an attempt, in a pause', async () => {
  const { time, wx, client } = phone(() => ({ fails: 'silence' }))
  let release = (): void => {}
  const remove = client.use({
    onRequest: (options) => new Promise((resolve) => void (release = () => resolve(options))),
  })
  const early = client.get('/early')
  early.abort()
  release()
  assert.equal((await errorOf(early, time)).code, 'aborted')
  assert.equal(wx.sent.length, 0)
  remove()
  const calls = Array.from({ length: 12 }, (_, i) => client.get(`/${i}`))
  await time.advance(10)
  assert.equal(wx.running, 8, 'two slots are kept for what is urgent')
  for (const call of calls) call.abort()
  for (const outcome of await time.until(Promise.allSettled(calls)))
    assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'aborted')
  assert.equal(wx.running, 0)
  assert.equal(time.pending, 0)
})

test('urgent calls pass those that wait', async () => {
  const { time, wx, client } = phone(() => fine)
  const calls = Array.from({ length: 20 }, (_, i) => client.get(`/low/${i}`, { priority: 'low' }))
  calls.push(client.get('/pay', { priority: 'high' }))
  await time.until(Promise.all(calls))
  assert.equal(
    wx.sent.findIndex(({ url }) => url.endsWith('/pay')),
    8,
  )
})

test('misuse fails at once and says what to do', async () => {
  const { time, wx, client } = phone(() => fine)
  for (const [options, message] of [
    [{ method: 'PATCH' as 'PUT', path: '/a' }, /Use PUT or POST/],
    [{ path: 'items' }, /starts with \//],
    [{ path: '/a', data: { b: 1 } }, /`query` instead of `data`/],
  ] as const) {
    const error = await errorOf(client.request(options), time)
    assert.equal(error.code, 'misuse')
    assert.match(error.message, message)
  }
  assert.equal(wx.sent.length, 0)
  assert.throws(
    () => createClient({ channels: [{ baseUrl: 'a.example' }], transport: weixin(wx) }),
    /expected a baseUrl such as https:\/\/api.example.com, got a.example/,
  )
})

test('a whole outage is not asked twice as much', async () => {
  const { time, wx, client } = phone(() => ({ afterMs: 20, fails: 'reset' }), {
    channels: [{ baseUrl: primary }],
  })
  const codes: string[] = []
  for (let i = 0; i < 500; i++) {
    codes.push((await errorOf(client.get('/items'), time)).code)
    await time.advance(1_000)
  }
  assert.ok(wx.sent.length <= 500 * 1.1, `${wx.sent.length} requests for 500 calls`)
  assert.ok(codes.includes('no-channel'), 'the breaker answers in between')
})
