import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, WxStorage, type WxFate } from '@budao/testkit'
import { createClient, nativeStorage, weixin, type Client, type PublicKey } from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const a = 'https://a.example'
const b = 'https://b.example'
const c = 'https://c.example'
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = publicKey.export({ format: 'jwk' }) as unknown as PublicKey
const beganAt = 1_800_000_000

interface List {
  readonly version: number
  readonly order: readonly string[]
  readonly exp?: number
  readonly v?: number
}

function jws({ version, order, exp = beganAt + 3_600, v = 1 }: List): string {
  const parts = [{ alg: 'RS256' }, { v, version, iat: beganAt, exp, order }]
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

class Phone {
  readonly time: VirtualTime = new VirtualTime()
  readonly storage: WxStorage = new WxStorage(this.time)
  list: WxFate = { afterMs: 10, status: 200, body: jws({ version: 1, order: [b, a] }) }
  dead = ''
  readonly wx: WxEmulator = new WxEmulator(this.time, {
    domains: [a, b, c],
    network: ({ url }) =>
      this.dead !== '' && url.startsWith(this.dead)
        ? { afterMs: 10, fails: 'refused' }
        : url.endsWith('/budao/v1/channels')
          ? this.list
          : { afterMs: 10, status: 200, body: '{}' },
  })
  client: Client = this.start()

  start(): Client {
    return (this.client = createClient({
      channels: [a, b, c],
      transport: weixin(this.wx),
      storage: nativeStorage(this.storage),
      channelList: { key },
      runtime: testRuntime(this.time),
    }))
  }

  /** Makes a call, and lets happen what happens beside it. Where it went. */
  async call(): Promise<string> {
    const { channel } = await this.time.until(this.client.get('/x'))
    await this.time.advance(1_000)
    return channel
  }

  get looks(): number {
    return this.wx.sent.filter(({ url }) => url.endsWith('/channels')).length
  }
}

test('the operator’s order is that of the calls, from the first look on and in the next process at once', async () => {
  const phone = new Phone()
  assert.equal(await phone.call(), 'a.example')
  assert.equal(await phone.call(), 'b.example')
  assert.equal(phone.looks, 1, 'once in ten minutes')
  await phone.time.advance(600_000)
  await phone.call()
  assert.equal(phone.looks, 2)
  phone.start()
  phone.list = { afterMs: 10, fails: 'reset' }
  await phone.call()
  assert.equal(await phone.call(), 'b.example', 'as storage has it')
})

test('channels that are not named stay behind those that are; unknown ones are nobody’s', async () => {
  for (const [order, expected] of [
    [[c], 'c.example'],
    [['https://evil.example', b], 'b.example'],
    [[`${b}/`, b, a], 'b.example'],
    [['https://evil.example'], 'a.example'],
    [[], 'a.example'],
  ] as const) {
    const phone = new Phone()
    phone.list = { afterMs: 10, status: 200, body: jws({ version: 1, order }) }
    await phone.call()
    assert.equal(await phone.call(), expected, order.join())
    assert.ok(phone.wx.sent.every(({ url }) => !url.includes('evil')))
  }
})

test('an older list, an expired one, one of another form, and one that nobody signed are refused', async () => {
  const good = jws({ version: 5, order: [b, a, c] })
  const [head, payload] = good.split('.') as [string, string]
  for (const body of [
    jws({ version: 4, order: [c] }),
    jws({ version: 6, order: [c], exp: beganAt }),
    jws({ version: 6, order: [c], v: 2 }),
    jws({ version: 6.5, order: [c] }),
    jws({ version: 6, order: 'c' as unknown as string[] }),
    `${head}.${payload}.AAAA`,
    '<html>log in</html>',
    '',
  ]) {
    const phone = new Phone()
    phone.list = { afterMs: 10, status: 200, body: good }
    await phone.call()
    assert.equal(await phone.call(), 'b.example')
    phone.list = { afterMs: 10, status: 200, body }
    await phone.time.advance(600_000)
    await phone.call()
    assert.equal(await phone.call(), 'b.example', body.slice(0, 40))
    phone.start()
    await phone.call()
    assert.equal(await phone.call(), 'b.example', 'nor does it reach storage')
  }
})

test('a failover looks at once, whatever the time', async () => {
  const phone = new Phone()
  phone.list = { afterMs: 10, status: 200, body: jws({ version: 1, order: [a, b, c] }) }
  await phone.call()
  phone.dead = a
  await phone.call()
  await phone.call()
  assert.equal(phone.looks, 2)
})

test('an order that begins with a channel that has just failed waits until it has proved itself', async () => {
  const phone = new Phone()
  phone.dead = a
  phone.list = { afterMs: 10, status: 200, body: jws({ version: 1, order: [a, c, b] }) }
  await phone.call()
  assert.equal(await phone.call(), 'b.example')
  phone.dead = ''
  for (let i = 0; i < 60; i++) await phone.call()
  assert.equal(await phone.call(), 'a.example')
})

test('a list never holds up a call, nor does one that is never answered', async () => {
  const phone = new Phone()
  phone.list = { fails: 'silence' }
  const before = phone.time.now()
  await phone.time.until(Promise.all(Array.from({ length: 8 }, (_, i) => phone.client.get(`/${i}`))))
  assert.equal(phone.time.now() - before, 10)
})

test('a key too short is refused when the client is made', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  const { wx } = new Phone()
  assert.throws(
    () => createClient({ channels: [a], transport: weixin(wx), channelList: { key: short as PublicKey } }),
    /2048 bits or more, got 1024 bits/,
  )
})
