import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { BudaoEvent, EventDraft } from '@budao/model'
import { MemorySource } from '../test/memory-source.ts'
import type { AdminReply } from './admin-reply.ts'
import type { AdminRequest } from './admin-request.ts'
import { adminRoutes } from './admin-routes.ts'
import { createAdminServer } from './admin-server.ts'
import type { AdminServer, AdminServerOptions } from './admin-server.ts'
import { EventLog } from './event-log.ts'

const draft: EventDraft = {
  kind: 'breaker.opened',
  severity: 'critical',
  subject: 'shop',
  message: 'the breaker of shop opened: 12 of 20 calls failed',
  evidence: { calls: 20, failures: 12 },
}

const silence = { info() {}, warn() {}, error() {} }

interface World {
  readonly source: MemorySource
  readonly server: AdminServer
  readonly logged: string[]
  /** Asks, and reads the answer. */
  readonly ask: (path: string, init?: RequestInit) => Promise<{ status: number; headers: Headers; body: any }>
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => ReturnType<World['ask']>
}

async function start(t: TestContext, options: Partial<AdminServerOptions> = {}): Promise<World> {
  const logged: string[] = []
  const note = (_fields: object, message: string): unknown => logged.push(message)
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({
    source,
    address: '127.0.0.1:0',
    log: { info: note, warn: note, error: note },
    ...options,
  })
  t.after(() => server.close())
  const ask: World['ask'] = async (path, init) => {
    const response = await fetch(server.url + path, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== ''
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  const post: World['post'] = (path, body, headers = {}) =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { source, server, logged, ask, post }
}

test('lives, is ready until it drains, and shows metrics', async (t) => {
  const { source, ask } = await start(t)
  assert.equal((await ask('/healthz')).status, 200)
  assert.equal((await ask('/readyz')).status, 200)
  source.isReady = false
  const draining = await ask('/readyz')
  assert.equal(draining.status, 503)
  assert.equal(draining.body.error, 'not-ready')
  assert.equal((await ask('/healthz')).status, 200)

  const metrics = await ask('/metrics')
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(metrics.body, /budao_requests_total 7/)
})

test('tells the state, the services and the configuration', async (t) => {
  const { source, ask } = await start(t)
  assert.deepEqual((await ask('/api/v1/status')).body, source.current)
  assert.deepEqual((await ask('/api/v1/services')).body, { services: source.current.services })
  assert.deepEqual((await ask('/api/v1/config')).body, source.config())
})

test('lists events with the position of the newest, so that a reader notices a restart', async (t) => {
  const { source, ask } = await start(t)
  for (let index = 0; index < 5; index++) source.events.append(draft)
  source.events.append({ ...draft, kind: 'breaker.closed' })
  const { body } = await ask('/api/v1/events?after=2&limit=2')
  assert.equal(body.lastSeq, 6)
  assert.deepEqual(body.events, source.events.list({ after: 2, limit: 2 }))
  assert.equal((await ask('/api/v1/events?kind=breaker.closed')).body.events.length, 1)
  assert.deepEqual((await ask('/api/v1/events?after=99')).body, { lastSeq: 6, events: [] })
})

test('reloads, and shows why a configuration is refused', async (t) => {
  const { source, ask, post } = await start(t)
  assert.deepEqual((await post('/api/v1/reload', {})).body, { ok: true, version: 2 })
  assert.equal((await post('/api/v1/reload', '')).status, 200, 'a body is not needed')
  assert.equal(
    (await ask('/api/v1/reload', { method: 'POST', headers: { 'content-type': 'application/json' } })).status,
    200,
  )

  source.reloadResult = {
    ok: false,
    problems: ['budao.yaml:3 services.shop: expected an object, found a number'],
  }
  const refused = await post('/api/v1/reload', {})
  assert.equal(refused.status, 422)
  assert.equal(refused.body.error, 'config-refused')
  assert.deepEqual(refused.body.problems, source.reloadResult.problems)
})

test('two reloads at once are one', async () => {
  const source = new MemorySource(await EventLog.open())
  let finish = (): void => {}
  source.reload = () => {
    source.reloads++
    return new Promise((done) => (finish = () => done({ ok: true, version: 9 })))
  }
  const route = adminRoutes({ source, log: silence }).find(({ url }) => url === '/api/v1/reload')!
  const reload = (): unknown => route.handle({ ip: '127.0.0.1' } as AdminRequest, {} as AdminReply)
  const both = [reload(), reload()]
  finish()
  assert.deepEqual(await Promise.all(both), [
    { ok: true, version: 9 },
    { ok: true, version: 9 },
  ])
  assert.equal(source.reloads, 1)
  const later = reload()
  finish()
  await later
  assert.equal(source.reloads, 2)
})

test('forces breakers of services and endpoints that exist', async (t) => {
  const { source, post, logged } = await start(t)
  const whole = await post('/api/v1/services/shop/breaker', { to: 'open', reason: 'database work' })
  assert.deepEqual(whole.body, { ok: true, service: 'shop', endpoint: null, to: 'open' })
  await post('/api/v1/services/shop/breaker', { to: 'auto', reason: 'done', endpoint: '127.0.0.1:7101' })
  assert.deepEqual(source.forced, [
    { service: 'shop', to: 'open', reason: 'database work' },
    { service: 'shop', to: 'auto', reason: 'done', endpoint: '127.0.0.1:7101' },
  ])
  assert.deepEqual(logged, ['breaker forced', 'breaker forced'])

  const unknown = await post('/api/v1/services/shoe/breaker', { to: 'open', reason: 'x' })
  assert.deepEqual(
    [unknown.status, unknown.body.error, unknown.body.hint],
    [404, 'unknown-service', 'Known: shop.'],
  )
  const stray = await post('/api/v1/services/shop/breaker', {
    to: 'open',
    reason: 'x',
    endpoint: '127.0.0.1:1',
  })
  assert.deepEqual([stray.status, stray.body.error], [404, 'unknown-endpoint'])
  assert.equal(source.forced.length, 2)
})

const note = { phase: 'started', site: 'east', message: 'about to kill', evidence: { rate: 300 } }

test('a drill leaves its start and its end among the events', async (t) => {
  const { source, post, logged } = await start(t)
  const started = await post('/api/v1/drills', { ...note, reason: 'game day' })
  assert.deepEqual([started.status, started.body], [200, { ok: true, kind: 'drill.started' }])
  const finished = await post('/api/v1/drills', { ...note, phase: 'finished', message: 'over' })
  assert.deepEqual(finished.body, { ok: true, kind: 'drill.finished' })
  assert.deepEqual(source.events.list(), [
    {
      seq: 1,
      at: source.events.list()[0]!.at,
      kind: 'drill.started',
      severity: 'warning',
      subject: 'east',
      site: 'east',
      message: 'about to kill',
      evidence: { rate: 300, reason: 'game day' },
    },
    {
      seq: 2,
      at: source.events.list()[1]!.at,
      kind: 'drill.finished',
      severity: 'info',
      subject: 'east',
      site: 'east',
      message: 'over',
      evidence: { rate: 300 },
    },
  ])
  assert.deepEqual(logged, ['drill started', 'drill finished'])

  const unknown = await post('/api/v1/drills', { ...note, site: 'north' })
  assert.deepEqual(
    [unknown.status, unknown.body.error, unknown.body.hint],
    [404, 'unknown-site', 'Known: east, west.'],
  )
  assert.equal(source.events.lastSeq, 2)
})

test('drills: what is planned and run, and a report by its id', async (t) => {
  const { ask } = await start(t)
  const overview = await ask('/api/v1/drills')
  assert.equal(overview.status, 200)
  assert.equal(overview.body.schedule[0].nextLocal, 'tue 2026-12-01 10:30 Asia/Shanghai')
  assert.deepEqual((await ask('/api/v1/drills/known')).body, { schema: 1 })
  const unknown = await ask('/api/v1/drills/other')
  assert.deepEqual([unknown.status, unknown.body.error], [404, 'unknown-drill'])
})

test('DNS is muted for a drill, not for a day, and not where there is none', async (t) => {
  const { source, post } = await start(t)
  const off = await post('/api/v1/dns/mute', { forMs: 5_000 })
  assert.deepEqual([off.status, off.body.error], [404, 'dns-off'])
  source.dnsReport = { names: [] } as never
  assert.deepEqual((await post('/api/v1/dns/mute', { forMs: 5_000 })).body, { ok: true, forMs: 5_000 })
  assert.equal(source.mutedMs, 5_000)
  for (const body of [{}, { forMs: 86_400_000 }, { forMs: -1 }, { forMs: 1, for: 2 }])
    assert.equal((await post('/api/v1/dns/mute', body)).body.error, 'bad-parameter')
})

test('only an operator may note a drill', async (t) => {
  const { source, post } = await start(t, { tokens: { viewer: 'see', operator: 'do' } })
  const path = '/api/v1/drills'
  assert.equal((await post(path, note)).body.error, 'token-required')
  assert.equal((await post(path, note, { authorization: 'Bearer see' })).body.error, 'operator-required')
  assert.equal(source.events.lastSeq, 0)
  assert.equal((await post(path, note, { authorization: 'Bearer do' })).status, 200)
  assert.equal(source.events.lastSeq, 1)
})

const refusals: [what: string, path: string, init: RequestInit, status: number, error: string][] = [
  ['an unknown path', '/api/v1/nothing', {}, 404, 'not-found'],
  ['a query that is not understood', '/api/v1/events?limit=many', {}, 400, 'bad-parameter'],
  ['a misspelt query', '/api/v1/status?verbose=1', {}, 400, 'bad-parameter'],
  ['a path that is not text', '/%ff', {}, 400, 'bad-request'],
  ['POST where only reading works', '/api/v1/status', { method: 'POST' }, 405, 'method-not-allowed'],
  ['GET where only changing works', '/api/v1/reload', {}, 405, 'method-not-allowed'],
  ['DELETE', '/api/v1/services/shop/breaker', { method: 'DELETE' }, 405, 'method-not-allowed'],
  [
    'OPTIONS, as a foreign page’s preflight',
    '/api/v1/reload',
    { method: 'OPTIONS' },
    405,
    'method-not-allowed',
  ],
  [
    'a form',
    '/api/v1/reload',
    { method: 'POST', body: new URLSearchParams({ a: '1' }) },
    415,
    'json-required',
  ],
  ['a change without content type', '/api/v1/reload', { method: 'POST' }, 415, 'json-required'],
  ['broken JSON', '/api/v1/services/shop/breaker', json('{"to": '), 400, 'bad-json'],
  ['a poisoned prototype', '/api/v1/services/shop/breaker', json('{"__proto__": {}}'), 400, 'bad-json'],
  [
    'a wrong value',
    '/api/v1/services/shop/breaker',
    json('{"to":"shut","reason":"x"}'),
    400,
    'bad-parameter',
  ],
  ['a drill that is not understood', '/api/v1/drills', json('{"phase":"paused"}'), 400, 'bad-parameter'],
  [
    'a huge body',
    '/api/v1/services/shop/breaker',
    json(`{"a":"${'x'.repeat(65_536)}"}`),
    413,
    'body-too-large',
  ],
  ['an asset outside', '/assets/..%2fpackage.json', {}, 404, 'not-found'],
]
for (const [what, path, init, status, error] of refusals) {
  test(`${what} gets ${status} ${error}`, async (t) => {
    const { source, ask } = await start(t)
    const answer = await ask(path, init)
    assert.equal(answer.status, status)
    assert.equal(answer.body.error, error)
    assert.equal(typeof answer.body.message, 'string')
    assert.equal(source.forced.length + source.reloads + source.events.lastSeq, 0)
  })
}

function json(body: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

test('a refused method names the allowed ones; HEAD is GET without a body', async (t) => {
  const { ask } = await start(t)
  assert.equal((await ask('/api/v1/status', { method: 'PUT' })).headers.get('allow'), 'GET, HEAD')
  for (const path of ['/healthz', '/api/v1/status', '/metrics', '/api/v1/events/stream']) {
    const head = await ask(path, { method: 'HEAD' })
    assert.deepEqual([path, head.status, head.body], [path, 200, ''])
  }
})

test('every answer forbids what a page could do to the console', async (t) => {
  const { ask } = await start(t)
  for (const path of ['/healthz', '/api/v1/status', '/nothing', '/api/v1/openapi.json']) {
    const { headers } = await ask(path)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('access-control-allow-origin'), null)
    assert.equal(headers.get('cache-control'), 'no-store')
  }
})

test('without tokens, a name that is not this machine’s is refused on every path', async (t) => {
  const { server } = await start(t)
  for (const path of ['/', '/healthz', '/api/v1/status', '/nothing']) {
    const answer = await raw(
      server,
      `GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 403 /)
    assert.match(answer, /"host-refused"/)
  }
})

test('with tokens, probes stay open, reading needs one, changing the operator’s', async (t) => {
  const { ask, post } = await start(t, { tokens: { viewer: 'see', operator: 'do' } })
  const change = { to: 'open', reason: 'x' }
  assert.equal((await ask('/healthz')).status, 200)
  assert.equal((await ask('/readyz')).status, 200)
  for (const path of [
    '/metrics',
    '/api/v1/status',
    '/api/v1/events',
    '/api/v1/events/stream',
    '/api/v1/config',
  ]) {
    const denied = await ask(path)
    assert.deepEqual([path, denied.status, denied.body.error], [path, 401, 'token-required'])
    assert.match(denied.headers.get('www-authenticate') ?? '', /^Bearer/)
  }
  assert.equal((await ask('/api/v1/status', { headers: { authorization: 'Bearer see' } })).status, 200)
  const path = '/api/v1/services/shop/breaker'
  assert.equal((await post(path, change)).status, 401)
  assert.equal((await post(path, change, { authorization: 'Bearer see' })).body.error, 'operator-required')
  assert.equal((await post(path, change, { authorization: 'Bearer do' })).status, 200)
})

test('an address that others reach is refused without a token', async () => {
  const source = new MemorySource(await EventLog.open())
  for (const tokens of [{}, { viewer: '', operator: '' }]) {
    await assert.rejects(createAdminServer({ source, address: '0.0.0.0:0', tokens }), {
      name: 'ControllerError',
      code: 'ADMIN_TOKENS_NEEDED',
    })
  }
})

test('an address that is taken says so', async (t) => {
  const { server, source } = await start(t)
  await assert.rejects(createAdminServer({ source, address: server.address }), {
    code: 'ADMIN_ADDRESS_UNUSABLE',
    message: /EADDRINUSE/,
  })
})

test('a failure inside is logged, and its words stay inside', async (t) => {
  const { source, ask, logged } = await start(t)
  source.failure = new Error('secret path')
  const answer = await ask('/api/v1/status')
  assert.deepEqual([answer.status, answer.body.error], [500, 'internal'])
  assert.doesNotMatch(JSON.stringify(answer.body), /secret/)
  assert.deepEqual(logged, ['an admin request failed'])
})

test('garbage on the wire gets 400', async (t) => {
  const { server } = await start(t)
  assert.match(await raw(server, 'GARBAGE\r\n\r\n'), /^HTTP\/1\.1 400 .*"bad-request"/s)
})

test('a gateway that never answers does not hold the reader for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { source, ask } = await start(t)
  const asked = new Promise<void>((resolve) => {
    source.report = () => {
      resolve()
      return new Promise(() => {})
    }
  })
  const answer = ask('/api/v1/status')
  await asked
  t.mock.timers.tick(5_000)
  assert.deepEqual([(await answer).status, (await answer).body.error], [504, 'source-timeout'])
})

test('a stream sends what comes, and resumes where a reader was', async (t) => {
  const { source, server } = await start(t)
  source.events.append(draft)
  source.events.append(draft)

  const live = await follow(t, server, '/api/v1/events/stream')
  source.events.append(draft)
  assert.deepEqual(await live.next(1), source.events.list({ after: 2 }))

  const resumed = await follow(t, server, '/api/v1/events/stream', { 'last-event-id': '1' })
  assert.deepEqual(seqs(await resumed.next(2)), [2, 3])
  const reborn = await follow(t, server, '/api/v1/events/stream', { 'last-event-id': '500' })
  assert.deepEqual(
    seqs(await reborn.next(3)),
    [1, 2, 3],
    'a number from before a restart begins at the beginning',
  )

  source.events.append({ ...draft, kind: 'breaker.closed' })
  const filtered = await follow(t, server, '/api/v1/events/stream?after=0&kind=breaker.closed')
  assert.deepEqual(seqs(await filtered.next(1)), [4])
  assert.deepEqual(seqs(await live.next(1)), [4])
})

test('a slow reader of a long past gets all of it, in order', async (t) => {
  const { source, server } = await start(t)
  const long = { ...draft, message: 'x'.repeat(2_000) }
  for (let index = 0; index < 2_000; index++) source.events.append(long)
  const stream = await follow(t, server, '/api/v1/events/stream?after=0')
  source.events.append(long)
  const all = seqs(await stream.next(2_001))
  assert.deepEqual(
    all,
    all.map((_, index) => index + 1),
  )
})

test('streams are bounded in number, and end with the server', async (t) => {
  const { server, ask } = await start(t)
  const streams = []
  for (let index = 0; index < 64; index++) streams.push(await follow(t, server, '/api/v1/events/stream'))
  const refused = await ask('/api/v1/events/stream')
  assert.deepEqual([refused.status, refused.body.error], [503, 'too-many-streams'])
  await server.close()
  for (const stream of streams) await assert.rejects(stream.next(1))
})

function seqs(events: readonly BudaoEvent[]): number[] {
  return events.map(({ seq }) => seq)
}

interface Stream {
  /** The next events, waiting for them. Rejects when the stream ends before. */
  next(count: number): Promise<BudaoEvent[]>
}

async function follow(
  t: TestContext,
  server: AdminServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<Stream> {
  const abort = new AbortController()
  t.after(() => abort.abort())
  const response = await fetch(server.url + path, { headers, signal: abort.signal })
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  const ready: BudaoEvent[] = []
  return {
    async next(count) {
      while (ready.length < count) {
        const { value, done } = await reader.read()
        if (done) throw new Error('the stream ended')
        const blocks = (rest + value).split('\n\n')
        rest = blocks.pop()!
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (data !== undefined) ready.push(JSON.parse(data) as BudaoEvent)
        }
      }
      return ready.splice(0, count)
    },
  }
}

function raw(server: AdminServer, request: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(request))
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}
