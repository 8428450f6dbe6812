// The SDK in a phone, over real sockets and TLS, to two real gateways: one of them, or the way to it, breaks in every way there is.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  faultProxy,
  Phone,
  phoneScript,
  rawServer,
  RealNetwork,
  realTime,
  TestCa,
  type Fault,
  type FaultProxy,
  type TestCertificate,
} from '@budao/testkit'
import { testFiles, testGateway, type TestGateway } from '../../packages/gateway/src/test-gateway.test.ts'
import type { Program } from './program.ts'

const origins = ['https://a.example', 'https://b.example'] as const

/** A phone with the SDK, between it and the first gateway a proxy. */
interface World {
  readonly app: Program
  readonly phone: Phone
  readonly proxy: FaultProxy
  /** Orders that the shop took, each key once. */
  readonly orders: ReadonlySet<string>
}

/** A read, a write and a read: all well, and answered by `channel`. */
async function allWell({ app, orders }: World, channel: string): Promise<void> {
  const had = orders.size
  const outcomes = [await app.get('/items'), await app.post('/orders', { item: 1 }), await app.get('/items')]
  assert.deepEqual(
    outcomes.map((outcome) => [outcome.code, outcome.channel]),
    Array.from(outcomes, () => ['', channel]),
  )
  assert.equal(orders.size, had + 1, 'the order was made once')
}

const faults: readonly Fault[] = [
  { kind: 'reset' },
  { kind: 'drop' },
  { kind: 'blackhole' },
  { kind: 'truncate', bytes: 60 },
  // What trickles is as good as silent.
  { kind: 'throttle', bytesPerSecond: 50 },
]

test('the SDK over real sockets and TLS, to two real gateways', async (whole) => {
  const program = await phoneScript(fileURLToPath(new URL('./program.ts', import.meta.url)))
  const ca = new TestCa()
  const orders = new Set<string>()
  let reads = 0
  let phones = 0
  const shop = await rawServer(whole, async ({ connection, method, header, target, body }) => {
    await body()
    if (method === 'POST') orders.add(header('idempotency-key') ?? 'none')
    else reads++
    connection.respond(200, JSON.stringify({ path: target }), { 'Content-Type': 'application/json' })
  })
  const ping = { name: 'ping', match: [{ path: { exact: '/budao/v1/ping' } }], serve: { ping: {} } }
  const routes = [ping, { name: 'shop', backends: [{ service: 'shop' }], filters: [{ idempotency: {} }] }]
  /** A gateway with a listener for each certificate. */
  const site = (certificates: Readonly<Record<string, TestCertificate>>): Promise<TestGateway> => {
    const files = Object.entries(certificates).flatMap(([name, { cert, key }]) => [
      [`${name}.crt`, cert] as const,
      [`${name}.key`, key] as const,
    ])
    const listeners = Object.keys(certificates).map((name) => ({
      name,
      address: '127.0.0.1:0',
      protocol: 'https',
      tls: { cert: `${name}.crt`, key: `${name}.key` },
    }))
    return testGateway(
      whole,
      { listeners, endpoints: [shop.address], routes },
      testFiles(whole, Object.fromEntries(files)),
    )
  }
  const first = await site({
    web: ca.issue({ names: ['a.example'] }),
    expired: ca.issue({ names: ['a.example'], until: new Date(Date.now() - 60_000) }),
    elsewhere: ca.issue({ names: ['elsewhere.example'] }),
    stranger: new TestCa('Somebody').issue({ names: ['a.example'] }),
  })
  const second = await site({ web: ca.issue({ names: ['b.example'] }) })

  const world = async (t: TestContext, listener = 'web'): Promise<World> => {
    const proxy = await faultProxy(t, first.portOf(listener))
    const hosts = new Map([
      ['a.example', proxy.port],
      ['b.example', second.port],
    ])
    const network = new RealNetwork({ hosts, ca: ca.cert })
    t.after(() => network.close())
    const phone = new Phone({ time: realTime, network, domains: origins, seed: ++phones })
    t.after(() => phone.kill())
    const app = phone.start(program) as Program
    app.begin({ channels: origins, keysHonoured: true, attemptMs: 700 }, '')
    return { app, phone, proxy, orders }
  }

  for (const fault of faults) {
    await whole.test(
      `the way to the first breaks by ${fault.kind}: calls go on over the other`,
      async (t) => {
        const here = await world(t)
        await allWell(here, 'a.example')
        here.proxy.set(fault)
        await allWell(here, 'b.example')
        assert.deepEqual(here.phone.thrown, [])
      },
    )
  }

  for (const certificate of ['expired', 'elsewhere', 'stranger']) {
    await whole.test(`the first one's certificate is ${certificate}: nothing is sent to it`, async (t) => {
      const here = await world(t, certificate)
      reads = 0
      await allWell(here, 'b.example')
      assert.ok(here.proxy.accepted > 0)
      assert.equal(reads, 2, 'each read was made once')
    })
  }

  await whole.test('the first gateway ends in the middle of it all: no call fails', async (t) => {
    const here = await world(t)
    await allWell(here, 'a.example')
    const calls = Array.from({ length: 20 }, (_, n) => here.app.post('/orders', { item: n }))
    const ended = first.gateway.close()
    const outcomes = await Promise.all(calls)
    await ended
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      Array.from(outcomes, () => ''),
    )
    await allWell(here, 'b.example')
  })
})
