import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawServer, tempDir, type RawResponse } from '@budao/testkit'
import { requestText, testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

interface World {
  readonly endpoints: readonly { readonly address: string; readonly release: string; readonly site: string }[]
  /** Endpoints that answer with this status instead of 200; `ill NAME` is for their checks. */
  readonly status: Record<string, number>
}

/** Endpoints that answer with their own name, `release` or `release/site`, and the lane they were told. */
async function world(t: TestContext, ...names: string[]): Promise<World> {
  const status: Record<string, number> = {}
  const endpoints: World['endpoints'][number][] = []
  for (const name of names) {
    const [release = '', site = 'east'] = name.split('/')
    const { address } = await rawServer(t, ({ connection, target, header }) =>
      connection.respond(status[target === '/healthz' ? `ill ${name}` : name] ?? 200, name, {
        'X-Told': header('x-lane') ?? '',
        'Cache-Control': 'max-age=60',
      }),
    )
    endpoints.push({ address, release, site })
  }
  return { endpoints, status }
}

const split = (more: object): TestConfig['route'] => ({ split: { by: ['header:X-User'], ...more } })

/** Who is where of these users, by the answers. */
async function places(gateway: TestGateway, users: readonly string[]): Promise<Record<string, string>> {
  const client = await gateway.connect()
  const found: Record<string, string> = {}
  for (const user of users) {
    client.send(requestText('/', [`X-User: ${user}`]))
    found[user] = (await client.readResponse()).body
  }
  return found
}

const checks = {
  type: 'http',
  path: '/healthz',
  interval: '500ms',
  timeout: '500ms',
  unhealthyAfter: 2,
  healthyAfter: 1,
}

const users = Array.from({ length: 100 }, (_, n) => `user-${n}`)
const canaryOf = (found: Readonly<Record<string, string>>): string[] =>
  Object.keys(found).filter((user) => found[user] !== 'stable')

test('a user has one release at any gateway, whenever it was started; a larger share only adds users', async (t) => {
  const { endpoints } = await world(t, 'stable', 'canary')
  const config = (canary: number): TestConfig => ({ endpoints, route: split({ releases: { canary } })! })
  const one = await testGateway(t, config(2_000))
  const other = await testGateway(t, { ...config(2_000), node: { name: 'gw-2', site: 'west' } })
  const first = await places(one, users)
  assert.ok(canaryOf(first).length > 5 && canaryOf(first).length < 40, String(canaryOf(first).length))
  assert.deepEqual(await places(other, users), first)
  // Nothing is kept: one that starts anew decides the same.
  assert.ok((await one.apply(config(6_000))).ok)
  const second = await places(one, users)
  assert.ok(canaryOf(second).length > canaryOf(first).length)
  assert.deepEqual(
    canaryOf(first).filter((user) => second[user] === 'stable'),
    [],
  )
  assert.ok((await one.apply(config(0))).ok)
  assert.deepEqual(canaryOf(await places(one, users)), [])
})

test('overrides decide before shares, and a lane before both; what says nothing is drawn', async (t) => {
  const backends = [{ service: 'shop' }]
  const tester = { release: 'canary', users: ['tester'] }
  const { endpoints } = await world(t, 'stable', 'canary')
  const gateway = await testGateway(t, {
    endpoints,
    routes: [
      { name: 'plain', match: [{ path: { prefix: '/plain' } }], backends },
      {
        name: 'drawn',
        match: [{ path: { prefix: '/drawn' } }],
        backends,
        ...split({ releases: { canary: 5_000 } }),
      },
      {
        name: 'kept',
        match: [{ path: { prefix: '/kept' } }],
        backends,
        cache: {},
        ...split({ lane: 'X-Lane', overrides: [tester] }),
      },
      {
        name: 'shop',
        backends,
        ...split({
          lane: 'X-Lane',
          overrides: [
            { release: 'stable', users: ['vip'] },
            { release: 'canary', headers: { 'X-Beta': { prefix: 'y' } } },
            tester,
            { release: 'canary', sites: ['west'] },
            { release: 'canary', appVersion: { header: 'X-App', from: '3.2.0', below: '4' } },
          ],
        }),
      },
    ],
  })
  const ask = (...lines: string[]): Promise<RawResponse> => gateway.request('/', lines)
  const table: [lines: string[], release: string, told: string][] = [
    [[], 'stable', ''],
    [['X-Beta: yes'], 'canary', 'canary'],
    [['X-Beta: no'], 'stable', ''],
    [['X-Beta: yes', 'X-User: vip'], 'stable', 'stable'],
    [['X-User: tester'], 'canary', 'canary'],
    [['X-App: 3.10.1'], 'canary', 'canary'],
    [['X-App: 4.0.0'], 'stable', ''],
    [['X-App: 3.1.9'], 'stable', ''],
    [['X-Lane: canary'], 'canary', 'canary'],
    [['X-Lane: canary', 'X-User: vip'], 'canary', 'canary'],
    // Where the service has no such lane the request goes to stable, and the services behind still learn of it.
    [['X-Lane: blue'], 'stable', 'blue'],
    [['X-Lane: not a/name', 'X-User: tester'], 'canary', 'canary'],
  ]
  for (const [lines, release, told] of table) {
    const answer = await ask(...lines)
    assert.deepEqual([answer.body, answer.header('x-told')], [release, told], lines.join())
  }
  assert.doesNotMatch(gateway.gateway.metrics(), /release_fallbacks_total\{[^}]*\} [1-9]/)

  // A request that says no user is drawn; a route that does not split has stable alone.
  const seen = new Set<string>()
  await until('both to be drawn', async () => seen.add((await gateway.request('/drawn')).body).size === 2)
  for (let n = 0; n < 10; n++) assert.equal((await gateway.request('/plain')).body, 'stable')

  // What a release answers is kept for nobody, and its users are given nothing that was kept.
  const kept = (user: string): Promise<RawResponse> => gateway.request('/kept', [`X-User: ${user}`])
  assert.equal((await kept('any')).body, 'stable')
  assert.match((await kept('any')).header('cache-status')!, /hit/)
  assert.equal((await kept('tester')).body, 'canary')
  assert.equal((await kept('any')).body, 'stable')
  // A lane that is nowhere is no release: it goes past no cache, and has no place of its own there.
  for (const lane of ['junk', 'junk2']) {
    const answer = await gateway.request('/kept', [`X-Lane: ${lane}`])
    assert.match(answer.header('cache-status')!, /hit/)
  }
  assert.doesNotMatch(
    (await gateway.request('/kept', ['X-Lane: canary'])).header('cache-status') ?? '',
    /hit/,
  )
})

test('an experiment by a header has no shares and no verdict: who says so is there, and nobody else', async (t) => {
  const { endpoints } = await world(t, 'stable', 'b')
  const gateway = await testGateway(t, {
    endpoints,
    route: { split: { overrides: [{ release: 'b', headers: { 'X-Experiment': { exact: 'b' } } }] } },
  })
  const ask = async (...lines: string[]): Promise<string> => (await gateway.request('/', lines)).body
  for (let n = 0; n < 20; n++)
    assert.deepEqual(
      [await ask('X-Experiment: b'), await ask('X-Experiment: c'), await ask()],
      ['b', 'stable', 'stable'],
    )
})

test('a release that cannot answer hands its requests to stable: counted, logged, without an error to the client', async (t) => {
  const { endpoints, status } = await world(t, 'stable', 'canary')
  const dir = tempDir(t)
  const gateway = await testGateway(
    t,
    {
      endpoints,
      service: { healthCheck: checks },
      route: {
        filters: [{ accessLog: { path: 'access.log' } }],
        ...split({ releases: { canary: 10_000 } }),
      },
    },
    dir,
  )
  assert.equal((await gateway.request('/')).body, 'canary')
  // It fails: what may be repeated is repeated at stable, and the failure is that of the canary.
  status['canary'] = 503
  assert.equal((await gateway.request('/')).body, 'stable')
  assert.equal((await gateway.request('POST /', [], 'x')).status, 503)
  const text = gateway.gateway.metrics()
  const counted = (release: string, result: string): number =>
    Number(
      new RegExp(
        `release_requests_total\\{service="shop",release="${release}",result="${result}"\\} (\\d+)`,
      ).exec(text)?.[1],
    )
  assert.deepEqual([counted('canary', 'success'), counted('canary', 'failure')], [1, 2])
  assert.deepEqual([counted('stable', 'success'), counted('stable', 'failure')], [0, 0])
  // Its checks find it.
  status['ill canary'] = 503
  await until('the canary is found ill', () => gateway.service().endpoints[1]!.state === 'unhealthy')
  assert.equal((await gateway.request('POST /', [], 'x')).body, 'stable')
  assert.match(gateway.gateway.metrics(), /release_fallbacks_total\{service="shop",release="canary"\} 1\n/)
  await gateway.gateway.close()
  const lines = readFileSync(join(dir, 'access.log'), 'utf8').trim().split('\n')
  const told = lines.map((line) => JSON.parse(line) as Record<string, string>)
  assert.deepEqual(
    told.map((line) => [line['budao.release'], line['budao.release_wanted'] ?? '']),
    [
      ['canary', ''],
      ['stable', 'canary'],
      ['canary', ''],
      ['stable', 'canary'],
    ],
  )
})

test('within a release sites keep their order, and a site without it is passed by', async (t) => {
  const { endpoints, status } = await world(t, 'stable/east', 'stable/west', 'canary/west', 'canary/east')
  const gateway = await testGateway(t, {
    endpoints,
    service: { mode: 'active-standby', healthCheck: checks },
    route: split({ overrides: [{ release: 'canary', users: ['tester'] }] })!,
  })
  const ask = async (user: string): Promise<string> => (await gateway.request('/', [`X-User: ${user}`])).body
  assert.deepEqual([await ask('tester'), await ask('any')], ['canary/east', 'stable/east'])
  status['ill canary/east'] = 503
  await until('the other site serves the release', async () => (await ask('tester')) === 'canary/west')
  assert.equal(await ask('any'), 'stable/east')
})

test('whatever ends and begins anew unasked is counted, by its checks and by whoever looks after it', async (t) => {
  const { endpoints, status } = await world(t, 'stable', 'canary')
  const gateway = await testGateway(t, {
    endpoints,
    service: { healthCheck: { ...checks, unhealthyAfter: 1 } },
    route: split({})!,
    rollouts: { two: { route: 'shop', release: 'canary' } },
  })
  let ended: number | null = null
  const canary = endpoints[1]!.address
  const crashes = (): unknown =>
    gateway.gateway.rollouts.counts('two', (address) => (address === canary ? ended : null))!.crashes
  const restart = async (): Promise<void> => {
    for (const state of ['healthy', 'unhealthy', 'healthy']) {
      status['ill canary'] = state === 'healthy' ? 200 : 503
      await until(state, () => {
        crashes()
        return gateway.service().endpoints[1]!.healthy === (state === 'healthy')
      })
    }
  }
  await restart()
  assert.deepEqual(crashes(), { release: 1, stable: 0 })
  // Kept out by a person, it is restarted on purpose.
  await gateway.gateway.directory.drain({ endpoint: canary }, { force: false, reason: 'new settings' })
  await restart()
  await gateway.gateway.directory.undrain({ endpoint: canary }, 'done')
  assert.deepEqual(crashes(), { release: 1, stable: 0 })
  ended = 7
  assert.deepEqual(crashes(), { release: 1, stable: 0 })
  ended = 10
  assert.deepEqual(crashes(), { release: 4, stable: 0 })
})

test('what both do is counted by site, and a site of which nothing of stable can be asked is lost', async (t) => {
  const { endpoints, status } = await world(t, 'stable/east', 'canary/east', 'stable/west', 'canary/west')
  const gateway = await testGateway(t, {
    endpoints,
    service: { healthCheck: { ...checks, unhealthyAfter: 1 } },
    route: split({ overrides: [{ release: 'canary', users: ['tester'] }] })!,
    rollouts: { two: { route: 'shop', release: 'canary' } },
  })
  const counts = () => gateway.gateway.rollouts.counts('two')!
  const seen = () => {
    const { release, sites } = counts()
    const of = (site: string): unknown => [sites![site]!.release.requests, sites![site]!.lost]
    return [release.requests, of('east'), of('west')]
  }
  await gateway.request('/', ['X-User: tester'])
  assert.deepEqual(seen(), [1, [1, false], [0, false]])
  status['ill stable/east'] = status['ill canary/east'] = 503
  await until('the site is lost', () => counts().sites!['east']!.lost)
  await until('the release is asked at the other one', async () => {
    const { body } = await gateway.request('/', ['X-User: tester'])
    return body === 'canary/west'
  })
  assert.deepEqual([counts().unusable, counts().lost], [false, false])
  status['ill stable/west'] = status['ill canary/west'] = 503
  await until('both are', () => counts().lost === true && counts().unusable)
})
