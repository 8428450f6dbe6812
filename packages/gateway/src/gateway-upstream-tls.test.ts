import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TestCa } from '@budao/testkit'
import { testFiles, testGateway, until, type TestConfig } from './test-gateway.test.ts'
import { tlsBackend } from './test-tls.test.ts'

const ca = new TestCa()
const backendNames = ['backend.example', '127.0.0.1', 'spiffe://corp/shop']

function folder(t: TestContext): string {
  const own = ca.issue({ commonName: 'gateway' })
  return testFiles(t, { 'ca.crt': ca.cert, 'own.crt': own.cert, 'own.key': own.key })
}

function config(address: string, tls: unknown, service: object = {}): TestConfig {
  return { endpoints: [address], service: { tls, breaker: false, outlier: false, ...service } }
}

test('answers of all sizes come over TLS; name and session are kept for the next connection', async (t) => {
  const large = 'x'.repeat(2_000_000)
  const backend = await tlsBackend(t, ca.issue({ names: backendNames }), large)
  const gateway = await testGateway(
    t,
    config(backend.address, { ca: 'ca.crt', serverName: 'backend.example' }),
    folder(t),
  )
  const answers = await Promise.all(Array.from({ length: 3 }, () => gateway.request('/')))
  for (const { status, body } of answers) assert.ok(status === 200 && body === large)
  await Promise.all(Array.from({ length: 8 }, () => gateway.request('/')))
  assert.ok(backend.names.every((name) => name === 'backend.example'))
  assert.ok(backend.resumed.includes(true), 'a later connection resumes')
})

test('an address is verified as such, and no name is asked for', async (t) => {
  const backend = await tlsBackend(t, ca.issue({ names: backendNames }))
  const gateway = await testGateway(t, config(backend.address, { ca: 'ca.crt' }), folder(t))
  assert.equal((await gateway.request('/')).status, 200)
  assert.deepEqual(backend.names, [''])
})

test('who is not whom the configuration expects is not asked, and an event says why', async (t) => {
  const stranger = new TestCa('Stranger')
  const expired = { names: backendNames, from: new Date(0), until: new Date(1_000_000_000_000) }
  const table = [
    [ca.issue({ names: ['other.example'] }), { ca: 'ca.crt' }, /IP: 127\.0\.0\.1 is not in the cert's list/],
    [ca.issue({ names: backendNames }), { ca: 'ca.crt', serverName: 'x.example' }, /x\.example\. is not in/],
    [
      ca.issue({ names: backendNames }),
      { ca: 'ca.crt', sans: ['spiffe://corp/x'] },
      /expected spiffe:\/\/corp\/x/,
    ],
    [stranger.issue({ names: backendNames }), { ca: 'ca.crt' }, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
    [ca.issue(expired), { ca: 'ca.crt' }, /CERT_HAS_EXPIRED/],
    [ca.issue({ names: backendNames }), {}, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
  ] as const
  for (const [certificate, tls, expected] of table) {
    const backend = await tlsBackend(t, certificate)
    const gateway = await testGateway(t, config(backend.address, tls), folder(t))
    const answer = await gateway.request('/')
    assert.deepEqual([answer.status, JSON.parse(answer.body).error], [502, 'connect_failed'])
    const [event] = gateway.eventsOf('endpoint.tls-failed', backend.address)
    assert.match(event!.message, expected)
    await gateway.gateway.close()
  }
})

test('verify: false takes anybody, sans take a URI', async (t) => {
  const backend = await tlsBackend(t, new TestCa('Stranger').issue({ names: ['other.example'] }))
  const lax = await testGateway(t, config(backend.address, { verify: false }), folder(t))
  assert.equal((await lax.request('/')).body, 'secure')
  const named = await tlsBackend(t, ca.issue({ names: ['spiffe://corp/shop'] }))
  const strict = await testGateway(
    t,
    config(named.address, { ca: 'ca.crt', sans: ['nobody.example', 'spiffe://corp/shop'] }),
    folder(t),
  )
  assert.equal((await strict.request('/')).body, 'secure')
})

test('the gateway shows its own certificate, and a renewed one from the next connection on', async (t) => {
  const dir = folder(t)
  const backend = await tlsBackend(t, {
    ...ca.issue({ names: backendNames }),
    requestCert: true,
    rejectUnauthorized: true,
    ca: ca.cert,
  })
  const tls = { ca: 'ca.crt', cert: 'own.crt', key: 'own.key' }
  const gateway = await testGateway(t, config(backend.address, tls), dir, { certificatePollMs: 20 })
  assert.equal((await gateway.request('/')).body, 'secure')
  assert.deepEqual(backend.clients, ['gateway'])
  const next = ca.issue({ commonName: 'renewed' })
  writeFileSync(join(dir, 'own.crt'), next.cert)
  writeFileSync(join(dir, 'own.key'), next.key)
  await until('the renewed one is shown', async () => {
    assert.equal((await gateway.request('/')).body, 'secure')
    return backend.clients.at(-1) === 'renewed'
  })
})

test('an endpoint that accepts and then says nothing costs one handshake timeout, and another one answers', async (t) => {
  const sockets = new Set<{ destroy(): unknown }>()
  const mute = createServer((socket) => sockets.add(socket.on('error', () => {})))
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  t.after(() => {
    mute.close()
    for (const socket of sockets) socket.destroy()
  })
  const muteAddress = `127.0.0.1:${(mute.address() as AddressInfo).port}`
  const backend = await tlsBackend(t, ca.issue({ names: backendNames }))
  const gateway = await testGateway(
    t,
    {
      ...config(
        backend.address,
        { ca: 'ca.crt' },
        { timeouts: { tlsHandshake: '100ms' }, balance: 'round-robin' },
      ),
      endpoints: [muteAddress, backend.address],
    },
    folder(t),
  )
  for (let i = 0; i < 4; i++) assert.equal((await gateway.request('/', [], '')).status, 200)
  const [event] = gateway.eventsOf('endpoint.tls-failed', muteAddress)
  assert.match(event!.message, /handshake was not done within 100 ms/)
})

test('health checks go over TLS too, http and tcp, and say what is wrong', async (t) => {
  const good = await tlsBackend(t, ca.issue({ names: backendNames }))
  const bad = await tlsBackend(t, new TestCa('Stranger').issue({ names: backendNames }))
  for (const type of ['http', 'tcp']) {
    const gateway = await testGateway(
      t,
      {
        ...config(
          good.address,
          { ca: 'ca.crt' },
          { healthCheck: { type, interval: '100ms', timeout: '100ms', unhealthyAfter: 1, healthyAfter: 1 } },
        ),
        endpoints: [good.address, bad.address],
      },
      folder(t),
    )
    await until(`${type}: one is well and one is not`, () => {
      const [first, second] = gateway.service().endpoints
      return first!.state === 'usable' && first!.lastCheckError === '' && second!.state === 'unhealthy'
    })
    assert.match(gateway.service().endpoints[1]!.lastCheckError, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
  }
})

test('other rules, other connections: what was opened under the old ones is not used again', async (t) => {
  const backend = await tlsBackend(t, ca.issue({ names: backendNames }))
  const dir = folder(t)
  const gateway = await testGateway(t, config(backend.address, { ca: 'ca.crt' }), dir)
  await gateway.request('/')
  await gateway.request('/')
  assert.equal(backend.names.length, 1)
  assert.deepEqual(
    await gateway.apply(config(backend.address, { ca: 'ca.crt' }, { retry: { attempts: 2 } })),
    {
      ok: true,
    },
  )
  await gateway.request('/')
  assert.equal(backend.names.length, 1, 'the same rules, the same connection')
  const named = config(backend.address, { ca: 'ca.crt', serverName: 'backend.example' })
  assert.deepEqual(await gateway.apply(named), { ok: true })
  await gateway.request('/')
  assert.deepEqual(backend.names, ['', 'backend.example'])
})
