import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { dnsServer, rawServer, requireDebian } from '@budao/testkit'
import { requestText, testGateway, until } from '../test-gateway.test.ts'

interface Row {
  readonly name: string
  readonly type: string
  readonly labels: string
}

const byName = (a: Row, b: Row): number => (a.name < b.name ? -1 : 1)

/** The tables of docs/reference/metrics.md, but for those of alerts, DNS, failover, rollouts and processes, which others write and test. */
function documented(): Row[] {
  const text = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^\| `(\w+)` \| (\w+) \| (.+?) \| \S.* \|$/gm)]
    .map(([, name = '', type = '', labels = '']) => ({ name, type, labels: labels === '–' ? '' : labels }))
    .filter(({ name }) => !/^budao_(alerts|dns|link|failover|process|rollout)_/.test(name))
    .toSorted(byName)
}

/** Every family that some source file can write. */
function written(): Omit<Row, 'labels'>[] {
  const folder = new URL('..', import.meta.url).pathname
  return globSync('**/*.ts', { cwd: folder })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => [
      ...readFileSync(`${folder}${file}`, 'utf8').matchAll(/\.family\(\s*'(\w+)',\s*'(\w+)'/g),
    ])
    .map(([, name = '', type = '']) => ({ name, type }))
}

test('docs/reference/metrics.md has a row for every family with its type, and no others', () => {
  assert.deepEqual(
    documented().map(({ name, type }) => `${name} ${type}`),
    written()
      .map(({ name, type }) => `${name} ${type}`)
      .toSorted(),
  )
})

test('what is written is what promtool expects, with the labels that are documented', async (t) => {
  const promtool = await requireDebian(t, 'prometheus', 'promtool')
  if (promtool === undefined) return
  const [own, guest] = await Promise.all(
    [0, 1].map(() =>
      rawServer(t, async ({ connection, body, target }) => {
        await body()
        if (target !== '/hold') connection.respond(target === '/503' ? 503 : 200, 'fine')
      }),
    ),
  )
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'] } })
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [`shop.internal:${own!.port}`],
    dns: { servers: [server.address] },
    service: { retry: { attempts: 1, budgetPercent: 100 }, breaker: { requestVolumeThreshold: 100 } },
    route: { filters: [{ idempotency: {} }] },
    services: { 'odd-name': { endpoints: [{ address: own!.address, site: 'west' }] } },
  })
  const { directory } = gateway.gateway
  const facts = { service: 'shop', site: 'west', weight: 1, release: 'stable', rank: 0, leaseMs: 60_000 }
  await directory.register({ ...facts, address: guest!.address })
  for (const path of ['/', '/', '/503', '/503', '/503', '/']) await gateway.request(path)
  await gateway.request('bad request', ['Host: "'])
  const held = await gateway.connect()
  held.send(requestText('/hold'))
  await until('one under way', () => /route_in_flight\{route="shop"\} 1/.test(gateway.gateway.metrics()))

  const text = gateway.gateway.metrics()
  const checked = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' })
  assert.equal(checked.stderr + checked.stdout, '')
  assert.equal(checked.status, 0)

  const known = new Map(documented().map(({ name, labels }) => [name, labels.split(', ').filter(Boolean)]))
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('#')) continue
    const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/.exec(line) ?? []
    const expected = known.get(name)
    assert.ok(expected !== undefined, `documented: ${line}`)
    const has = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
    const needed = line.includes('_bucket{') ? expected : expected.filter((label) => label !== 'le')
    assert.deepEqual(has, needed, line)
  }
  held.socket.destroy()
})

test('services and endpoints count requests, failures, retries and durations', async (t) => {
  const [bad, good] = [
    await rawServer(t, async ({ connection, body }) => {
      await body()
      connection.respond(503, 'no')
    }),
    await rawServer(t, async ({ connection, body }) => {
      await body()
      connection.respond(200, 'fine')
    }),
  ]
  const gateway = await testGateway(t, {
    endpoints: [bad.address, good.address],
    service: {
      balance: 'round-robin',
      outlier: { maxFails: 2 },
      retry: { attempts: 1, budgetPercent: 100, budgetMin: 100, backoff: { base: '0ms' } },
    },
  })
  for (let n = 0; n < 10; n++) assert.equal((await gateway.request('/')).status, 200)
  await gateway.quiet()
  const text = gateway.gateway.metrics()
  const value = (sample: string): number => {
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `))
    assert.ok(line !== undefined, sample)
    return Number(line.split(' ').at(-1))
  }
  const at = (address: string): string => `{service="shop",endpoint="${address}",site="east"}`
  const failures = value(`budao_gateway_endpoint_failures_total${at(bad.address)}`)
  assert.ok(failures >= 2)
  assert.equal(value('budao_gateway_service_requests_total{service="shop",result="success"}'), 10)
  assert.equal(value('budao_gateway_service_requests_total{service="shop",result="failure"}'), 0)
  assert.equal(value('budao_gateway_service_retries_total{service="shop"}'), failures)
  assert.equal(value('budao_gateway_service_duration_seconds_count{service="shop"}'), 10)
  assert.equal(value(`budao_gateway_endpoint_duration_seconds_count${at(bad.address)}`), failures)
  assert.equal(value(`budao_gateway_endpoint_duration_seconds_count${at(good.address)}`), 10)
  assert.equal(value(`budao_gateway_endpoint_ejections_total${at(bad.address)}`), 1)
  assert.equal(value(`budao_gateway_endpoint_ejected${at(bad.address)}`), 1)
  assert.equal(value('budao_gateway_route_in_flight{route="shop"}'), 0)
  const open = `budao_gateway_endpoint_connections{service="shop",endpoint="${good.address}",site="east",state="idle"}`
  await until('the connections to be counted', () => /state="idle"\} [1-9]/.test(gateway.gateway.metrics()))
  assert.ok(gateway.gateway.metrics().includes(open))
})
