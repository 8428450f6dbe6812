import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, WxStorage, type WxFate } from '@budao/testkit'
import { ApiError, createClient, nativeStorage, weixin, type Client, type ClientOptions } from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const origin = 'https://a.example'

class Phone {
  readonly time: VirtualTime = new VirtualTime()
  readonly storage: WxStorage
  /** What the server answers from now on. */
  fate: WxFate = { afterMs: 50, status: 200, body: '{"n":1}' }
  readonly wx: WxEmulator
  client: Client

  constructor(options: Partial<ClientOptions> = {}, quota?: number) {
    this.storage = new WxStorage(this.time, quota)
    this.wx = new WxEmulator(this.time, { domains: [origin], network: () => this.fate })
    this.client = this.start(options)
  }

  /** A new process of the mini program over the same storage. */
  start(options: Partial<ClientOptions> = {}): Client {
    this.client = createClient({
      channels: [{ baseUrl: origin }],
      transport: weixin(this.wx),
      storage: nativeStorage(this.storage),
      cache: {},
      runtime: testRuntime(this.time),
      ...options,
    })
    return this.client
  }

  async get(path: string, options?: Parameters<Client['get']>[1]): Promise<[data: unknown, source: string]> {
    const { data, source } = await this.time.until(this.client.get(path, options))
    return [data, source]
  }
}

const down: WxFate = { afterMs: 20, fails: 'refused' }

test('an answer is given again for five minutes without asking, and behind that asked for anew', async () => {
  const phone = new Phone()
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'network'])
  phone.fate = { afterMs: 50, status: 200, body: '{"n":2}' }
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'cache'])
  assert.equal(phone.wx.sent.length, 1)
  await phone.time.advance(300_000)
  assert.deepEqual(await phone.get('/items'), [{ n: 2 }, 'network'])
})

test('stale-while-revalidate gives the old answer at once and asks once beside it', async () => {
  const phone = new Phone({ cache: { freshMs: 1_000, revalidateMs: 60_000 } })
  await phone.get('/items')
  phone.fate = { afterMs: 50, status: 200, body: '{"n":2}' }
  await phone.time.advance(2_000)
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'stale'])
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'stale'])
  await phone.time.advance(100)
  assert.equal(phone.wx.sent.length, 2, 'one call beside it, however many were given the old answer')
  assert.deepEqual(await phone.get('/items'), [{ n: 2 }, 'cache'])
})

test('with every channel dead the last answer is given, also by the next process, for a day', async () => {
  const phone = new Phone()
  await phone.get('/items')
  await phone.time.advance(400_000)
  phone.fate = down
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'stale'])
  phone.start()
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'stale'])
  await phone.time.advance(86_400_000)
  phone.start()
  await assert.rejects(phone.get('/items'), ApiError)
})

test('errors of the API are not replaced by older answers, nor kept', async () => {
  const phone = new Phone({ cache: { freshMs: 0 } })
  await phone.get('/items')
  phone.fate = { afterMs: 20, status: 404, body: '{}' }
  await assert.rejects(phone.get('/items'), { code: 'http', status: 404 })
  phone.fate = { afterMs: 20, status: 200, body: '<html>log in</html>' }
  assert.deepEqual(await phone.get('/items'), [{ n: 1 }, 'stale'], 'a captive portal is no answer of the API')
})

test('equal GETs under way are one request, and one that leaves does not break off the others', async () => {
  const phone = new Phone({ cache: undefined as never })
  const calls = Array.from({ length: 5 }, () => phone.client.get('/items'))
  const settled = Promise.allSettled(calls)
  calls[0]!.abort()
  const outcomes = await phone.time.until(settled)
  assert.equal(outcomes[0]!.status, 'rejected')
  assert.ok(outcomes.slice(1).every(({ status }) => status === 'fulfilled'))
  assert.equal(phone.wx.sent.length, 1)
  phone.fate = { fails: 'silence' }
  const both = [phone.client.get('/slow'), phone.client.get('/slow')]
  const left = Promise.allSettled(both)
  await phone.time.advance(10)
  for (const call of both) call.abort()
  await phone.time.until(left)
  assert.equal(phone.wx.running, 0, 'the last one that leaves ends it')
})

test('one user’s answers are never another’s, and are gone at the logout', async () => {
  const phone = new Phone()
  await phone.time.until(phone.client.setUser('ann'))
  await phone.get('/me')
  await phone.time.advance(1_000)
  assert.ok([...phone.storage.values.keys()].some((key) => key.startsWith('budao:cache:ann:')))
  phone.fate = { afterMs: 50, status: 200, body: '{"n":"ann:b"}' }
  await phone.time.until(phone.client.setUser('ann:b'))
  assert.deepEqual(await phone.get('/me'), [{ n: 'ann:b' }, 'network'])
  await phone.time.until(phone.client.setUser(''))
  await phone.time.advance(1_000)
  assert.deepEqual([...phone.storage.values.keys()], [])
})

test('what the app keeps is never touched, foreign and broken entries are no answers, and a full storage costs nothing', async () => {
  const phone = new Phone({}, 3_000)
  phone.storage.values.set('cart', 'x'.repeat(2_500))
  phone.storage.values.set('budao:cache::/items', '{"status":200,"bo')
  phone.storage.values.set('budao:cache::/other', { not: 'text' })
  phone.fate = { afterMs: 50, status: 200, body: `{"n":"${'y'.repeat(1_000)}"}` }
  const [, source] = await phone.get('/items')
  assert.equal(source, 'network')
  await phone.time.advance(1_000)
  assert.equal((await phone.get('/items'))[1], 'cache', 'kept for this process')
  assert.deepEqual([...phone.storage.values.keys()], ['cart'])
})

test('the least used go first when the share of the quota is full', async () => {
  const phone = new Phone({ cacheStore: { sizeMax: 3_500 } })
  phone.fate = { afterMs: 50, status: 200, body: `{"n":"${'y'.repeat(1_000)}"}` }
  for (const path of ['/1', '/2', '/3']) await phone.get(path)
  await phone.get('/1')
  await phone.get('/4')
  const sources: string[] = []
  for (const path of ['/1', '/3', '/4', '/2']) sources.push((await phone.get(path))[1])
  assert.deepEqual(sources, ['cache', 'cache', 'cache', 'network'])
})

test('the first call waits for no storage, and its answer is newer than what storage holds', async () => {
  const phone = new Phone()
  await phone.get('/items')
  await phone.time.advance(1_000)
  phone.start()
  phone.fate = { afterMs: 1, status: 200, body: '{"n":2}' }
  const before = phone.time.now()
  assert.deepEqual(await phone.get('/items'), [{ n: 2 }, 'network'])
  assert.equal(phone.time.now() - before, 1)
  await phone.time.advance(1_000)
  assert.deepEqual(await phone.get('/items'), [{ n: 2 }, 'cache'])
})
