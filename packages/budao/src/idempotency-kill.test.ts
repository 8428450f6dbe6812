import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  freePort,
  rawServer,
  startNode,
  startRedis,
  tempDir,
  type RawServer,
  type TestProcess,
} from '@budao/testkit'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

/** On a machine that does much else. */
const START_MS = 60_000

/** A gateway that is a process of its own, and can be killed and started anew over the same folder. */
class GatewayProcess {
  readonly port: number
  process!: TestProcess
  readonly #t: TestContext
  readonly #folder: string

  private constructor(t: TestContext, port: number, folder: string) {
    this.#t = t
    this.port = port
    this.#folder = folder
  }

  static async start(
    t: TestContext,
    backend: RawServer,
    more: { idempotency: object; request: string; stores?: object },
  ) {
    const folder = tempDir(t)
    const [port, admin] = [await freePort(), await freePort()]
    const config = {
      version: 1,
      node: { name: 'gw-1', site: 'east' },
      sites: { east: {} },
      workers: 2,
      admin: { address: `127.0.0.1:${admin}` },
      listeners: [{ name: 'web', address: `127.0.0.1:${port}`, protocol: 'http' }],
      ...(more.stores === undefined ? {} : { stores: more.stores }),
      services: {
        shop: {
          endpoints: [{ address: backend.address, site: 'east' }],
          timeouts: { request: more.request },
          outlier: false,
          breaker: false,
        },
      },
      routes: [
        {
          name: 'shop',
          filters: [{ idempotency: more.idempotency }],
          backends: [{ service: 'shop' }],
        },
      ],
    }
    writeFileSync(join(folder, 'budao.yaml'), JSON.stringify(config))
    const gateway = new GatewayProcess(t, port, folder)
    await gateway.restart()
    return gateway
  }

  async restart(): Promise<void> {
    this.process = startNode(this.#t, [main, 'up', '-c', 'budao.yaml'], { cwd: this.#folder })
    await this.process.waitForPort(this.port, START_MS)
  }

  /** What a phone is told; null when the link breaks. */
  async post(key: string): Promise<{ status: number; body: string } | null> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/orders`, {
        method: 'POST',
        headers: { 'Idempotency-Key': key },
        body: key,
      })
      return { status: answer.status, body: await answer.text() }
    } catch {
      return null
    }
  }
}

/** A shop that takes every order it is sent, after a moment. */
async function openShop(t: TestContext) {
  const taken: string[] = []
  const backend = await rawServer(t, async ({ connection, body }) => {
    const key = await body()
    const number = taken.push(key)
    await pause(number % 20)
    connection.respond(201, `order ${number} of ${key}`)
  })
  return { taken, backend }
}

for (const onUncertain of ['refuse', 'forward'] as const) {
  test(`a gateway is killed in the middle of writes: repeats have the first result (${onUncertain})`, async (t) => {
    const { taken, backend } = await openShop(t)
    const gateway = await GatewayProcess.start(t, backend, {
      idempotency: { onUncertain },
      // Longer than a loaded machine stands still: what is late is uncertain too, and not what this is about.
      request: '20s',
    })
    const answered = new Map<string, string>()
    const uncertain = new Set<string>()
    let next = 0
    const load = { ended: false }
    t.after(() => (load.ended = true))
    /** Orders one thing after the other, each until it is known what became of it. */
    const phone = async (): Promise<void> => {
      while (!load.ended) {
        const key = `order-by-phone-${1_000_000 + next++}`
        for (;;) {
          const answer = await gateway.post(key)
          if (answer?.status === 201) answered.set(key, answer.body)
          else if (answer?.body.includes('idempotency_uncertain') === true) uncertain.add(key)
          else {
            await pause(5)
            continue
          }
          break
        }
      }
    }
    const phones = Array.from({ length: 12 }, phone)
    while (answered.size < 80) await pause(5)
    await gateway.process.kill()
    await gateway.restart()
    const before = answered.size
    while (answered.size < before + 20) await pause(5)
    load.ended = true
    await Promise.all(phones)

    const takenBefore = taken.length
    const orders = new Map<string, number>()
    for (const key of taken) orders.set(key, (orders.get(key) ?? 0) + 1)
    const doubles = [...orders].filter(([, count]) => count > 1)
    // Whoever was told what became of an order is told the same again, and nothing is done for it.
    for (const [key, body] of answered) {
      const again = await gateway.post(key)
      assert.deepEqual(again, { status: 201, body })
    }
    assert.equal(taken.length, takenBefore)
    if (onUncertain === 'refuse') assert.deepEqual(doubles, [])
    else {
      assert.equal(uncertain.size, 0)
      // At most what was on its way through the gateway when it was killed.
      assert.ok(doubles.length <= phones.length, String(doubles.length))
    }
    t.diagnostic(`${answered.size} answered, ${uncertain.size} uncertain, ${doubles.length} done twice`)
  })
}

test('a gateway that is killed leaves its key to another one when its lease is over', async (t) => {
  const redis = await freePort()
  if ((await startRedis(t, redis)) === undefined) return
  const taken: string[] = []
  const backend = await rawServer(t, async ({ connection, body }) => {
    if (taken.push(await body()) > 1) connection.respond(201, `order ${taken.length}`)
  })
  const more = {
    idempotency: { store: 'keys' },
    // The lease is 5 s longer.
    request: '1s',
    stores: { keys: { redis: { url: `redis://127.0.0.1:${redis}`, timeout: '2s' } } },
  }
  const [dying, other] = await Promise.all([
    GatewayProcess.start(t, backend, more),
    GatewayProcess.start(t, backend, more),
  ])
  const key = 'order-by-a-phone-1'
  const first = dying.post(key)
  while (taken.length === 0) await pause(5)
  await dying.process.kill()
  assert.equal(await first, null)
  const told: number[] = []
  for (;;) {
    const answer = await other.post(key)
    told.push(answer!.status)
    if (answer!.status !== 409) break
    await pause(100)
  }
  assert.equal(told[0], 409)
  assert.equal(told.at(-1), 201)
  assert.deepEqual(taken, [key, key])
})
