import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Script } from 'node:vm'
import { SeededDraws } from '../random.ts'
import { Phone, type PhoneOptions } from './phone.ts'
import { SimulatedLink } from './simulated-link.ts'
import { SimulatedServer } from './simulated-server.ts'
import { VirtualTime } from './virtual-time.ts'
import type { WxNetwork } from './wx-network.ts'

const origin = 'https://a.example'
const fine: WxNetwork = () => ({ afterMs: 50, status: 200, body: '{"ok":true}' })

/** Everything a test asks of a mini program. */
interface App {
  readonly told: string[]
  ask(options?: object): { abort(): void }
}

const script = new Script(`
  globalThis.app = {
    told: [],
    ask(options) {
      const name = (options && options.name) || 'call'
      return wx.request(Object.assign({
        url: '${origin}/items',
        success: (answer) => app.told.push(name + ' ' + answer.statusCode + ' ' + typeof answer.data),
        fail: (failure) => app.told.push(name + ' ' + failure.errno + ' ' + failure.errMsg),
      }, options))
    },
  }
`)

function phoneWith(network: PhoneOptions['network'] = fine, options: Partial<PhoneOptions> = {}) {
  const time = new VirtualTime()
  const phone = new Phone({ time, network, domains: [origin], ...options })
  return { time, phone, app: phone.start(script) as App }
}

test('the engine has the language and nothing of the web, and makes no code from strings', () => {
  const probe = new Script(`
    const names = ['fetch', 'URL', 'AbortController', 'TextEncoder', 'crypto', 'process', 'Buffer', 'queueMicrotask',
      'structuredClone', 'XMLHttpRequest', 'WebAssembly', 'performance', 'window', 'require']
    let refused = ''
    try { new Function('return 1') } catch (error) { refused = error.name }
    globalThis.app = { found: names.filter((name) => typeof globalThis[name] !== 'undefined'), refused }
  `)
  const phone = new Phone({ time: new VirtualTime(), network: fine, domains: [] })
  const { found, refused } = phone.start(probe) as { found: string[]; refused: string }
  assert.deepEqual([...found], [])
  assert.equal(refused, 'EvalError')
})

test('what callbacks are given is of the engine itself: instanceof holds', async () => {
  const time = new VirtualTime()
  const phone = new Phone({ time, network: fine, domains: [origin] })
  const app = phone.start(
    new Script(`
      globalThis.app = { seen: '' }
      wx.request({ url: '${origin}/', responseType: 'arraybuffer', success: ({ data, header }) => {
        app.seen = [data instanceof ArrayBuffer, data.byteLength, header instanceof Object].join(' ')
      } })
    `),
  ) as { seen: string }
  await time.advance(100)
  assert.equal(app.seen, 'true 11 true')
})

test('clock, timers and chance are the phone’s, and the same with the same seed', async () => {
  const life = async (seed: number): Promise<string> => {
    const time = new VirtualTime()
    const phone = new Phone({ time, network: fine, domains: [], seed })
    const app = phone.start(
      new Script(`
        globalThis.app = { seen: [Math.random(), Date.now(), new Date().getTime(), new Date(5).getTime()] }
        const interval = setInterval((more) => {
          app.seen.push(Date.now(), more)
          if (app.seen.length > 7) clearInterval(interval)
        }, 1000, 9)
      `),
    ) as { seen: number[] }
    await time.advance(1_500)
    phone.turnClock(-3_600_000)
    await time.advance(10_000)
    assert.equal(time.pending, 0)
    return app.seen.join(' ')
  }
  assert.equal(await life(3), await life(3))
  assert.notEqual(await life(3), await life(4))
  const [, at, same, five, first, , second] = (await life(3)).split(' ').map(Number)
  assert.equal(at, same)
  assert.equal(five, 5)
  assert.equal(first! - at!, 1_000)
  assert.equal(second! - first!, 1_000 - 3_600_000)
})

test('ten requests are under way, the others wait in order of arrival', async () => {
  const { time, phone, app } = phoneWith()
  for (let n = 1; n <= 12; n++) app.ask({ name: `n${n}` })
  await time.advance(50)
  assert.equal(app.told.length, 10)
  await time.advance(50)
  assert.deepEqual([...app.told.slice(10)], ['n11 200 object', 'n12 200 object'])
  assert.equal(phone.requests, 12)
})

const failures: readonly (readonly [why: string, network: WxNetwork, options: object, told: string])[] = [
  [
    'an unlisted domain',
    fine,
    { url: 'https://b.example/' },
    'call 600002 request:fail url not in domain list',
  ],
  ['another port', fine, { url: `${origin}:8443/` }, 'call 600002 request:fail url not in domain list'],
  ['plain http', fine, { url: 'http://a.example/' }, 'call 600002 request:fail url not in domain list'],
  ['PATCH', fine, { method: 'PATCH' }, 'call 600009 request:fail invalid method'],
  ['no URL', fine, { url: '/items' }, 'call 600009 request:fail invalid url'],
  ['a silent server', () => ({ fails: 'silence' }), { timeout: 700 }, 'call 5 request:fail timeout'],
  ['more than a minute', () => ({ fails: 'silence' }), { timeout: 90_000 }, 'call 5 request:fail timeout'],
  [
    'a name that is not found',
    () => ({ afterMs: 10, fails: 'dns' }),
    {},
    'call 600001 request:fail errcode:-105 cronet_error_code:-105 error_msg:net::ERR_NAME_NOT_RESOLVED',
  ],
  ['any status', () => ({ afterMs: 10, status: 500, body: '' }), {}, 'call 500 string'],
  ['a page', () => ({ afterMs: 10, status: 200, body: '<html>' }), {}, 'call 200 string'],
]

for (const [why, network, options, told] of failures) {
  test(`the platform's answer to ${why}`, async () => {
    const { time, app } = phoneWith(network)
    app.ask(options)
    await time.advance(60_000)
    assert.deepEqual([...app.told], [told])
  })
}

test('an aborted request says so once, and its place is free', async () => {
  const { time, app } = phoneWith()
  const task = app.ask()
  task.abort()
  task.abort()
  await time.advance(100)
  assert.deepEqual([...app.told], ['call 0 request:fail abort'])
})

test('in the background requests end after five seconds, timers stand still, and go on in the foreground', async () => {
  const time = new VirtualTime()
  const phone = new Phone({ time, network: () => ({ fails: 'silence' }), domains: [origin] })
  const app = phone.start(
    new Script(`
      globalThis.app = { told: [] }
      wx.onAppShow(() => app.told.push('show'))
      wx.onAppHide(() => app.told.push('hide'))
      wx.request({ url: '${origin}/', fail: ({ errno }) => app.told.push(errno) })
      setTimeout(() => {
        app.told.push('timer')
        wx.request({ url: '${origin}/', timeout: 100, fail: ({ errno }) => app.told.push(errno) })
      }, 8000)
    `),
  ) as { told: string[] }
  phone.hide()
  await time.advance(60_000)
  assert.deepEqual([...app.told], ['hide', 600003])
  phone.show()
  await time.advance(1_000)
  assert.deepEqual([...app.told], ['hide', 600003, 'show', 'timer', 5])
})

test('a switch of networks ends everything, without a network everything fails at once, and the program is told', async () => {
  const { time, phone, app } = phoneWith(() => ({ fails: 'silence' }))
  for (let n = 0; n < 12; n++) app.ask()
  phone.setNetwork('4g')
  await time.advance(0)
  assert.equal(app.told.filter((each) => each.includes('10011')).length, 12)
  phone.setNetwork('none')
  app.ask()
  await time.advance(1)
  assert.match(app.told.at(-1)!, /^call 600001 .*ERR_INTERNET_DISCONNECTED/)
})

test('a killed process hears nothing more, and its storage keeps what was written', async () => {
  const writer = new Script(`
    globalThis.app = { done: [] }
    wx.setStorage({ key: 'a', data: { n: 1 }, success: () => {
      app.done.push('a')
      for (const key of ['b', 'c', 'd', 'e']) wx.setStorage({ key, data: key, success: () => app.done.push(key) })
    } })
    setInterval(() => app.done.push('tick'), 1000)
  `)
  const kept = new Set<string>()
  for (let seed = 1; seed <= 8; seed++) {
    const time = new VirtualTime()
    const phone = new Phone({ time, network: fine, domains: [], seed })
    const app = phone.start(writer) as { done: string[] }
    await time.advance(10)
    phone.kill()
    await time.advance(10_000)
    assert.deepEqual([...app.done], ['a'])
    assert.equal(time.pending, 0)
    assert.deepEqual(phone.storage.values.get('a'), { n: 1 })
    kept.add([...phone.storage.values.keys()].join(''))
  }
  assert.ok(kept.size > 1, 'writes that were under way sometimes arrived and sometimes did not')
})

test('storage refuses more than 1 MB a key and 10 MB together, may fail or throw, and counts calls that stop the page', async () => {
  const { time, phone } = phoneWith()
  phone.kill()
  const app = phone.start(
    new Script(`
      const app = (globalThis.app = { told: [], read: wx.getStorageSync('nothing') })
      const set = (key, length) => wx.setStorage({ key, data: 'x'.repeat(length),
        success: () => app.told.push(key), fail: ({ errMsg }) => app.told.push(errMsg) })
      set('big', 1100000)
      for (let n = 0; n < 11; n++) set('k' + n, 1000000)
    `),
  ) as { told: string[]; read: unknown }
  await time.advance(100)
  assert.equal(app.read, '')
  assert.equal(app.told[0], 'setStorage:fail entry size limit reached')
  assert.equal(app.told.at(-1), 'setStorage:fail exceed storage max size')
  assert.equal(phone.storage.values.size, 10)
  assert.equal(phone.storage.syncCalls, 1)
})

test('a login code is good once, for five minutes', async () => {
  const time = new VirtualTime()
  const phone = new Phone({ time, network: fine, domains: [] })
  const app = phone.start(
    new Script(`
      globalThis.app = { codes: [] }
      for (let n = 0; n < 2; n++) wx.login({ success: ({ code }) => app.codes.push(code) })
    `),
  ) as { codes: string[] }
  await time.advance(10)
  const [first, second] = app.codes
  assert.equal(phone.logins.use(first!, time.now()), true)
  assert.equal(phone.logins.use(first!, time.now()), false)
  assert.equal(phone.logins.use(second!, time.now() + 300_000), false)
})

test('with promises of iOS 15 what follows one runs behind a timer that is due', async () => {
  const order = async (promises: 'native' | 'macrotask'): Promise<string> => {
    const time = new VirtualTime()
    const phone = new Phone({ time, network: fine, domains: [], promises })
    const app = phone.start(
      new Script(`
        globalThis.app = { order: [] }
        setTimeout(() => app.order.push('timer'), 0)
        Promise.resolve().then(() => app.order.push('promise'))
        Promise.all([1, Promise.resolve(2)]).then((all) => app.order.push(all.join('')))
        Promise.reject(new Error('x')).catch(() => app.order.push('caught')).finally(() => app.order.push('finally'))
      `),
    ) as { order: string[] }
    await time.advance(10)
    return app.order.join(' ')
  }
  assert.match(await order('native'), /timer$/)
  assert.match(await order('macrotask'), /^timer promise/)
  assert.equal((await order('macrotask')).split(' ').length, 5)
})

test('the simulated link: a good one loses nothing, one of 64 % loses what it says, half of it behind the server', async () => {
  const time = new VirtualTime()
  let served = 0
  const server = new SimulatedServer(time, { origin, serve: () => ({ status: 200, body: `${++served}` }) })
  const ask = async (success: number): Promise<{ answered: number; served: number }> => {
    const phone = new Phone({
      time,
      network: new SimulatedLink(time, new SeededDraws(5), [server], { success }),
      domains: [origin],
    })
    const app = phone.start(script) as App
    served = 0
    for (let n = 0; n < 1_000; n++) {
      app.ask({ timeout: 1_000 })
      if (n % 10 === 9) await time.advance(1_000)
    }
    return { answered: app.told.filter((told) => told.startsWith('call 200')).length, served }
  }
  assert.deepEqual(await ask(1), { answered: 1_000, served: 1_000 })
  const weak = await ask(0.64)
  assert.ok(weak.answered > 600 && weak.answered < 680, `${weak.answered}`)
  assert.ok(weak.served > 780 && weak.served < 860, `${weak.served}`)
})

test('a server that is lost loses what it works on; one that is full lets wait, then says 503', async () => {
  const time = new VirtualTime()
  const serve = (): { status: number } => ({ status: 204 })
  const server = new SimulatedServer(time, { origin, serve, workMs: 100, slots: 1, queueMax: 1 })
  const told: string[] = []
  const request = { method: 'GET', path: '/', header: {}, body: '' }
  const ask = (name: string): void =>
    server.take(request, ({ status }) => void told.push(`${name} ${status} ${time.now()}`))
  for (const name of ['a', 'b', 'c']) ask(name)
  await time.advance(200)
  assert.deepEqual(told, ['c 503 0', 'a 204 100', 'b 204 200'])
  ask('d')
  server.condition = 'silent'
  await time.advance(1_000)
  assert.equal(told.length, 3)
  assert.equal(server.arrivals.length, 4)
})
