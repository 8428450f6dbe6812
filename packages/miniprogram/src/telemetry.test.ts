import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, WxStorage, type WxFate } from '@budao/testkit'
import fc from 'fast-check'
import { createClient, nativeStorage, weixin, type Client, type TelemetryOptions } from './index.ts'
import { profileOf } from './profile.ts'
import { redactedPath } from './redacted-path.ts'
import { testRuntime } from './test-runtime.test.ts'
import { version } from './version.ts'

const origin = 'https://a.example'
const fine: WxFate = { afterMs: 50, status: 200, body: '{"n":1}' }

interface Batch {
  readonly dropped: number
  readonly session: string
  readonly calls: readonly Record<string, unknown>[]
}

class Phone {
  readonly time: VirtualTime = new VirtualTime()
  readonly storage: WxStorage = new WxStorage(this.time)
  fate: WxFate = fine
  /** What the ingest route makes of a report. */
  ingest: WxFate = { afterMs: 30, status: 204, body: '' }
  readonly bodies: string[] = []
  readonly wx: WxEmulator = new WxEmulator(this.time, {
    domains: [origin],
    network: ({ url, data }) => {
      if (!url.endsWith('/budao/v1/telemetry')) return this.fate
      this.bodies.push(data as string)
      return this.ingest
    },
  })
  client: Client = this.start()

  start(options: Partial<TelemetryOptions> = {}): Client {
    return (this.client = createClient({
      channels: [origin],
      transport: weixin(this.wx),
      storage: nativeStorage(this.storage),
      cache: {},
      telemetry: { app: 'shop', appVersion: '1.2.3', samplePercent: 100, ...options },
      runtime: testRuntime(this.time),
    }))
  }

  get batches(): Batch[] {
    return this.bodies.map((body) => JSON.parse(body) as Batch)
  }

  async get(path: string, options?: Parameters<Client['get']>[1]): Promise<void> {
    await this.time.until(this.client.get(path, options).catch(() => {}))
  }
}

test('calls are reported as the gateway’s ingest route takes them, half a minute later and together', async () => {
  const phone = new Phone()
  phone.client.parking.network = 'wifi'
  await phone.get('/api/items/4711?token=secret', { cache: false, headers: { 'X-Secret': 'secret' } })
  await phone.get('/api/list')
  await phone.get('/api/list')
  phone.fate = { afterMs: 20, fails: 'reset' }
  await phone.time.until(
    phone.client.post('/api/orders', { name: 'secret' }, { attemptsMax: 1 }).catch(() => {}),
  )
  assert.equal(phone.bodies.length, 0)
  await phone.time.advance(31_000)
  assert.equal(phone.bodies.length, 1)
  const { calls, session, ...head } = phone.batches[0]!
  assert.deepEqual(head, {
    v: 1,
    app: 'shop',
    appVersion: '1.2.3',
    sdk: version,
    platform: 'weixin',
    dropped: 0,
  })
  assert.match(session, /^[0-9a-f-]{36}$/)
  const common = { errno: 0, queueMs: 0, attempts: 1, channel: 'a.example', source: 'network', net: 'wifi' }
  assert.deepEqual(
    calls.map(({ at, profile, ...call }) => {
      assert.ok((at as number) >= 1_800_000_000_000)
      assert.ok(profile === undefined || typeof profile === 'object')
      return call
    }),
    [
      { method: 'GET', path: '/api/items/:id', status: 200, code: '', ms: 50, ...common },
      { method: 'GET', path: '/api/list', status: 200, code: '', ms: 50, ...common },
      {
        method: 'GET',
        path: '/api/list',
        status: 200,
        code: '',
        ms: 0,
        ...common,
        attempts: 0,
        channel: '',
        source: 'cache',
      },
      {
        method: 'POST',
        path: '/api/orders',
        status: 0,
        code: 'maybe-sent',
        ms: 20,
        ...common,
        errno: 600001,
      },
    ],
  )
  assert.ok(!phone.bodies[0]!.includes('secret'))
  assert.equal(phone.time.pending, 0, 'nothing more is waited for')
})

test('of good calls a tenth is reported, of failed ones each', async () => {
  const phone = new Phone()
  phone.start({ samplePercent: 10 })
  for (let i = 0; i < 500; i++) await phone.get('/api/good', { cache: false })
  phone.fate = { afterMs: 1, status: 404, body: '{}' }
  for (let i = 0; i < 20; i++) await phone.get('/api/bad', { cache: false })
  await phone.time.advance(31_000)
  const calls = phone.batches.flatMap((batch) => batch.calls)
  const good = calls.filter(({ status }) => status === 200).length
  assert.ok(good > 25 && good < 80, `${good} of 500`)
  assert.equal(calls.filter(({ code, status }) => code === 'http' && status === 404).length, 20)
})

test('what there is no room for is counted, and told once', async () => {
  const phone = new Phone()
  phone.start({ callsMax: 50 })
  phone.ingest = { afterMs: 10, fails: 'refused' }
  for (let i = 0; i < 80; i++) await phone.get('/api/x', { cache: false })
  await phone.time.advance(31_000)
  phone.ingest = { afterMs: 10, status: 204, body: '' }
  await phone.time.advance(31_000)
  const last = phone.batches.at(-1)!
  assert.equal(last.calls.length, 50)
  assert.equal(last.dropped, 30)
  await phone.get('/api/x', { cache: false })
  await phone.time.advance(31_000)
  assert.equal(phone.batches.at(-1)!.dropped, 0)
})

test('no batch holds more than 100 calls or 64 KiB', async () => {
  const phone = new Phone()
  phone.start({ flushMs: 600_000 })
  const long = `/${'abcdefghij-klmnopqrst-uvwxyz-ab/'.repeat(40)}`
  for (let i = 0; i < 250; i++) await phone.get(i < 120 ? '/api/x' : long, { cache: false })
  await phone.time.advance(4_000_000)
  assert.equal(
    phone.batches.reduce((sum, { calls }) => sum + calls.length, 0),
    250,
  )
  for (const [i, body] of phone.bodies.entries()) {
    assert.ok(phone.batches[i]!.calls.length <= 100)
    assert.ok(Buffer.byteLength(body) <= 65_536, `${body.length} characters`)
  }
})

test('a report that is refused is not sent again; one that finds nobody is, and never touches the channel', async () => {
  const phone = new Phone()
  await phone.get('/api/x')
  phone.ingest = { afterMs: 10, status: 400, body: '{}' }
  await phone.time.advance(200_000)
  assert.equal(phone.bodies.length, 1)
  for (const fate of [
    { fails: 'silence' },
    { afterMs: 1, status: 503, body: '' },
    { afterMs: 1, status: 429, body: '' },
  ] as const) {
    phone.ingest = fate
    await phone.get('/api/x', { cache: false })
    const before: number = phone.bodies.length
    await phone.time.advance(100_000)
    assert.ok(phone.bodies.length > before + 1, 'again')
    assert.equal(phone.client.channel, 'a.example')
    assert.equal(phone.client.env.channels.active.failures, 0)
    phone.ingest = { afterMs: 1, status: 204, body: '' }
    await phone.time.advance(31_000)
  }
})

test('what waits when the mini program goes to the background is sent then, or kept for the next process', async () => {
  for (const arrives of [true, false]) {
    const phone = new Phone()
    await phone.get('/api/x')
    phone.ingest = arrives ? { afterMs: 10, status: 204, body: '' } : { fails: 'silence' }
    phone.client.parking.onBackground()
    await phone.time.advance(1_000)
    assert.equal(phone.bodies.length, 1)
    assert.equal(phone.storage.values.has('budao:telemetry'), !arrives)
    phone.ingest = { afterMs: 10, status: 204, body: '' }
    phone.start({ flushMs: 5_000 })
    await phone.get('/api/y')
    await phone.time.advance(6_000)
    const paths = phone.batches.at(-1)!.calls.map(({ path }) => path)
    assert.deepEqual(paths, arrives ? ['/api/y'] : ['/api/x', '/api/y'])
    assert.equal(phone.storage.values.has('budao:telemetry'), false)
  }
})

test('foreign and broken reports in storage are thrown away', async () => {
  for (const kept of ['[{"at":1', '7', 'null', { not: 'text' }]) {
    const phone = new Phone()
    phone.storage.values.set('budao:telemetry', kept)
    await phone.get('/api/x')
    await phone.time.advance(31_000)
    assert.deepEqual(
      phone.batches[0]!.calls.map(({ path }) => path),
      ['/api/x'],
    )
  }
})

test('a report waits behind every call, and holds up none', async () => {
  const phone = new Phone()
  await phone.get('/api/x', { cache: false })
  await phone.time.advance(29_900)
  phone.fate = { afterMs: 500, status: 200, body: '{}' }
  const calls = Array.from({ length: 24 }, (_, i) => phone.client.get(`/api/${i}`, { cache: false }))
  await phone.time.until(Promise.all(calls.slice(0, 16)))
  assert.equal(phone.bodies.length, 0, 'half a minute is over, and calls were waiting')
  await phone.time.until(Promise.all(calls))
  await phone.time.advance(1_000)
  assert.equal(phone.bodies.length, 1)
})

test('paths say nothing of whom or what', () => {
  for (const [path, expected] of [
    ['/api/v1/items/4711', '/api/v1/items/:id'],
    ['/api/my-orders/', '/api/my-orders/'],
    ['/users/13800138000/address?x=1#y', '/users/:id/address'],
    ['/f/7b9c1d20-aaaa-4bbb-8ccc-123456789012.json', '/f/:id'],
    ['/u/%E5%BC%A0/orders', '/u/:id/orders'],
    ['/mail/ann@example.com', '/mail/:id'],
    ['/t/abcdefghijklmnopqrstuvwxyzabcdefghijkl', '/t/:id'],
    ['/', '/'],
  ] as const)
    assert.equal(redactedPath(path), expected)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.doesNotMatch(redactedPath(`/${text}`), /\d{3}|[?#@%\s]/)
    }),
  )
})

test('the platform’s profile becomes stages; what makes no sense is left out', () => {
  assert.deepEqual(
    profileOf({
      profile: {
        domainLookUpStart: 10,
        domainLookUpEnd: 13,
        connectStart: 13,
        connectEnd: 45,
        SSLconnectionStart: 20,
        SSLconnectionEnd: 40,
        requestStart: 45,
        responseStart: 85,
        socketReused: false,
        protocol: 'h2',
      },
      exception: { retryCount: 1 },
    }),
    { dns: 3, connect: 32, tls: 20, ttfb: 40, reused: false, protocol: 'h2', nativeRetries: 1 },
  )
  const { dns, connect } = profileOf({ profile: { domainLookUpStart: 5, domainLookUpEnd: 0 } })!
  assert.deepEqual([dns, connect], [undefined, undefined])
  for (const native of [undefined, null, {}, 'x']) assert.equal(profileOf(native), undefined)
})

test('the version that is reported is the package’s', () => {
  const { version: published } = JSON.parse(readFileSync('packages/miniprogram/package.json', 'utf8')) as {
    version: string
  }
  assert.equal(version, published)
})
