import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testFiles, testGateway, until } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine', { 'X-Steps': '' })
}

/** Notes its passing on request and answer; answers itself where the request says so. */
const step = `export default (name) => ({
  onRequest(request) {
    request.setHeader('X-Way', (request.header('x-way') ?? '') + name)
    if (request.header('x-stop') !== name) return undefined
    return { status: 418, headers: [['X-Steps', '']], body: name }
  },
  onResponse(_, response) { response.setHeader('X-Steps', (response.header('x-steps') ?? '') + name) },
})`

test('filters see requests in the configured order; answers pass them the other way round', async (t) => {
  const dir = testFiles(t, { 'step.mjs': step })
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      route: { filters: ['a', 'b', 'c'].map((options) => ({ module: { path: 'step.mjs', options } })) },
    },
    dir,
  )
  const passed = await gateway.request('/')
  assert.match(backend.heads[0]!, /^X-Way: abc\r$/im)
  assert.equal(passed.header('x-steps'), 'cba')
  const stopped = await gateway.request('/', ['X-Stop: b'])
  assert.equal(stopped.status, 418)
  assert.equal(stopped.body, 'b')
  assert.equal(stopped.header('x-steps'), 'ba')
  assert.equal(backend.heads.length, 1)
})

test('a filter of the user’s own that throws costs its request and nothing else', async (t) => {
  const dir = testFiles(t, {
    'bad.mjs': `
      const fail = (where) => (request) => {
        if (request.header('x-fail') === where) throw new Error('failed in ' + where)
        if (request.header('x-fail') === where + '-later') return Promise.reject(new Error('failed later'))
        if (request.header('x-fail') === where + '-nonsense') return { status: 99 }
        if (request.header('x-fail') === where + '-thrown') throw undefined
        return undefined
      }
      export default { onRequest: fail('onRequest'), onResponse: fail('onResponse'), onEnd: fail('onEnd') }`,
  })
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(
    t,
    { endpoints: [backend.address], route: { filters: [{ module: { path: 'bad.mjs' } }] } },
    dir,
  )
  const client = await gateway.connect()
  const table: [where: string, status: number][] = [
    ['onRequest', 500],
    ['onRequest-later', 500],
    ['onRequest-nonsense', 500],
    ['onRequest-thrown', 500],
    ['onResponse', 500],
    ['onResponse-thrown', 500],
    ['onEnd', 200],
    ['onEnd-thrown', 200],
    ['', 200],
  ]
  for (const [where, status] of table) {
    client.send(requestText('/', [`X-Fail: ${where}`]))
    const response = await client.readResponse()
    assert.equal(response.status, status, where)
    if (status === 500) assert.equal((JSON.parse(response.body) as { error: string }).error, 'filter_failed')
  }
  await until('warnings', () => gateway.warnings.length >= 8)
  assert.equal(gateway.eventsOf('worker.crashed').length, 0)
  client.socket.destroy()
  await gateway.quiet()
})

test('a filter’s promise is waited for, and what it is decided after the client has gone is for nobody', async (t) => {
  const dir = testFiles(t, {
    'slow.mjs': `
      import { setTimeout as pause } from 'node:timers/promises'
      export default {
        async onRequest(request) {
          await pause(Number(request.header('x-wait')))
          return request.header('x-stop') === undefined ? undefined : { status: 403, headers: [], body: request.path }
        },
      }`,
  })
  const backend = await rawServer(t, async ({ connection, body }) => connection.respond(200, await body()))
  const gateway = await testGateway(
    t,
    { endpoints: [backend.address], route: { filters: [{ module: { path: 'slow.mjs' } }] } },
    dir,
  )
  assert.equal((await gateway.request('POST /', ['X-Wait: 20'], 'x'.repeat(200_000))).body.length, 200_000)
  assert.equal((await gateway.request('/stopped', ['X-Wait: 20', 'X-Stop: 1'])).body, '/stopped')

  for (const stop of [[], ['X-Stop: 1']]) {
    const client = await gateway.connect()
    client.send(requestText('/gone', ['X-Wait: 100', ...stop]))
    await until('the request', () => gateway.connections.downstream === 1)
    client.reset()
    await gateway.quiet()
  }
  // A pipelined request behind one that waits is answered behind it.
  const client = await gateway.connect()
  client.send(requestText('/1', ['X-Wait: 50', 'X-Stop: 1']) + requestText('/2', ['X-Wait: 0', 'X-Stop: 1']))
  assert.equal((await client.readResponse()).body, '/1')
  assert.equal((await client.readResponse()).body, '/2')
  assert.equal(backend.heads.length, 1)
})

test('a filter that never decides is answered for when the time is over', async (t) => {
  const dir = testFiles(t, { 'stuck.mjs': 'export default { onRequest: () => new Promise(() => {}) }' })
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      route: { timeout: '100ms', filters: [{ module: { path: 'stuck.mjs' } }] },
    },
    dir,
  )
  assert.equal((await gateway.request('/')).status, 500)
  assert.equal(backend.heads.length, 0)
})

test('a filter cannot say where a message ends', async (t) => {
  const dir = testFiles(t, {
    'smuggle.mjs': `export default {
      onRequest(request) {
        if (request.path === '/set') request.setHeader('Content-Length', '0')
        if (request.path === '/remove') request.removeHeader('Transfer-Encoding')
        if (request.path === '/line') request.setHeader('X-A', 'b\\r\\nX-C: d')
      },
      onResponse(request, response) {
        if (request.path === '/answer') response.setHeader('Content-Length', '1')
        if (request.path === '/unframed') response.removeHeader('Content-Length')
      },
    }`,
  })
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(
    t,
    { endpoints: [backend.address], route: { filters: [{ module: { path: 'smuggle.mjs' } }] } },
    dir,
  )
  for (const path of ['/set', '/remove', '/line', '/answer', '/unframed']) {
    assert.equal((await gateway.request(`POST ${path}`, [], 'body')).status, 500, path)
  }
  assert.equal(backend.heads.length, 2)
})

test('two workers share one rate limit', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    route: { filters: [{ rateLimit: { key: 'header:X-User', requests: 10, per: '1h' } }] },
  })
  for (const user of ['a', 'b']) {
    const responses = await Promise.all(
      Array.from({ length: 30 }, () => gateway.request('/', [`X-User: ${user}`])),
    )
    assert.equal(responses.filter(({ status }) => status === 200).length, 10)
    const refused = responses.find(({ status }) => status === 429)!
    assert.ok(Number(refused.header('retry-after')) > 0)
    assert.equal((JSON.parse(refused.body) as { error: string }).error, 'rate_limited')
  }
  assert.equal(backend.heads.length, 20)
})

test('the access log has one line for each exchange, with who answered and why', async (t) => {
  const dir = testFiles(t, {})
  const backend = await rawServer(t, async ({ connection, body, target }) => {
    await body()
    if (target === '/reset') connection.reset()
    else connection.respond(200, 'fine')
  })
  const gateway = await testGateway(
    t,
    {
      endpoints: [backend.address],
      service: { outlier: false },
      route: {
        filters: [
          { accessLog: { path: 'access.log' } },
          { rateLimit: { key: 'header:X-Once', requests: 2, per: '1h' } },
        ],
      },
    },
    dir,
  )
  await gateway.request('POST /a?b', ['X-Once: 1'], 'body')
  await gateway.request('POST /reset', ['X-Once: 1'])
  await gateway.request('/', ['X-Once: 1'])
  const read = (): string => readFileSync(join(dir, 'access.log'), 'latin1')
  await until('three lines', () => read().split('\n').length === 4)
  const lines = read()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines.map((line) =>
      [
        'http.response.status_code',
        'budao.attempts',
        'budao.answered_by',
        'budao.reason',
        'budao.endpoint',
      ].map((key) => line[key]),
    ),
    [
      [200, 1, 'upstream', undefined, backend.address],
      [502, 1, 'gateway', 'upstream_reset', backend.address],
      // What the request before had been through is none of this one's.
      [429, 0, 'filter', undefined, ''],
    ],
  )
})
