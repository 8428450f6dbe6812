import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededDraws, VirtualTime, WxEmulator, WxStorage, type WxFate } from '@budao/testkit'
import {
  createClient,
  nativeStorage,
  weixin,
  type Client,
  type ClientOptions,
  type OutboxItem,
} from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const origin = 'https://a.example'
const down: WxFate = { afterMs: 20, fails: 'refused' }
const fine: WxFate = { afterMs: 20, status: 200, body: '{}' }

/** A phone whose process can be killed, and a server that does each key once. */
class World {
  readonly time: VirtualTime = new VirtualTime()
  readonly storage: WxStorage
  /** What the server did, in order. */
  readonly done: { entity: string; n: number; user: string }[] = []
  readonly keys: Set<string> = new Set()
  /** Decides what becomes of a request, before and whether the server does it. */
  fate: () => WxFate = () => fine
  /** Of the answer only: the server has done it, and nobody hears of it. */
  losesAnswer: () => boolean = () => false
  client: Client
  events: string[] = []
  #alive = { is: true }
  readonly #seed: number
  #starts = 0

  constructor(seed = 1, quota?: number) {
    this.#seed = seed
    this.storage = new WxStorage(this.time, quota)
    this.client = this.start()
  }

  start(options: Partial<ClientOptions> = {}): Client {
    const alive = { is: true }
    this.#alive = alive
    const wx = new WxEmulator(this.time, {
      domains: [origin],
      network: ({ header, data }) => {
        const fate = this.fate()
        if (!('status' in fate)) return fate
        const key = header['Idempotency-Key']!
        if (fate.status < 300 && !this.keys.has(key)) {
          this.keys.add(key)
          this.done.push({
            ...(JSON.parse(data as string) as { entity: string; n: number }),
            user: header['X-User'] ?? '',
          })
        }
        return this.losesAnswer() ? { afterMs: 30, fails: 'reset' } : fate
      },
    })
    // A process that is killed does nothing more: neither timers nor answers nor writes reach it.
    // Each process draws other keys than the one before.
    const runtime = testRuntime(this.time, this.#seed * 1_000 + this.#starts++)
    const native = nativeStorage(this.storage)
    const gone = new Promise<never>(() => {})
    this.client = createClient({
      channels: [{ baseUrl: origin }],
      transport: {
        name: 'weixin',
        send: (request, user) =>
          alive.is
            ? weixin(wx).send(request, {
                onAnswer: (answer) => void (alive.is && user.onAnswer(answer)),
                onFailure: (failure) => void (alive.is && user.onFailure(failure)),
              })
            : () => {},
      },
      storage: {
        get: (key) => (alive.is ? native.get(key) : gone),
        set: (key, value) => (alive.is ? native.set(key, value) : gone),
        remove: (key) => (alive.is ? native.remove(key) : gone),
        keys: () => (alive.is ? native.keys() : gone),
      },
      runtime: { ...runtime, after: (ms, fire) => runtime.after(ms, () => void (alive.is && fire())) },
      onQueued: {
        onDone: ({ seq }) => this.events.push(`done ${seq}`),
        onDead: ({ seq, status }) => this.events.push(`dead ${seq} ${status}`),
        onLogin: () => this.events.push('login'),
      },
      ...options,
    })
    return this.client
  }

  kill(): void {
    this.#alive.is = false
  }

  queue(entity: string, n: number): Promise<OutboxItem> {
    return this.client.queue({ entity, path: `/${entity}`, data: { entity, n } })
  }

  /** As above, waiting for it. */
  async accept(entity: string, n: number): Promise<OutboxItem> {
    return this.time.until(this.queue(entity, n))
  }

  /** Until nothing waits, for at most ten minutes. */
  async drained(): Promise<void> {
    await this.time.until(this.client.outbox.load())
    for (let i = 0; i < 600 && this.client.outbox.waiting > 0; i++) {
      this.client.outbox.flush()
      await this.time.advance(1_000)
    }
    assert.equal(this.client.outbox.waiting, 0, 'writes still wait')
  }
}

test('writes without a network leave once there is one, in the order of their entity', async () => {
  const world = new World()
  world.fate = () => down
  for (let n = 1; n <= 3; n++) for (const entity of ['cart', 'address']) await world.accept(entity, n)
  await world.time.advance(60_000)
  assert.equal(world.done.length, 0)
  world.fate = () => fine
  await world.drained()
  for (const entity of ['cart', 'address'])
    assert.deepEqual(
      world.done.filter((each) => each.entity === entity).map(({ n }) => n),
      [1, 2, 3],
    )
})

test('a write is sent once more with its key when its answer was lost, or its process killed', async () => {
  const world = new World()
  world.losesAnswer = () => true
  await world.accept('cart', 1)
  await world.time.advance(100)
  world.kill()
  world.start()
  world.losesAnswer = () => false
  await world.drained()
  assert.deepEqual(world.done, [{ entity: 'cart', n: 1, user: '' }])
  assert.equal(world.keys.size, 1)
  assert.deepEqual([...world.storage.values.keys()], [])
})

test('a refused write is dead and told of, those behind it go on; it can be tried again or dropped', async () => {
  const world = new World()
  let status = 409
  world.fate = () => ({ afterMs: 20, status, body: '{}' })
  const refused = await world.accept('cart', 1)
  await world.time.advance(100)
  assert.deepEqual(world.events, [`dead ${refused.seq} 409`])
  status = 200
  await world.accept('cart', 2)
  await world.drained()
  world.kill()
  world.start()
  const [dead] = await world.time.until(world.client.outbox.dead())
  assert.deepEqual([dead!.seq, dead!.status], [refused.seq, 409])
  await world.time.until(world.client.outbox.resolveDead(dead!.seq, true))
  await world.drained()
  assert.deepEqual(
    world.done.map(({ n }) => n),
    [2, 1],
  )
  assert.deepEqual(await world.time.until(world.client.outbox.dead()), [])
})

test('a full outbox refuses and drops nothing, and so does a full storage', async () => {
  const world = new World()
  world.fate = () => down
  world.start({ outbox: { itemsMax: 2 } })
  await world.accept('a', 1)
  await world.accept('a', 2)
  await assert.rejects(world.accept('a', 3), { code: 'overloaded' })
  const small = new World(1, 200)
  small.fate = () => down
  await assert.rejects(small.accept('a', 1), { code: 'overloaded' })
  world.fate = () => fine
  await world.drained()
  assert.deepEqual(
    world.done.map(({ n }) => n),
    [1, 2],
  )
})

test('401 holds everything until the login, and is told once', async () => {
  const world = new World()
  world.fate = () => ({ afterMs: 20, status: 401, body: '{}' })
  world.client.setUser('ann').catch(() => {})
  for (let n = 1; n <= 3; n++) await world.accept(`cart:${n}`, n)
  await world.time.advance(120_000)
  assert.deepEqual(world.events, ['login'])
  world.fate = () => fine
  await world.time.until(world.client.setUser('ann'))
  await world.drained()
  assert.equal(world.done.length, 3)
})

test('another user’s writes wait for their user, whenever the login changes', async () => {
  const world = new World()
  let user = 'ann'
  const follow = (): void => {
    world.client.use({
      onRequest: (options) => ({ ...options, headers: { ...options.headers, 'X-User': user } }),
    })
  }
  follow()
  world.fate = () => down
  await world.time.until(world.client.setUser('ann'))
  await world.accept('cart', 1)
  user = 'ben'
  await world.time.until(world.client.setUser('ben'))
  await world.accept('cart', 2)
  world.fate = () => fine
  world.client.outbox.flush()
  await world.time.advance(120_000)
  const owner = (n: number): string => world.done.find((each) => each.n === n)?.user ?? 'nobody'
  assert.equal(owner(2), 'ben')
  assert.ok(['ann', 'nobody'].includes(owner(1)), 'what was under way ends as it began')
  world.kill()
  world.start()
  follow()
  user = 'ann'
  await world.time.until(world.client.setUser('ann'))
  await world.drained()
  assert.deepEqual([owner(1), owner(2), world.done.length], ['ann', 'ben', 2])
})

test('storage entries that are none of ours are cleaned or left alone', async () => {
  const world = new World()
  world.storage.values.set('budao:outbox:7', '{"seq":7,"enti')
  world.storage.values.set('budao:outbox:8', 'null')
  world.storage.values.set('orders', 'mine')
  await world.time.until(world.client.outbox.load())
  assert.deepEqual([...world.storage.values.keys()], ['orders'])
})

test('a page of a captive portal is no answer: the write waits and leaves later', async () => {
  const world = new World()
  world.fate = () => ({ afterMs: 20, status: 200, body: '<!DOCTYPE html><title>Log in</title>' })
  await world.accept('cart', 1)
  await world.time.advance(10_000)
  assert.equal(world.client.outbox.waiting, 1)
  world.fate = () => fine
  await world.drained()
})

test('a storage that cannot be read for a while loses nothing, and what is behind does not overtake', async () => {
  const world = new World()
  world.fate = () => down
  for (const n of [1, 2]) await world.accept('cart', n)
  world.kill()
  let broken = true
  world.storage.fails = () => broken
  world.start()
  await assert.rejects(world.accept('cart', 3), { code: 'overloaded' })
  broken = false
  world.fate = () => fine
  await world.accept('cart', 4)
  await world.drained()
  assert.deepEqual(
    world.done.map(({ n }) => n),
    [1, 2, 4],
  )
})

/** One life of a phone drawn from a seed: kills, dead networks, lost answers. Returns what went wrong; empty when nothing did. */
async function schedule(seed: number): Promise<string> {
  const draws = new SeededDraws(seed)
  const world = new World(seed)
  world.fate = () =>
    draws.chance(0.3) ? down : draws.chance(0.1) ? { afterMs: 20, status: 503, body: '' } : fine
  world.losesAnswer = () => draws.chance(0.2)
  const accepted: { entity: string; n: number }[] = []
  for (let n = 1; n <= 12; n++) {
    const entity = draws.pick(['a', 'b'])
    const added = world.queue(entity, n).then(
      () => accepted.push({ entity, n }),
      () => {},
    )
    if (draws.chance(0.5)) await world.time.until(added)
    if (draws.chance(0.3)) await world.time.advance(draws.integer(0, 3_000))
    if (draws.chance(0.25)) {
      world.kill()
      world.start()
    }
  }
  await world.time.advance(1_000)
  world.fate = () => fine
  world.losesAnswer = () => false
  await world.drained()
  const done = world.done.map(({ entity, n }) => `${entity}${n}`)
  if (new Set(done).size !== done.length) return `seed ${seed}: done twice: ${done.join(' ')}`
  const lost = accepted.filter(({ entity, n }) => !done.includes(`${entity}${n}`))
  if (lost.length > 0) return `seed ${seed}: lost ${JSON.stringify(lost)}`
  for (const entity of ['a', 'b']) {
    const order = world.done.filter((each) => each.entity === entity).map(({ n }) => n)
    if (order.some((n, i) => i > 0 && n < order[i - 1]!))
      return `seed ${seed}: ${entity} in the order ${order.join(' ')}`
  }
  return ''
}

test('over 300 drawn lives nothing accepted is lost, nothing is done twice, and entities keep their order', async () => {
  const wrong: string[] = []
  for (let seed = 1; seed <= 300; seed++) {
    const problem = await schedule(seed)
    if (problem !== '') wrong.push(problem)
  }
  assert.deepEqual(wrong, [])
})

test('what the server says of a queued write decides what becomes of it', async () => {
  for (const [status, body, becomes] of [
    [409, '{"error":{"code":"idempotency_in_progress"}}', 'waits'],
    [429, '{}', 'waits'],
    [503, '{}', 'waits'],
    [408, '{}', 'waits'],
    [401, '{}', 'login'],
    [403, '{"error":"token_invalid","message":"…"}', 'login'],
    [403, '{"error":"forbidden"}', 'dead 403'],
    [409, '{"error":{"code":"sold_out"}}', 'dead 409'],
    [422, '{"error":{"code":"idempotency_key_reused"}}', 'dead 422'],
    [400, '{}', 'dead 400'],
    [404, '{}', 'dead 404'],
  ] as const) {
    const world = new World()
    world.fate = () => ({ afterMs: 20, status, body, header: { 'Retry-After': '1' } })
    const { seq } = await world.accept('cart', 1)
    await world.time.advance(20_000)
    const told = world.events.join()
    if (becomes === 'waits') {
      assert.deepEqual([told, world.client.outbox.waiting], ['', 1], `${status} ${body}`)
      world.fate = () => fine
      await world.drained()
      assert.deepEqual(world.events.length, 1)
    } else if (becomes === 'login') {
      assert.deepEqual([told, world.client.outbox.waiting], ['login', 1])
      world.fate = () => fine
      await world.time.until(world.client.setUser(''))
      await world.drained()
    } else assert.equal(told, `${becomes.split(' ')[0]} ${seq} ${status}`)
  }
})

test('a server that asks to be left alone is, for as long as it says', async () => {
  const world = new World()
  let asked = 0
  world.fate = () => {
    asked++
    return { afterMs: 20, status: 429, body: '{}', header: { 'Retry-After': '120' } }
  }
  await world.accept('cart', 1)
  await world.time.advance(100_000)
  assert.equal(asked, 1)
  await world.time.advance(30_000)
  assert.equal(asked, 2)
})
