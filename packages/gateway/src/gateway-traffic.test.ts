import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawServer } from '@budao/testkit'
import { requestText, testFiles, testGateway, until, type TestConfig } from './test-gateway.test.ts'

/** Services of these names, which answer with their own name; endpoints of one service by `/`. */
async function namedServices(
  t: TestContext,
  ...names: string[]
): Promise<NonNullable<TestConfig['services']>> {
  const services: Record<string, unknown> = {}
  for (const name of names) {
    const server = await rawServer(t, ({ connection, header }) =>
      connection.respond(200, name, { 'X-Cookie': header('cookie') ?? '' }),
    )
    services[name] = { endpoints: [{ address: server.address, site: 'east' }] }
  }
  return services
}

const split = (canary: number): object[] => [
  { service: 'stable', weight: 10_000 - canary },
  { service: 'canary', weight: canary },
]

test('a user stays with a backend, and a rollout moves users one way only', async (t) => {
  const services = await namedServices(t, 'stable', 'canary')
  const config = (canary: number, salt?: string): TestConfig => ({
    services,
    routes: [
      {
        name: 'r',
        backends: split(canary),
        sticky: { header: 'X-User', ...(salt === undefined ? {} : { salt }) },
      },
    ],
  })
  const gateway = await testGateway(t, config(2_000))
  const users = Array.from({ length: 100 }, (_, n) => `user-${n}`)
  const onCanary = async (): Promise<string[]> => {
    const client = await gateway.connect()
    const found: string[] = []
    for (const user of users) {
      client.send(requestText('/', [`X-User: ${user}`]))
      if ((await client.readResponse()).body === 'canary') found.push(user)
    }
    return found
  }
  const first = await onCanary()
  assert.ok(first.length > 5 && first.length < 40, String(first.length))
  assert.deepEqual(await onCanary(), first)
  await gateway.apply(config(6_000))
  const second = await onCanary()
  assert.ok(second.length > first.length)
  assert.deepEqual(
    first.filter((user) => !second.includes(user)),
    [],
  )
  await gateway.apply(config(0))
  assert.deepEqual(await onCanary(), [])
  await gateway.apply(config(2_000, 'another'))
  assert.notDeepEqual(await onCanary(), first, 'others are first in another rollout')
})

test('a request that does not say whose it is is drawn by weight', async (t) => {
  const services = await namedServices(t, 'stable', 'canary')
  const gateway = await testGateway(t, {
    services,
    routes: [{ name: 'r', backends: split(5_000), sticky: { query: 'user' } }],
  })
  const bodies = new Set<string>()
  await until('both to be drawn', async () => {
    bodies.add((await gateway.request('/?user=')).body)
    return bodies.size === 2
  })
  const own = (await gateway.request('/?user=7')).body
  for (let i = 0; i < 20; i++) assert.equal((await gateway.request('/?user=7&x=' + i)).body, own)
})

test('a client without a cookie is given one, and belongs somewhere with its first request', async (t) => {
  const services = await namedServices(t, 'stable', 'canary')
  const gateway = await testGateway(t, {
    services,
    routes: [{ name: 'r', backends: split(5_000), sticky: { cookie: 'seg', ttl: '1h' } }],
  })
  for (let i = 0; i < 20; i++) {
    const first = await gateway.request('/', ['Cookie: other=1'])
    const given = /^seg=([0-9a-f]{32}); Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/.exec(
      first.header('set-cookie')!,
    )
    assert.ok(given)
    assert.equal(first.header('x-cookie'), `other=1; seg=${given[1]}`)
    const second = await gateway.request('/', [`Cookie: seg=${given[1]}`])
    assert.equal(second.header('set-cookie'), undefined)
    assert.equal(second.body, first.body)
  }
  assert.ok((await gateway.request('/', ['Cookie: seg='])).header('set-cookie'), 'an empty one is none')
})

test('a service keeps a client at an endpoint by a cookie that it gives', async (t) => {
  const servers = await Promise.all(
    ['a', 'b', 'c'].map((name) => rawServer(t, ({ connection }) => connection.respond(200, name))),
  )
  const gateway = await testGateway(t, {
    endpoints: servers.map(({ address }) => address),
    service: { balance: 'maglev', hashOn: { cookie: 'at' }, cookieTtl: '0s' },
  })
  const seen = new Set<string>()
  for (let i = 0; i < 30; i++) {
    const first = await gateway.request('/')
    const cookie = /^(at=[0-9a-f]{32}); Path=\/; HttpOnly; SameSite=Lax$/.exec(
      first.header('set-cookie')!,
    )![1]!
    seen.add(first.body)
    for (let again = 0; again < 3; again++) {
      const next = await gateway.request('/', [`Cookie: ${cookie}`])
      assert.equal(next.body, first.body)
      assert.equal(next.header('set-cookie'), undefined)
    }
  }
  assert.equal(seen.size, 3)
})

test('an answer that gives a cookie is nobody else’s, also in bad times', async (t) => {
  let down = false
  const server = await rawServer(t, ({ connection }) =>
    down ? connection.reset() : connection.respond(200, 'fine'),
  )
  const gateway = await testGateway(t, {
    endpoints: [server.address],
    service: { outlier: false },
    route: { sticky: { cookie: 'seg', ttl: '1h' }, fallback: { stale: '1h' } },
  })
  assert.equal((await gateway.request('/')).body, 'fine')
  down = true
  assert.equal((await gateway.request('/')).status, 502)
})

test('faults are told from real trouble: header, log, metrics, and no endpoint to blame', async (t) => {
  const dir = testFiles(t, {})
  const server = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(
    t,
    {
      endpoints: [server.address],
      route: {
        filters: [
          { accessLog: { path: 'access.log' } },
          { fault: { headers: { 'X-Drill': 'abort' }, abort: { basisPoints: 10_000, status: 503 } } },
          { fault: { headers: { 'X-Drill': 'delay' }, delay: { basisPoints: 10_000, fixed: '50ms' } } },
        ],
      },
    },
    dir,
  )
  const aborted = await gateway.request('/', ['X-Drill: abort'])
  assert.equal(aborted.status, 503)
  assert.equal(aborted.header('x-budao-fault'), 'abort')
  assert.equal((JSON.parse(aborted.body) as { error: string }).error, 'fault_injected')
  const delayed = await gateway.request('/', ['X-Drill: delay'])
  assert.equal(`${delayed.status} ${delayed.body}`, '200 fine')
  assert.equal(delayed.header('x-budao-fault'), 'delay')
  const plain = await gateway.request('/')
  assert.equal(plain.header('x-budao-fault'), undefined)
  assert.equal(server.heads.length, 2)
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, 0)
  const read = (): string[] => readFileSync(join(dir, 'access.log'), 'utf8').split('\n').slice(0, -1)
  await until('the log', () => read().length === 3)
  assert.deepEqual(
    read().map((line) => (JSON.parse(line) as Record<string, unknown>)['budao.marks']),
    [['fault-abort'], ['fault-delay'], undefined],
  )
  const metrics = gateway.gateway.metrics()
  assert.match(metrics, /^budao_gateway_faults_total\{route="shop",kind="delay"\} 1$/m)
  assert.match(metrics, /^budao_gateway_faults_total\{route="shop",kind="abort"\} 1$/m)
})

test('a delay may be longer than the time of the route, and a client that leaves ends it', async (t) => {
  const server = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(t, {
    endpoints: [server.address],
    route: {
      timeout: '1s',
      filters: [{ fault: { delay: { basisPoints: 10_000, fixed: '1100ms' } } }],
    },
  })
  assert.equal((await gateway.request('/')).body, 'fine')
  const client = await gateway.connect()
  client.send(requestText('/'))
  client.reset()
  await until('it to be gone', () => gateway.connections.downstream === 0)
  assert.equal((await gateway.request('/')).body, 'fine')
})
