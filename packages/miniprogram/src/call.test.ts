import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, type WxFate, type WxNetwork } from '@budao/testkit'
import {
  ApiError,
  createClient,
  failureOf,
  weixin,
  type Client,
  type ClientOptions,
  type Transport,
} from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const a = 'https://a.example'
const b = 'https://b.example'
const fine: WxFate = { afterMs: 50, status: 200, body: '{"ok":true}' }

function phone(network: WxNetwork, options: Partial<ClientOptions> = {}) {
  const time = new VirtualTime()
  const wx = new WxEmulator(time, { domains: [a, b], network })
  const client = createClient({
    channels: [a, b],
    transport: weixin(wx),
    runtime: testRuntime(time),
    ...options,
  })
  return { time, wx, client }
}

/** A network that answers so, one after the other, the last for ever. */
function inTurn(...fates: WxFate[]): WxNetwork {
  return () => (fates.length > 1 ? fates.shift()! : fates[0]!)
}

async function failure(call: Promise<unknown>, time: VirtualTime): Promise<ApiError> {
  const error: unknown = await time.until(
    call.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  )
  assert.ok(error instanceof ApiError, String(error))
  return error
}

const status = (code: number, body = '{}', header: Record<string, string> = {}): WxFate => ({
  afterMs: 10,
  status: code,
  body,
  header,
})

test('a GET that the API failed at is asked again, and the channel is not blamed; a POST is not', async () => {
  const first = phone(inTurn(status(500), fine))
  assert.equal((await first.time.until(first.client.get('/x'))).attempts, 2)
  assert.ok(first.time.now() > 60, 'after a pause')
  assert.equal(first.client.env.channels.active.failures, 0)
  const second = phone(inTurn(status(500, '{"why":"a bug"}'), fine))
  const error = await failure(second.client.post('/x', {}), second.time)
  assert.deepEqual([error.code, error.status, error.data], ['http', 500, { why: 'a bug' }])
  const third = phone(() => status(500, '{"why":"a bug"}'))
  const last = await failure(third.client.get('/x'), third.time)
  assert.deepEqual([last.code, last.status, last.attempts, last.data], ['http', 500, 4, { why: 'a bug' }])
  assert.equal(third.client.channel, 'a.example')
})

test('429 is waited for as long as it asks, writes included: nothing was done', async () => {
  const { time, client } = phone(inTurn(status(429, '{}', { 'Retry-After': '2' }), fine))
  assert.equal((await time.until(client.post('/x', {}))).attempts, 2)
  assert.ok(time.now() >= 2_010, `${time.now()} ms`)
  const long = phone(() => status(429, '{"slow":"down"}', { 'Retry-After': '120' }))
  const error = await failure(long.client.get('/x'), long.time)
  assert.deepEqual([error.code, error.status, error.retryAfterMs], ['http', 429, 120_000])
  assert.ok(long.time.now() < 100, 'nobody waits for longer than the call may take')
})

test('a keyed write that is still under way is asked for again under its key; another conflict is not', async () => {
  const keys: (string | undefined)[] = []
  const busy = status(409, '{"error":{"code":"idempotency_in_progress"}}', { 'Retry-After': '1' })
  const fates = [busy, busy, fine]
  const { time, client } = phone(({ header }) => {
    keys.push(header['Idempotency-Key'])
    return fates.shift()!
  })
  assert.equal((await time.until(client.post('/orders', {}))).attempts, 3)
  assert.equal(new Set(keys).size, 1)
  assert.ok(time.now() >= 2_000)
  const other = phone(() => status(409, '{"error":{"code":"sold_out"}}'))
  const error = await failure(other.client.post('/orders', {}), other.time)
  assert.deepEqual([error.status, error.attempts], [409, 1])
})

test('what came whole and is no JSON is an error and no data, whatever its status says', async () => {
  for (const [body, text] of [
    ['<!DOCTYPE html><title>Log in</title>', /got a page: <!DOCTYPE/],
    ['  <html>', /got a page/],
    ['{"items":[1,2', /got broken/],
    ['', /got an empty body/],
    ['\uFEFF', /got broken/],
    ['undefined', /got broken/],
  ] as const) {
    const { time, client } = phone(() => status(200, body))
    const error = await failure(client.get('/x', { attemptsMax: 1 }), time)
    assert.deepEqual([error.code, error.status], ['bad-answer', 200], body)
    assert.match(error.message, text)
  }
  const marked = phone(() => status(200, '\uFEFF{"ok":1}'))
  assert.deepEqual((await marked.time.until(marked.client.get('/x'))).data, { ok: 1 })
  const empty = phone(() => status(204, ''))
  assert.equal((await empty.time.until(empty.client.delete('/x'))).data, undefined)
})

test('a page in the way of one channel sends the call to the other', async () => {
  const { time, client } = phone(({ url }) => (url.startsWith(a) ? status(200, '<html>') : fine))
  assert.equal((await time.until(client.get('/x'))).channel, 'b.example')
})

test('a domain that the platform does not list fails at once, and no channel is blamed for it', async () => {
  const { time, wx, client } = phone(() => fine, { channels: ['https://unlisted.example', a] })
  const error = await failure(client.get('/x'), time)
  assert.equal(error.code, 'misuse')
  assert.match(error.message, /url not in domain list: add it to the request domains in the console/)
  assert.equal(wx.sent.length, 0)
  assert.equal(client.env.channels.active.failures, 0)
})

test('options of another kind are refused with what was expected', () => {
  const { wx } = phone(() => fine)
  for (const [options, text] of [
    [{ timeoutMs: '5s' as unknown as number }, /timeoutMs: expected a number such as 15000, got 5s/],
    [{ attemptsMax: -1 }, /attemptsMax: expected a number/],
    [{ timeoutMs: NaN }, /timeoutMs/],
    [
      { keysHonoured: 'yes' as unknown as boolean },
      /keysHonoured: expected a boolean such as false, got yes/,
    ],
    [{ failover: { holdMs: null as unknown as number } }, /holdMs/],
    [{ channels: [] }, /channels: expected at least one/],
    [{ channels: ['a.example'] }, /expected a baseUrl such as/],
  ] as const)
    assert.throws(() => createClient({ channels: [a], transport: weixin(wx), ...options }), text)
})

test('a platform that throws is a misuse of it, and its slot is free again', async () => {
  const time = new VirtualTime()
  const wx = {
    request() {
      throw new TypeError('data must be a string')
    },
  }
  const client = createClient({ channels: [a], transport: weixin(wx), runtime: testRuntime(time) })
  for (let i = 0; i < 20; i++)
    assert.match((await failure(client.get('/x'), time)).message, /data must be a string/)
  assert.equal(client.env.scheduler.busy, 0)
})

test('a phone that breaks off every request ends the call and does not keep it for ever', async () => {
  const { time, client } = phone(() => ({ afterMs: 0, fails: 'switch' }))
  const error = await failure(client.get('/x'), time)
  assert.equal(error.code, 'network')
  assert.ok(time.now() < 10_000)
})

test('time in the background is not the call’s: it goes on at the return, and nobody is blamed', async () => {
  for (const hiddenAt of [100, 14_000]) {
    const silent = { is: true }
    const { time, client } = phone(() => (silent.is ? { fails: 'silence' } : fine), { attemptMs: 20_000 })
    const call = client.get('/x')
    await time.advance(hiddenAt)
    client.parking.onBackground()
    await time.advance(40_000)
    silent.is = false
    client.parking.onForeground()
    assert.equal((await time.until(call)).channel, 'a.example')
    assert.equal(client.env.channels.active.failures, 0)
    assert.equal(time.pending, 0)
  }
})

test('a write whose fate is not known when the background swallowed it fails, and is not sent again', async () => {
  const { time, wx, client } = phone(() => ({ fails: 'silence' }))
  const call = failure(client.post('/x', {}), time)
  await time.advance(100)
  client.parking.onBackground()
  await time.advance(40_000)
  client.parking.onForeground()
  assert.match((await call).code, /^(timeout|maybe-sent)$/)
  assert.equal(wx.sent.length, 1)
})

test('a platform that does not tell of the foreground costs a moment and not five minutes', async () => {
  const { time, wx, client } = phone(() => ({ afterMs: 20_000, status: 200, body: '1' }), {
    attemptMs: 60_000,
    timeoutMs: 60_000,
  })
  const call = client.get('/x')
  await time.advance(100)
  wx.hide()
  await time.advance(5_100)
  wx.show()
  assert.equal((await time.until(call)).data, 1)
  assert.ok(time.now() < 30_000, `${time.now()} ms`)
})

test('a trial that hangs holds up nothing: the other channel takes the calls', async () => {
  const { time, wx, client } = phone(({ url }) => (url.startsWith(a) ? { fails: 'silence' } : fine), {
    failover: { failuresMax: 100 },
    attemptMs: 1_000,
  })
  for (let i = 0; i < 5; i++) await time.until(client.get(`/${i}`))
  await time.advance(6_000)
  const trial = client.get('/trial', { timeoutMs: 50_000, attemptMs: 50_000 })
  await time.advance(10)
  assert.ok(wx.sent.at(-1)!.url.startsWith(a), 'the trial')
  assert.equal((await time.until(client.get('/other'))).channel, 'b.example')
  trial.abort()
  await trial.catch(() => {})
})

test('a channel may be something that is no domain', async () => {
  const sent: string[] = []
  const tunnel: Transport = {
    name: 'tunnel',
    send({ url }, user) {
      sent.push(url)
      if (url.endsWith('/down')) user.onFailure(failureOf('not-sent', 'the tunnel is closed'))
      else user.onAnswer({ status: 200, headers: {}, body: '{}', native: undefined })
      return () => {}
    },
  }
  const { time, client } = phone(() => ({ afterMs: 10, fails: 'dns' }), {
    channels: [a, { name: 'tunnel', baseUrl: 'https://tunnel.invalid/base/', transport: tunnel }],
  })
  assert.equal((await time.until(client.get('/x'))).channel, 'tunnel')
  assert.deepEqual(sent, ['https://tunnel.invalid/base/x'])
})

test('interceptors change calls and answers, may answer in place of an error, and keep abort while they work', async () => {
  const { time, wx, client } = phone(({ url }) => (url.endsWith('/missing') ? status(404) : fine))
  client.use({
    onRequest: (options) => ({ ...options, headers: { ...options.headers, 'X-Page': 'cart' } }),
    onResponse: async (response) => ({ ...response, data: { wrapped: response.data } }),
    onError: ({ status: code, ...facts }) =>
      code === 404
        ? { ...facts, status: 200, data: null, headers: {}, source: 'network', native: undefined }
        : undefined,
  })
  assert.deepEqual((await time.until(client.get('/x'))).data, { wrapped: { ok: true } })
  assert.equal((await time.until(client.get('/missing'))).data, null)
  client.use({ onRequest: () => new Promise(() => {}) })
  const before = wx.sent.length
  const call: ReturnType<Client['get']> = client.get('/x')
  await time.advance(10)
  call.abort()
  assert.equal((await failure(call, time)).code, 'aborted')
  assert.equal(wx.sent.length, before)
})

test('what a broken interceptor throws is what its caller gets', async () => {
  const { time, client } = phone(() => fine)
  client.use({
    onRequest: () => {
      throw new TypeError('a bug')
    },
  })
  await assert.rejects(time.until(client.get('/x')), TypeError)
})

test('a good network costs nothing but the call: one request, no time, no timer left', async () => {
  const { time, wx, client } = phone(() => ({ afterMs: 0, status: 200, body: '{}' }))
  for (let i = 0; i < 200; i++) await time.until(client.get(`/${i}`))
  assert.equal(wx.sent.length, 200)
  assert.equal(time.now(), 0)
  assert.equal(time.pending, 0)
})

test('what the platform answers from a cache of its own is given as such, and not kept again', async () => {
  const time = new VirtualTime()
  let asked = 0
  const wx = {
    request({ success }: { success: (answer: object) => void }) {
      asked++
      time.after(10, () => success({ statusCode: 200, header: {}, data: '{"n":1}', fromCache: asked > 1 }))
      return { abort() {} }
    },
  }
  const client = createClient({
    channels: [a],
    transport: weixin(wx),
    runtime: testRuntime(time),
    cache: { freshMs: 1_000 },
  })
  assert.equal((await time.until(client.get('/x'))).source, 'network')
  await time.advance(2_000)
  client.env.channels.active.suspect = true
  assert.equal((await time.until(client.get('/x'))).source, 'cache')
  assert.equal((await time.until(client.get('/x'))).source, 'cache')
  assert.equal(asked, 3, 'it was not kept for another second')
  assert.equal(client.env.channels.active.suspect, true, 'nor does it speak for the server')
})
