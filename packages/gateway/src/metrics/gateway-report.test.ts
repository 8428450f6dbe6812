import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { requestText, testGateway, until, type TestGateway } from '../test-gateway.test.ts'

interface Family {
  readonly type: string
  readonly samples: Map<string, number>
}

/** Reads Prometheus' text format 0.0.4 strictly. Samples by name and labels as written. */
function readExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'))
  const families = new Map<string, Family>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z0-9_]+) \S.*$/.exec(line)
    if (help !== null) {
      current = help[1]!
      continue
    }
    const type = /^# TYPE ([a-z0-9_]+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      assert.equal(type[1], current, 'TYPE follows HELP')
      assert.equal(families.has(current), false, `${current} is written once`)
      families.set(current, { type: type[2]!, samples: new Map() })
      continue
    }
    const sample =
      /^([a-z0-9_]+)((?:\{[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*")*\})?) (\S+)$/.exec(
        line,
      )
    assert.ok(sample, `not a sample: ${line}`)
    const [, name, labels, number] = sample
    const family = families.get(current)!
    assert.equal(name!.replace(/_(bucket|sum|count)$/, family.type === 'histogram' ? '' : '_$1'), current)
    assert.ok(Number.isFinite(Number(number)), line)
    assert.equal(family.samples.has(name! + labels!), false, `${line} is written once`)
    if (family.type === 'counter') assert.match(name!, /_total$/)
    family.samples.set(name! + labels!, Number(number))
  }
  return families
}

function value(gateway: TestGateway, family: string, labels = ''): number | undefined {
  return readExposition(gateway.gateway.metrics())
    .get(family)
    ?.samples.get(family + labels)
}

test('the metrics are well-formed and count what happened', async (t) => {
  const backend = await rawServer(t, async ({ connection, body, target }) => {
    await body()
    if (target !== '/hold') connection.respond(Number(target.slice(1)), 'answer')
  })
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: {
      outlier: false,
      breaker: false,
      retry: { attempts: 1, budgetPercent: 100, backoff: { base: '0ms' } },
    },
    services: { 'odd-name': { endpoints: [{ address: backend.address, site: 'west' }] } },
    routes: [
      { name: 'odd', hosts: ['odd.example'], backends: [{ service: 'odd-name' }] },
      { name: 'shop', hosts: ['shop.example'], backends: [{ service: 'shop' }], fallback: { json: {} } },
    ],
  })
  for (const status of [200, 200, 204, 302, 404, 500]) await gateway.request(`/${status}`)
  await gateway.request('/503')
  const leaving = await gateway.connect()
  leaving.send(requestText('/hold'))
  await until(
    'one under way',
    () => value(gateway, 'budao_gateway_service_in_flight', '{service="shop"}') === 1,
  )
  leaving.reset()
  const client = await gateway.connect()
  client.send('GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\nnonsense\r\n\r\n')
  assert.equal((await client.readResponse()).status, 404)
  assert.equal((await client.readResponse()).status, 400)
  client.socket.destroy()
  await gateway.quiet()

  const requests = (status: string) =>
    value(gateway, 'budao_gateway_requests_total', `{route="shop",status="${status}"}`)
  await until('all counted', () => requests('499') === 1)
  assert.deepEqual(['2xx', '3xx', '4xx', '5xx', '499'].map(requests), [4, 1, 1, 1, 1])
  assert.equal(value(gateway, 'budao_gateway_retries_total', '{route="shop"}'), 1)
  assert.equal(value(gateway, 'budao_gateway_fallbacks_total', '{route="shop"}'), 1)
  assert.equal(value(gateway, 'budao_gateway_connections_accepted_total'), 9)
  assert.equal(value(gateway, 'budao_gateway_unrouted_requests_total'), 1)
  assert.equal(value(gateway, 'budao_gateway_refused_requests_total', '{code="bad_request_line"}'), 1)
  const endpoint = `{service="shop",endpoint="${backend.address}",site="east"}`
  assert.equal(value(gateway, 'budao_gateway_endpoint_attempts_total', endpoint), 9)
  assert.equal(value(gateway, 'budao_gateway_endpoint_failures_total', endpoint), 2)
  assert.equal(value(gateway, 'budao_gateway_endpoint_in_flight', endpoint), 0)
  // A gauge is written once a tick.
  await until(
    'no connection counted',
    () => value(gateway, 'budao_gateway_connections', '{side="downstream"}') === 0,
  )

  const { samples } = readExposition(gateway.gateway.metrics()).get('budao_gateway_request_duration_seconds')!
  const buckets = [...samples]
    .filter(([name]) => name.includes('_bucket{route="shop"'))
    .map(([, count]) => count)
  assert.deepEqual(
    buckets,
    buckets.toSorted((a, b) => a - b),
    'cumulative',
  )
  assert.equal(buckets.at(-1), 8)
  assert.equal(samples.get('budao_gateway_request_duration_seconds_count{route="shop"}'), 8)
})

test('the report says who serves what, where, and how well', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [
      { address: backend.address, release: 'canary', weight: 3 },
      { address: '127.0.0.1:1', site: 'west' },
    ],
    service: {
      outlier: { maxFails: 1, failTimeout: '1h' },
      mode: 'active-active',
      balance: 'round-robin',
      retry: { budgetPercent: 100 },
    },
  })
  await until('an ejection', async () => {
    assert.equal((await gateway.request('/')).status, 200)
    return gateway.service().endpoints[1]!.state === 'ejected'
  })
  await until('a rate', () => gateway.gateway.report().requestsPerSecond > 0)
  const report = gateway.gateway.report()
  assert.deepEqual(report.node, { name: 'gw-1', site: 'east' })
  assert.equal(report.version, '0.0.0-test')
  assert.equal(report.state, 'serving')
  assert.equal(report.snapshot.version, 1)
  assert.equal(report.snapshot.source, 'test.json')
  assert.ok(Date.parse(report.startedAt) <= Date.now())
  assert.deepEqual(report.listeners, [
    { name: 'web', address: `127.0.0.1:${gateway.port}`, protocol: 'http' },
  ])
  assert.deepEqual(
    report.workers,
    [0, 1].map((id) => ({ id, state: 'serving', restarts: 0 })),
  )
  assert.deepEqual(
    report.sites.map(({ name, state, usable, total }) => ({ name, state, usable, total })),
    [
      { name: 'east', state: 'up', usable: 1, total: 1 },
      { name: 'west', state: 'down', usable: 0, total: 1 },
    ],
  )
  const [service] = report.services
  assert.equal(service!.state, 'degraded')
  assert.equal(service!.balance, 'round-robin')
  assert.ok(service!.requestsPerSecond > 0)
  const [first, second] = service!.endpoints
  assert.equal(first!.release, 'canary')
  assert.equal(first!.weight, 3)
  assert.equal(first!.state, 'usable')
  assert.ok(first!.latencyMs > 0)
  assert.equal(second!.healthy, true, 'no check has said otherwise')
  assert.equal(second!.failuresTotal, second!.requestsTotal)
  const [route] = report.routes
  assert.equal(route!.requestsTotal, first!.requestsTotal)
  assert.equal(route!.status['2xx'], route!.requestsTotal)
  assert.ok(route!.p50Ms! > 0 && route!.p99Ms! >= route!.p50Ms!)
  assert.equal(report.requestsTotal, route!.requestsTotal)
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report, 'plain JSON')
})

test('events of the start and of each snapshot', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  await gateway.apply({ endpoints: [backend.address], service: { outlier: false } })
  const [started] = gateway.eventsOf('gateway.started')
  assert.deepEqual(started!.evidence, { workers: 1, snapshot: 1 })
  assert.deepEqual(
    gateway.eventsOf('snapshot.applied').map(({ evidence }) => evidence['version']),
    [1, 2],
  )
})

test('a route may have a name that every object knows, and routes nobody asks for are in the report too', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    routes: [
      { name: 'constructor', match: [{ path: { prefix: '/' } }], backends: [{ service: 'shop' }] },
      { name: 'quiet', match: [{ path: { exact: '/quiet' } }], backends: [{ service: 'shop' }] },
    ],
  })
  assert.equal((await gateway.request('/')).status, 200)
  const counts = (): unknown =>
    gateway.gateway
      .report()
      .routes.map(({ name, requestsTotal, p99Ms }) => [name, requestsTotal, p99Ms !== null])
  await until('the request is counted', () => gateway.gateway.report().routes[0]!.requestsTotal === 1)
  assert.deepEqual(counts(), [
    ['constructor', 1, true],
    ['quiet', 0, false],
  ])
})
