import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Script } from 'node:vm'
import { Phone, phoneScript, VirtualTime, type WxFate } from '@budao/testkit'
import { programOf } from '../../../scripts/bundle-for-phones.ts'

type Kind = 'native' | 'macrotask' | 'built'

interface App {
  readonly told: string[]
  readonly api: { readonly channel: string; readonly user: string }
  get(path: string): void
  queue(n: number): void
}

const a = 'https://a.example'
const b = 'https://b.example'
const entry = 'packages/miniprogram/test/phone-app.ts'
const scripts = new Map<string, Script>()

before(async () => {
  scripts.set('native', await phoneScript(entry))
  // As it is published: private fields with short names, and minified.
  scripts.set(
    'built',
    new Script(
      await programOf(`export * as app from '../test/phone-app.ts'`, 'packages/miniprogram', 'iife'),
    ),
  )
  // Async functions become plain promises, and those are timers: as on iOS up to 15.
  scripts.set('macrotask', await phoneScript(entry, { target: 'es2016' }))
})

class World {
  readonly time: VirtualTime = new VirtualTime()
  readonly phone: Phone
  readonly asked: string[] = []
  /** Writes that the server did, each key once. */
  readonly done: unknown[] = []
  readonly #keys: Set<string> = new Set()
  /** What becomes of calls to the API. */
  fate: (url: string) => WxFate = () => ({ afterMs: 50, status: 200, body: '{"ok":true}' })
  readonly #kind: Kind
  app: App

  constructor(kind: Kind) {
    this.#kind = kind
    this.phone = new Phone({
      time: this.time,
      domains: [a, b],
      promises: kind === 'macrotask' ? kind : 'native',
      network: ({ url, data, header }) => {
        this.asked.push(url)
        if (url.endsWith('/session')) {
          const good = this.phone.logins.use(
            (JSON.parse(data as string) as { code: string }).code,
            this.time.now(),
          )
          const body = '{"token":"t","expiresIn":360000,"user":"u1"}'
          return good ? { afterMs: 20, status: 200, body } : { afterMs: 20, status: 401, body: '{}' }
        }
        if (/\/(telemetry|ping)$/.test(url)) return { afterMs: 20, status: 204, body: '' }
        const fate = this.fate(url)
        const key = header['Idempotency-Key'] ?? ''
        if (url.endsWith('/cart') && 'status' in fate && !this.#keys.has(key)) {
          this.#keys.add(key)
          this.done.push((JSON.parse(data as string) as { n: number }).n)
        }
        return fate
      },
    })
    this.app = this.start()
  }

  start(): App {
    return (this.app = this.phone.start(scripts.get(this.#kind)!) as App)
  }

  /** What the app was told, and from now on something else. */
  told(): string[] {
    return [...this.app.told.splice(0)]
  }
}

for (const kind of ['native', 'macrotask', 'built'] as const) {
  test(`${kind === 'built' ? 'as published' : `${kind} promises`}: nothing is read or asked before the first call, and that waits for no storage but its login`, async () => {
    const world = new World(kind)
    await world.time.advance(5_000)
    assert.deepEqual([world.phone.storage.calls, world.asked.length], [0, 0])
    world.app.get('/items')
    await world.time.advance(1_000)
    assert.deepEqual(world.told(), ['/items network a.example'])
    assert.equal(world.phone.storage.syncCalls, 0)
    assert.deepEqual(world.asked, [`${a}/budao/v1/session`, `${a}/items`])
    assert.deepEqual(world.phone.thrown, [])
  })

  test(`${kind === 'built' ? 'as published' : `${kind} promises`}: the background and a switch of networks only delay calls, and blame nobody`, async () => {
    const world = new World(kind)
    world.app.get('/first')
    await world.time.advance(1_000)
    world.fate = () => ({ afterMs: 3_500, status: 200, body: '{}' })
    world.app.get('/switched')
    await world.time.advance(1_000)
    world.phone.setNetwork('4g')
    await world.time.advance(10_000)
    world.app.get('/hidden')
    await world.time.advance(1_000)
    world.phone.hide()
    world.fate = () => ({ afterMs: 60_000, status: 200, body: '{}' })
    await world.time.advance(2_000)
    world.app.get('/later')
    await world.time.advance(120_000)
    world.phone.turnClock(-86_400_000)
    world.fate = () => ({ afterMs: 100, status: 200, body: '{}' })
    world.phone.show()
    await world.time.advance(20_000)
    assert.deepEqual(world.told().toSorted(), [
      '/first network a.example',
      '/hidden network a.example',
      '/later network a.example',
      '/switched network a.example',
    ])
    assert.equal(world.app.api.channel, 'a.example')
    assert.deepEqual(world.phone.thrown, [])
  })

  test(`${kind === 'built' ? 'as published' : `${kind} promises`}: writes without a network survive the end of the program and leave once, in order`, async () => {
    const world = new World(kind)
    world.app.get('/first')
    await world.time.advance(1_000)
    world.phone.setNetwork('none')
    for (let n = 1; n <= 5; n++) world.app.queue(n)
    await world.time.advance(1_000)
    assert.deepEqual(world.told().slice(1), ['queued 1', 'queued 2', 'queued 3', 'queued 4', 'queued 5'])
    world.phone.kill()
    world.start()
    world.app.get('/first')
    await world.time.advance(20_000)
    assert.deepEqual(world.told(), ['/first stale '], 'what was kept, without a network')
    world.phone.setNetwork('wifi')
    await world.time.advance(120_000)
    assert.deepEqual(world.done, [1, 2, 3, 4, 5])
    assert.deepEqual(world.phone.thrown, [])
  })

  test(`${kind === 'built' ? 'as published' : `${kind} promises`}: a dead domain is left at once, and taken again when it has proved itself`, async () => {
    const world = new World(kind)
    world.app.get('/0')
    await world.time.advance(1_000)
    let dead = true
    world.fate = (url) =>
      dead && url.startsWith(a) ? { afterMs: 20, fails: 'dns' } : { afterMs: 50, status: 200, body: '{}' }
    world.app.get('/1')
    await world.time.advance(1_000)
    assert.equal(world.app.api.channel, 'b.example')
    dead = false
    for (let i = 2; i < 60; i++) {
      world.app.get(`/${i}`)
      await world.time.advance(1_000)
    }
    assert.equal(world.app.api.channel, 'a.example')
    assert.deepEqual(world.phone.thrown, [])
  })
}
