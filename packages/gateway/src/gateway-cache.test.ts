import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { CachePurge } from '@budao/model'
import { rawServer, type RawServer } from '@budao/testkit'
import { requestText, testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

interface Origin {
  readonly backend: RawServer
  /** Targets as they were asked for. */
  readonly asked: string[]
  /** Header lines of the last request. */
  head: string
  headers: Record<string, string>
  status: number
  body: (target: string) => string
  /** The next answers wait for it. */
  gate: Promise<void> | null
}

/** An origin that says how often it was asked. */
async function origin(t: TestContext, headers: Record<string, string> = {}): Promise<Origin> {
  const self: Omit<Origin, 'backend'> = {
    asked: [],
    head: '',
    headers,
    status: 200,
    body: (target) => `${target} #${self.asked.length}`,
    gate: null,
  }
  const backend = await rawServer(t, async (exchange) => {
    self.asked.push(exchange.target)
    self.head = exchange.head
    await exchange.body()
    const body = self.body(exchange.target)
    const { status, headers: extra } = self
    await self.gate
    if (status === 0) return exchange.connection.reset()
    exchange.connection.respond(status, status === 304 ? '' : body, extra)
  })
  return Object.assign(self, { backend })
}

function cached(
  t: TestContext,
  from: Origin,
  cache: object = {},
  more: TestConfig = {},
): Promise<TestGateway> {
  return testGateway(t, {
    endpoints: [from.backend.address],
    service: { outlier: false, breaker: false, retry: { attempts: 0 }, ...more.service },
    ...more,
    route: { cache, ...more.route },
  })
}

function statusOf(response: { header(name: string): string | undefined }): string {
  return response.header('cache-status') ?? ''
}

test('a fresh answer is given without asking again, with its age, to HEAD and parts too', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60', ETag: '"1"' })
  const gateway = await cached(t, from)
  const first = await gateway.request('/a?x=1')
  assert.equal(first.body, '/a?x=1 #1')
  assert.equal(statusOf(first), 'budao; fwd=uri-miss')
  assert.equal(first.header('age'), undefined)
  const second = await gateway.request('/a?x=1')
  assert.equal(second.body, '/a?x=1 #1')
  assert.match(statusOf(second), /^budao; hit; ttl=(60|59)$/)
  assert.match(second.header('age')!, /^[01]$/)
  assert.equal(second.header('etag'), '"1"')
  assert.ok(second.header('date') !== undefined)
  assert.equal((await gateway.request('/a?x=2')).body, '/a?x=2 #2', 'another query is another page')
  const head = await gateway.connect()
  head.send(requestText('HEAD /a?x=1'))
  assert.equal((await head.readResponse('HEAD')).header('content-length'), '9')
  const has = await gateway.request('/a?x=1', ['If-None-Match: "0", W/"1"'])
  assert.equal(has.status, 304)
  assert.equal(has.body, '')
  const part = await gateway.request('/a?x=1', ['Range: bytes=3-5'])
  assert.equal(part.status, 206)
  assert.equal(part.body, 'x=1')
  assert.equal(part.header('content-range'), 'bytes 3-5/9')
  assert.equal((await gateway.request('/a?x=1', ['Range: bytes=20-'])).status, 416)
  assert.equal(from.asked.length, 2)
  await until('counts', () => /route="shop",outcome="hit"} 5/.test(gateway.gateway.metrics()))
})

test('workers share one cache', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60' })
  const gateway = await cached(t, from, {}, { workers: 3 })
  await gateway.request('/')
  for (let i = 0; i < 30; i++) assert.equal((await gateway.request('/')).body, '/ #1')
  assert.equal(from.asked.length, 1)
})

test('a stale answer is confirmed by its origin, and what that says anew holds', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=0', ETag: '"1"', 'X-Old': 'kept' })
  const gateway = await cached(t, from)
  await gateway.request('/')
  from.status = 304
  from.headers = { ETag: '"1"', 'Cache-Control': 'max-age=60', 'X-New': 'yes' }
  const confirmed = await gateway.request('/')
  assert.match(from.head, /\r\nif-none-match: "1"\r\n/i)
  assert.equal(confirmed.status, 200)
  assert.equal(confirmed.body, '/ #1')
  assert.equal(confirmed.header('x-new'), 'yes')
  assert.equal(confirmed.header('x-old'), 'kept')
  // Ages are told in whole seconds, and one may begin between both.
  assert.match(statusOf(confirmed), /^budao; fwd=stale; fwd-status=304; ttl=(60|59)$/)
  assert.match(statusOf(await gateway.request('/')), /^budao; hit/)
  assert.equal(from.asked.length, 2)
})

test('a stale answer is given at once and fetched anew behind the client’s back, once', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=0, stale-while-revalidate=60' })
  const gateway = await cached(t, from)
  await gateway.request('/', ['Cookie: a=b', 'Cache-Control: no-store'])
  await gateway.request('/')
  let open = (): void => {}
  from.gate = new Promise((resolve) => (open = resolve))
  for (let i = 0; i < 5; i++) assert.equal((await gateway.request('/')).body, '/ #2')
  await until('the refresh', () => from.asked.length === 3)
  assert.doesNotMatch(from.head, /cookie/i)
  open()
  await until('the new answer', async () => (await gateway.request('/')).body !== '/ #2')
})

test('when the origin fails a kept answer stands in as far as it, or the operator, allows', async (t) => {
  const cases: [said: string, config: object, standsIn: boolean][] = [
    ['max-age=0, stale-if-error=60', {}, true],
    ['max-age=0', { staleIfError: '1m' }, true],
    ['max-age=0', {}, false],
    ['max-age=0, must-revalidate, stale-if-error=60', { staleIfError: '1m' }, false],
    ['s-maxage=0', { staleIfError: '1m' }, false],
    ['no-cache', { staleIfError: '1m' }, false],
  ]
  for (const [said, config, standsIn] of cases) {
    const from = await origin(t, { 'Cache-Control': said, ETag: '"1"' })
    const gateway = await cached(t, from, config)
    await gateway.request('/')
    for (from.status of [500, 503, 0]) {
      const answer = await gateway.request('/')
      const note = `${said} ${JSON.stringify(config)} ${from.status}`
      assert.equal(answer.status, standsIn ? 200 : from.status === 0 ? 502 : from.status, note)
      if (standsIn) assert.equal(answer.header('x-budao-fallback'), 'stale', note)
    }
  }
})

test('an open breaker and a timeout count as errors', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=0, stale-if-error=60' })
  const gateway = await cached(
    t,
    from,
    {},
    {
      service: { timeouts: { request: '100ms' }, retry: { attempts: 0 } },
    },
  )
  await gateway.request('/')
  from.gate = new Promise(() => {})
  assert.equal((await gateway.request('/')).body, '/ #1')
  assert.ok(gateway.gateway.forceBreaker('shop', null, 'open', ''))
  assert.equal((await gateway.request('/')).body, '/ #1')
})

test('answers to different requests stay apart by Vary', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60', Vary: 'Accept-Encoding, X-Lang' })
  from.body = () => `#${from.asked.length} ${/x-lang: (\w+)/i.exec(from.head)?.[1] ?? ''}`
  const gateway = await cached(t, from)
  const ask = async (...lines: string[]): Promise<string> => (await gateway.request('/', lines)).body
  assert.equal(await ask('X-Lang: de'), '#1 de')
  assert.equal(await ask('X-Lang: en'), '#2 en')
  assert.equal(await ask('X-Lang: de'), '#1 de')
  assert.equal(await ask('X-Lang: en'), '#2 en')
  assert.equal(await ask('X-Lang: de', 'Accept-Encoding: br, gzip'), '#3 de')
  assert.equal(await ask('X-Lang: de', 'Accept-Encoding: gzip;q=1.0,  br'), '#3 de')
  assert.equal(await ask('X-Lang: de', 'Accept-Encoding: gzip;q=0, br'), '#4 de')
})

test('a write makes what is kept of its URL untrue; one that failed does not', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60' })
  const gateway = await cached(t, from)
  assert.equal((await gateway.request('/')).body, '/ #1')
  from.status = 409
  await gateway.request('POST /', [], 'x')
  assert.equal((await gateway.request('/')).body, '/ #1')
  from.status = 200
  await gateway.request('PUT /', [], 'x')
  assert.equal((await gateway.request('/')).body, '/ #4')
  from.headers = { ...from.headers, Location: '/new?x=1', 'Content-Location': 'http://other.example/other' }
  for (const target of ['/new?x=1', '/other']) await gateway.request(target)
  await gateway.request('POST /orders', [], 'x')
  assert.equal((await gateway.request('/new?x=1')).body, '/new?x=1 #8')
  assert.equal((await gateway.request('/other')).body, '/other #6', 'of another host nothing is believed')
})

test('what is only part of an answer is never kept', async (t) => {
  let mode = 'cut'
  const backend = await rawServer(t, async ({ connection, body }) => {
    await body()
    if (mode === 'cut') {
      connection.write('HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhalf')
      connection.end()
    } else if (mode === 'part')
      connection.respond(206, 'half', { 'Cache-Control': 'max-age=60', 'Content-Range': 'bytes 0-3/10' })
    else connection.respond(200, 'wholewhole', { 'Cache-Control': 'max-age=60' })
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { outlier: false, breaker: false },
    route: { cache: {} },
  })
  await assert.rejects(gateway.request('/'))
  mode = 'part'
  assert.equal((await gateway.request('/', ['Range: bytes=0-3'])).status, 206)
  mode = 'whole'
  assert.equal((await gateway.request('/')).body, 'wholewhole')
})

test('the operator’s words: lifetimes, key, bypass', async (t) => {
  const from = await origin(t)
  const gateway = await cached(t, from, {
    ttl: '1m',
    key: { host: false, ignoreQuery: ['utm_*', 'from'], headers: ['X-Version'] },
    bypass: { headers: ['X-Fresh'], cookies: ['preview'] },
    credentials: [],
  })
  const ask = async (target: string, ...lines: string[]): Promise<string> =>
    (await gateway.request(target, lines)).body
  assert.equal(await ask('/?a=1&utm_source=x'), '/?a=1&utm_source=x #1')
  assert.equal(await ask('/?from=y&a=1'), '/?a=1&utm_source=x #1')
  assert.equal(await ask('/?a=1', 'X-Version: 2'), '/?a=1 #2')
  assert.equal(await ask('/?a=1', 'X-Fresh: 1'), '/?a=1 #3')
  assert.equal(await ask('/?a=1', 'Cookie: b=c; preview=1'), '/?a=1 #4')
  assert.equal(await ask('/?a=1', 'Cookie: b=c'), '/?a=1&utm_source=x #1')
  assert.equal(await ask('/?a=1', 'Cache-Control: no-cache'), '/?a=1 #5')
  assert.equal(await ask('/?a=1', 'Cache-Control: only-if-cached'), '/?a=1 #5')
  const none = await gateway.request('/?a=2', ['Cache-Control: only-if-cached'])
  assert.equal(none.status, 504)
  assert.equal(JSON.parse(none.body).error, 'not_cached')
})

test('filters see kept answers as they see others', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60', 'X-Powered-By': 'x' })
  const gateway = await cached(
    t,
    from,
    {},
    {
      route: {
        filters: [
          { cors: { origins: ['https://a.example', 'https://b.example'] } },
          { headers: { response: { remove: ['X-Powered-By'], set: { 'X-Seen': 'yes' } } } },
        ],
      },
    },
  )
  for (const site of ['https://a.example', 'https://b.example', 'https://a.example']) {
    const answer = await gateway.request('/', [`Origin: ${site}`])
    assert.equal(answer.header('access-control-allow-origin'), site)
    assert.equal(answer.header('x-powered-by'), undefined)
    assert.equal(answer.header('x-seen'), 'yes')
  }
  assert.equal(from.asked.length, 1)
})

test('a purge forgets what it names, in all workers and whatever it varies by', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60', Vary: 'X-Lang', 'Cache-Tag': 'shop, offers' })
  const gateway = await cached(t, from, {}, { workers: 2 })
  const asked = async (target: string): Promise<boolean> => {
    const before = from.asked.length
    for (const lang of ['de', 'en']) await gateway.request(target, [`X-Lang: ${lang}`])
    return from.asked.length > before
  }
  const site = 'http://shop.example'
  const purges: [purge: CachePurge, forgotten: string[]][] = [
    [{ url: `${site}/a` }, ['/a']],
    [{ url: `${site}/a?x=1` }, ['/a?x=1']],
    [{ prefix: `${site}/b/` }, ['/b/', '/b/1']],
    [{ prefix: `${site}/b` }, ['/b/', '/b/1']],
    [{ tag: 'offers' }, ['/a', '/a?x=1', '/b/', '/b/1']],
    [{ tag: 'offer' }, []],
    [{ route: 'shop', tag: 'shop', prefix: `${site}/a` }, ['/a', '/a?x=1']],
    [{ url: 'https://shop.example/a' }, []],
    [{ route: 'other' }, []],
    [{}, ['/a', '/a?x=1', '/b/', '/b/1']],
  ]
  for (const [purge, forgotten] of purges) {
    for (const target of ['/a', '/a?x=1', '/b/', '/b/1'])
      await until(`${target} is kept`, async () => !(await asked(target)))
    const removed = await gateway.gateway.purgeCache(purge)
    assert.equal(removed > 0, forgotten.length > 0, JSON.stringify(purge))
    for (const target of ['/a', '/a?x=1', '/b/', '/b/1'])
      assert.equal(await asked(target), forgotten.includes(target), `${JSON.stringify(purge)} ${target}`)
  }
  await assert.rejects(gateway.gateway.purgeCache({ url: 'shop.example/a' }), /expected an address such as/)
  assert.equal(gateway.eventsOf('cache.purged').length, purges.length)
})

test('an answer that is on its way during a purge is not kept', async (t) => {
  const from = await origin(t, { 'Cache-Control': 'max-age=60' })
  let open = (): void => {}
  from.gate = new Promise((resolve) => (open = resolve))
  const gateway = await cached(t, from)
  const old = gateway.request('/')
  await until('the request', () => from.asked.length === 1)
  await gateway.gateway.purgeCache({})
  open()
  assert.equal((await old).body, '/ #1')
  assert.equal((await gateway.request('/')).body, '/ #2')
})
