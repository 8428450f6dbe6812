import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { until } from '../test-gateway.test.ts'
import { codeOf, hold, place, Sites } from './test-sites.test.ts'

test('a write is done by the gateway that holds the lease, at its own site, under its epoch', async (t) => {
  const sites = await Sites.start(t)
  const [east, west] = await Promise.all([sites.gateway('east', { workers: 2 }), sites.gateway('west')])

  const nobody = await east.request('POST /orders', [], 'a')
  assert.deepEqual([nobody.status, codeOf(nobody)], [503, 'write_owner_unknown'])
  assert.match(nobody.header('retry-after')!, /^\d+$/)
  assert.equal((await east.request('/orders')).body, 'east', 'reads need nobody')
  assert.deepEqual(sites.east.writes, [])

  hold(east, 1)
  await place([east, west], 1, 'east', east)
  for (let i = 0; i < 8; i++) assert.equal((await east.request('POST /orders', [], 'b')).status, 201)
  assert.equal(
    (await west.request('POST /orders?x=1', ['X-Budao-Epoch: 99', 'X-Budao-Unit: all'], 'c')).body,
    'east',
  )
  assert.deepEqual(
    new Set(sites.east.writes.map(({ epoch, unit }) => [epoch, unit].join(' '))),
    new Set(['1 shop']),
  )
  const { target, body, head } = sites.east.writes.at(-1)!
  assert.deepEqual([target, body], ['/orders?x=1', 'c'])
  assert.doesNotMatch(head, /rectified/i)
  await east
    .request('/read', ['X-Budao-Epoch: 99', 'x_budao_unit: x'])
    .then(({ status }) => assert.equal(status, 400))
  await east.request('/read', ['X-Budao-Epoch: 99'])
  assert.doesNotMatch(sites.seen.at(-1)!.head, /epoch/i)
  // Whoever asks is told in which epoch, by the gateway that did it; nobody else is, and reads have none.
  for (const gateway of [east, west]) {
    const told = await gateway.request('POST /orders', ['X-Budao-Echo: epoch'], 'd')
    assert.deepEqual([told.header('x-budao-epoch'), told.header('x-budao-unit')], ['1', 'shop'])
    assert.equal((await gateway.request('/read', ['X-Budao-Echo: epoch'])).header('x-budao-epoch'), undefined)
  }
  assert.equal((await east.request('POST /orders', [], 'd')).header('x-budao-epoch'), undefined)
  assert.deepEqual(sites.west.writes, [])
  assert.match(west.gateway.metrics(), /^budao_writes_rectified_total\{service="shop"\} 2$/m)
  assert.match(east.gateway.metrics(), /^budao_lease_held\{unit="shop"\} 1$/m)
  assert.deepEqual(west.service().ownership!.units, [
    {
      unit: 'shop',
      epoch: 1,
      owner: 'east',
      readers: ['east', 'west'],
      leased: true,
      held: false,
      remainingMs: 0,
      writing: 0,
    },
  ])
})

test('who passes a write on to a gateway that lost the lease learns of it, and asks once more', async (t) => {
  const sites = await Sites.start(t)
  const [east, west, mid] = await Promise.all([
    sites.gateway('east'),
    sites.gateway('west'),
    sites.gateway('mid'),
  ])
  hold(east, 1)
  await place([east, west, mid], 1, 'east', east)
  await mid.gateway.ownership.peers({ west: `127.0.0.1:${west.port}` })
  east.gateway.ownership.lease('shop').stop(1)
  hold(west, 2)
  await place([east, west], 2, 'west', west)

  const answer = await mid.request('POST /orders', [], 'x')
  assert.deepEqual([answer.status, answer.body], [201, 'west'])
  assert.deepEqual(
    sites.seen.map(({ site, epoch }) => [site, epoch]),
    [['west', '2']],
  )
  assert.equal(mid.service().ownership!.units[0]!.epoch, 2)

  // The other way round nobody goes in circles: a request that was passed on goes no further.
  const last = await east.request(
    'POST /orders',
    ['X-Budao-Rectified: gw-x;service=shop', 'X-Budao-Epoch: 1'],
    'y',
  )
  assert.deepEqual(
    [last.status, codeOf(last), last.header('x-budao-epoch'), last.header('x-budao-owner')],
    [421, 'write_misdirected', '2', 'west'],
  )
  west.gateway.ownership.lease('shop').stop(2)
  const none = await mid.request('POST /orders', [], 'z')
  assert.deepEqual([none.status, codeOf(none)], [503, 'write_owner_unknown'])
  assert.equal(sites.seen.length, 1)

  // Who knows a newer epoch than is held here knows that this one is over.
  hold(west, 3)
  const newer = await west.request(
    'POST /orders',
    ['X-Budao-Rectified: gw-x;service=shop', 'X-Budao-Epoch: 4'],
    'y',
  )
  assert.equal(newer.status, 421)
  await west.gateway.close()
  const gone = await mid.request('POST /orders', [], 'z')
  assert.deepEqual([gone.status, codeOf(gone)], [503, 'write_owner_unknown'])
})

test('a lease that ends while the endpoint works is not acknowledged, and one that ends in the queue sends nothing', async (t) => {
  const sites = await Sites.start(t)
  const limits = { concurrency: 1, queue: { size: 10, timeout: '2s' } }
  const [east, west] = await Promise.all([
    sites.gateway('east', { service: { limits } }),
    sites.gateway('west'),
  ])
  hold(east, 1)
  await place([east, west], 1, 'east', east)
  sites.east.hold()
  const first = east.request('POST /orders', [], 'first')
  await until('the first write is at the endpoint', () => sites.east.holding === 1)
  const second = east.request('POST /orders', [], 'second')
  await until('the second one waits', () => east.service().waiting === 1)
  east.gateway.ownership.lease('shop').stop(1)
  hold(west, 2)
  await place([east, west], 2, 'west', west)
  sites.east.open()

  const unknown = await first
  assert.deepEqual([unknown.status, codeOf(unknown)], [503, 'write_unacknowledged'])
  assert.equal((await second).body, 'west', 'what waited goes where the lease is now')
  assert.deepEqual(
    sites.seen.map(({ site, epoch, body }) => [site, epoch, body]),
    [
      ['east', '1', 'first'],
      ['west', '2', 'second'],
    ],
  )
  assert.match(
    east.gateway.metrics(),
    /^budao_writes_refused_total\{service="shop",reason="unacknowledged"\} 1$/m,
  )
  assert.equal(east.service().ownership!.units[0]!.writing, 0)

  // By its own time: a renewal that was sent too long ago.
  const { ownership } = west.gateway
  ownership.lease('shop').renewed(3, ownership.now() - 60_000, { ttlMs: 60_000, guardMs: 250 })
  assert.equal((await west.request('POST /orders', [], 'late')).status, 503)
})

test('a patient write waits for the next owner, and no longer than it may', async (t) => {
  const sites = await Sites.start(t)
  const service = { ownership: { wait: '10s' }, timeouts: { request: '8s' } }
  const [east, west] = await Promise.all([sites.gateway('east'), sites.gateway('west', { service })])
  hold(east, 1)
  await place([east, west], 1, 'east', east)
  await east.gateway.close()
  const patient = Promise.all(['a', 'b', 'c'].map((body) => west.request('POST /orders', [], body)))
  const hurried = await west.request('POST /orders', ['X-Budao-Timeout: 100'], 'd')
  assert.deepEqual([hurried.status, codeOf(hurried)], [503, 'write_owner_unknown'])
  const gone = await west.connect()
  gone.send('POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\ne')
  await until('it is under way', () => west.connections.downstream === 4)
  gone.reset()
  await until('its client has gone', () => west.connections.downstream === 3)
  hold(west, 2)
  await place([west], 2, 'west', west)
  assert.deepEqual(
    (await patient).map(({ status, body }) => `${status} ${body}`),
    ['201 west', '201 west', '201 west'],
  )
  await west.quiet()
  assert.deepEqual(sites.west.writes.map(({ body, epoch }) => `${body}${epoch}`).toSorted(), [
    'a2',
    'b2',
    'c2',
  ])
})

test('settling lets writes under way finish, and no other one begin', async (t) => {
  const sites = await Sites.start(t)
  const east = await sites.gateway('east')
  hold(east, 1)
  await place([east], 1, 'east', east)
  sites.east.hold()
  const first = east.request('POST /orders', [], 'first')
  await until('it is at the endpoint', () => sites.east.holding === 1)
  let settled = false
  const settling = east.gateway.ownership.settle('shop', 1).then(() => {
    settled = true
  })
  assert.equal((await east.request('POST /orders', [], 'second')).status, 503)
  assert.equal(settled, false)
  sites.east.open()
  assert.equal((await first).status, 201)
  await settling
  assert.deepEqual(
    sites.seen.map(({ body }) => body),
    ['first'],
  )
})

test('retries, fallback and keys of a write stay where its owner is', async (t) => {
  const sites = await Sites.start(t)
  const other = await Sites.start(t)
  const config = {
    services: {
      spare: { endpoints: [{ address: `127.0.0.1:${other.east.port}`, site: 'east' }] },
    },
    route: {
      filters: [{ idempotency: {} }],
      fallback: { service: 'spare' },
    },
  }
  const [east, west] = await Promise.all([sites.gateway('east', config), sites.gateway('west', config)])
  hold(east, 1)
  await place([east, west], 1, 'east', east)
  sites.east.status = 503
  assert.equal((await east.request('PUT /orders/1', [], 'x')).status, 503)
  assert.deepEqual(new Set(sites.seen.map(({ site }) => site)), new Set(['east']))
  assert.deepEqual(other.seen, [])

  sites.east.status = 201
  sites.seen.length = 0
  const key = ['Idempotency-Key: "0123456789abcdef"']
  assert.equal((await west.request('POST /orders', key, 'x')).body, 'east')
  const again = await west.request('POST /orders', key, 'x')
  assert.deepEqual([again.body, again.header('idempotency-replayed')], ['east', 'true'])
  assert.equal(sites.seen.length, 1, 'done once, at the gateway that holds the lease')
})

test('with multi-active a value of the request chooses the unit, and each site writes its own', async (t) => {
  const sites = await Sites.start(t)
  const service = {
    mode: 'multi-active',
    ownership: { key: { header: 'X-Home' }, units: 'site', home: 'west' },
  }
  const [east, west] = await Promise.all([
    sites.gateway('east', { service }),
    sites.gateway('west', { service }),
  ])
  hold(east, 3, 'shop/east')
  hold(west, 5, 'shop/west')
  await place([east, west], 3, 'east', east, 'shop/east')
  await place([east, west], 5, 'west', west, 'shop/west')
  for (const gateway of [east, west]) {
    for (const home of ['X-Home: east', 'X-Home: west', 'X-Other: none'])
      assert.equal(
        (await gateway.request('POST /orders', [home], 'x')).body,
        home === 'X-Home: east' ? 'east' : 'west',
      )
    assert.equal((await gateway.request('/orders', ['X-Home: east'])).body, 'east', 'the owner reads first')
  }
  assert.deepEqual(
    new Set(
      sites.seen.filter(({ method }) => method === 'POST').map(({ unit, epoch }) => `${unit} ${epoch}`),
    ),
    new Set(['shop/east 3', 'shop/west 5']),
  )
})

test('a claim of a verified token chooses the unit, whichever gateway the user asks; nothing else does', async (t) => {
  const sites = await Sites.start(t)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'users.json'),
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }),
  )
  const config = {
    service: { mode: 'multi-active', ownership: { key: { claim: 'openid' } } },
    route: { filters: [{ jwt: { jwks: 'users.json' } }] },
  }
  const [east, west] = await Promise.all([
    sites.gateway('east', config, {}, dir),
    sites.gateway('west', config, {}, dir),
  ])
  for (const [epoch, site, gateway] of [
    [3, 'east', east],
    [5, 'west', west],
  ] as const) {
    hold(gateway, epoch, `shop/${site}`)
    await place([east, west], epoch, site, gateway, `shop/${site}`)
  }
  const owners = new Set<string>()
  for (let user = 0; user < 12; user++) {
    const token = await new SignJWT({ openid: `o-${user}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setExpirationTime('1h')
      .sign(privateKey)
    const asked = await Promise.all(
      [east, west].map((gateway) =>
        // What a client says of itself beside its token is nobody's word.
        gateway.request(
          'POST /orders',
          [`Authorization: Bearer ${token}`, `X-WX-OPENID: o-${user + 1}`],
          'x',
        ),
      ),
    )
    assert.deepEqual(
      asked.map(({ status }) => status),
      [201, 201],
    )
    assert.equal(asked[0]!.body, asked[1]!.body, `o-${user} has two owners`)
    owners.add(asked[0]!.body)
  }
  assert.deepEqual([...owners].toSorted(), ['east', 'west'])
  assert.deepEqual(
    new Set(sites.seen.map(({ site, unit, epoch }) => `${site} ${unit} ${epoch}`)),
    new Set(['east shop/east 3', 'west shop/west 5']),
  )
  assert.equal((await west.request('POST /orders', [], 'x')).status, 401)
})

test('reads follow the placement, also of a gateway that starts alone; real traffic is counted by site', async (t) => {
  const sites = await Sites.start(t)
  const placementFile = join(tempDir(t), 'placements.json')
  const east = await sites.gateway('east', {}, { placementFile })
  assert.equal((await east.request('/orders')).body, 'east')
  await place([east], 2, 'west', null)
  for (let i = 0; i < 3; i++) assert.equal((await east.request('/orders')).body, 'west')
  await place([east], 1, 'east', null)
  assert.equal((await east.request('/orders')).body, 'west', 'an older epoch changes nothing')
  assert.deepEqual(east.gateway.watched.traffic(), [
    { service: 'shop', site: 'east', served: 1, connectFailed: 0, timedOut: 0 },
    { service: 'shop', site: 'west', served: 4, connectFailed: 0, timedOut: 0 },
  ])
  assert.deepEqual(east.gateway.watched.traffic(), [])
  await until('the placement is on the disk', () => existsSync(placementFile))
  const again = await sites.gateway('east', {}, { placementFile })
  assert.equal((await again.request('/orders')).body, 'west')

  const spread = await sites.gateway('east', { service: { mode: 'active-active' } })
  await place([spread], 1, 'west', null, 'shop', ['west'])
  assert.equal(
    (await spread.request('POST /orders', [], 'x')).body,
    'west',
    'everybody writes, where the placement says',
  )
})

test('without control nobody asks for a lease', async (t) => {
  const sites = await Sites.start(t)
  const east = await sites.gateway('east', { control: undefined })
  assert.equal((await east.request('POST /orders', [], 'x')).body, 'east')
  assert.equal(sites.seen[0]!.epoch, undefined)
  assert.equal(east.service().ownership, null)
})

test('what a release does that nobody would miss says nothing of its site; with all users its site is judged by it too', async (t) => {
  const sites = await Sites.start(t)
  const at = (site: 'east' | 'west', release: string): object => ({
    address: `127.0.0.1:${sites[site].port}`,
    site: 'east',
    release,
  })
  const route = { split: { by: ['header:X-User'], overrides: [{ release: 'canary', users: ['tester'] }] } }
  const gateway = await sites.gateway('east', {
    endpoints: [at('east', 'stable'), at('west', 'canary')] as never,
    rollouts: { next: { route: 'shop', release: 'canary' } },
    route,
  })
  assert.equal((await gateway.request('/orders', ['X-User: tester'])).body, 'west')
  assert.deepEqual(gateway.gateway.watched.traffic(), [])
  assert.equal((await gateway.request('/orders', ['X-User: any'])).body, 'east')
  assert.equal(gateway.gateway.watched.traffic()[0]!.served, 1)
  const carries = (): unknown => gateway.service().endpoints.map((endpoint) => endpoint.carries)
  assert.deepEqual(carries(), [true, false])
  gateway.gateway.rollouts.share('next', 10_000, Infinity)
  assert.deepEqual(carries(), [true, true])
})
