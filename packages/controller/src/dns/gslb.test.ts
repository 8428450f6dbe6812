import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from 'dns-packet'
import { ControllerError } from '../controller-error.ts'
import { Gslb } from './gslb.ts'
import { question, read, source, testGslb, TestSites, type ReadAnswer } from './test-gslb.test.ts'

/** Asks over UDP and waits for the answer. */
async function ask(t: TestContext, port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  socket.send(message, port, '127.0.0.1')
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer]
  return answer
}

const addresses = ({ answers = [] }: ReadAnswer): unknown[] =>
  answers.map((answer) => ('data' in answer ? answer.data : null))
const ttl = ({ answers = [] }: ReadAnswer): number | undefined => (answers[0] as { ttl?: number }).ttl

function withOption(code: number, data: Buffer): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1_232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [{ code, data }] as never[],
  } as Answer
}

const optionOf = (answer: ReadAnswer, code: number): Buffer | undefined => {
  const [opt] = answer.additionals ?? []
  if (opt?.type !== 'OPT') return undefined
  return (opt.options as { code: number; data: Buffer }[]).find((each) => each.code === code)?.data
}

test('the name comes back as it was written: who mixes its case recognizes the answer', async (t) => {
  const { port } = await testGslb(t)
  const answer = await ask(t, port, question('aPI.sHOP.exAMPle', 'A'))
  assert.equal(read(answer).questions![0]!.name, 'aPI.sHOP.exAMPle')
  assert.deepEqual(addresses(read(answer)), ['192.0.2.1'])
})

test('a verdict is in the next answer, and what changed is an event', async (t) => {
  const { port, sites, events } = await testGslb(t)
  sites.set('east', 'down')
  assert.deepEqual(addresses(read(await ask(t, port, question('api.shop.example', 'A')))), ['198.51.100.1'])
  assert.deepEqual(events, [
    {
      kind: 'gslb.changed',
      severity: 'warning',
      subject: 'api.shop.example',
      message: 'api.shop.example is answered with west instead of east, west.',
      evidence: {
        policy: 'failover',
        before: 'east, west',
        after: 'west',
        by: 'in',
        sites: 'east down, west in',
      },
    },
  ])
})

test('a site that is back waits for returnAfter; with nothing better it does not', async (t) => {
  const zone = `      names: { api: { services: [shop], returnAfter: 300ms, ttl: { min: 1s, max: 9s } } }`
  const { port, sites, gslb } = await testGslb(t, { zone })
  const now = async (): Promise<unknown[]> =>
    addresses(read(await ask(t, port, question('api.shop.example', 'A'))))
  sites.set('east', 'down')
  sites.set('east', 'serving')
  assert.equal(gslb.report().names[0]!.sites[0]!.standing, 'returning')
  assert.deepEqual(await now(), ['198.51.100.1'])
  while ((await now())[0] !== '192.0.2.1') await pause(20)
  sites.set('east', 'down')
  sites.set('west', 'down')
  sites.set('west', 'serving')
  assert.equal(gslb.report().names[0]!.by, 'returning')
  assert.deepEqual(await now(), ['198.51.100.1'])
})

test('with all sites down the last good answer stays, says so, and is an event', async (t) => {
  const { port, sites, events, gslb } = await testGslb(t)
  sites.set('east', 'down')
  sites.set('west', 'down')
  const answer = read(
    await ask(t, port, question('api.shop.example', 'A', { additionals: [withOption(12, Buffer.alloc(0))] })),
  )
  assert.deepEqual(addresses(answer), ['198.51.100.1'])
  assert.equal(ttl(answer), 5)
  assert.equal(optionOf(answer, 15)?.readUInt16BE(0), 3)
  assert.deepEqual(
    events.map(({ kind, severity }) => `${kind} ${severity}`),
    ['gslb.changed warning', 'gslb.last-good critical'],
  )
  assert.equal(gslb.report().names[0]!.by, 'last-good')
  assert.match(gslb.metrics(), /budao_dns_name_stale\{name="api\.shop\.example"\} 1\n/)
  assert.match(gslb.metrics(), /budao_dns_stale_answers_total 1\n/)
})

test('what is being drained is answered with only when all else is down', async (t) => {
  const { port, sites } = await testGslb(t)
  const now = async (): Promise<unknown[]> =>
    addresses(read(await ask(t, port, question('api.shop.example', 'A'))))
  sites.set('east', 'draining')
  assert.deepEqual(await now(), ['198.51.100.1'])
  sites.set('west', 'down')
  assert.deepEqual(await now(), ['192.0.2.1'])
})

test('a site serves a name as far as it serves all its services', async (t) => {
  const sites = new TestSites()
  const { gslb } = source()
  const api = { ...gslb.zones['shop.example']!.names['api']!, services: ['shop', 'pay'] }
  const zones = { 'shop.example': { ...gslb.zones['shop.example']!, names: { api } } }
  const server = await Gslb.start(
    { sites: source().sites, gslb: { ...gslb, zones } },
    {
      states: sites,
      traffic: () => ({ site: 'east', requestsPerSecond: 0 }),
      baseDir: '.',
      report() {},
      warn() {},
    },
  )
  t.after(() => server.close())
  sites.set('east', 'down', {}, 'pay')
  assert.deepEqual(server.explain('api.shop.example', '192.0.2.9')?.sites, ['west'])
})

test('a time to live is short after a change and while something is suspect', async (t) => {
  const { port, sites } = await testGslb(t, {
    zone: '      names: { api: { services: [shop], ttl: { min: 2s, max: 40s } } }',
  })
  const now = async (): Promise<number | undefined> =>
    ttl(read(await ask(t, port, question('api.shop.example', 'A'))))
  assert.equal(await now(), 2)
  sites.set('west', 'serving', { suspect: true })
  assert.equal(await now(), 2)
})

test('beyond the rate answers are dropped or say to come by TCP; who shows our cookie is not counted', async (t) => {
  const { port, gslb } = await testGslb(t, { gslb: '  rateLimit: { perSecond: 5, slip: 2 }' })
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const answers: ReadAnswer[] = []
  socket.on('message', (message) => answers.push(read(message)))
  const clientPart = Buffer.from('12345678')
  const first = read(
    await ask(t, port, question('api.shop.example', 'A', { additionals: [withOption(10, clientPart)] })),
  )
  const cookie = optionOf(first, 10)!
  assert.equal(cookie.length, 24)
  assert.deepEqual(cookie.subarray(0, 8), clientPart)
  for (let n = 0; n < 40; n++) socket.send(question('api.shop.example', 'A'), port, '127.0.0.1')
  const limited = /budao_dns_limited_total\{action="drop"\} [1-9]/
  while (!limited.test(gslb.metrics()) || !answers.some(({ flag_tc }) => flag_tc)) await pause(5)
  assert.ok(answers.filter(({ flag_tc }) => flag_tc).every((answer) => addresses(answer).length === 0))
  const known = question('api.shop.example', 'A', { additionals: [withOption(10, cookie)] })
  for (let n = 0; n < 20; n++) assert.equal(read(await ask(t, port, known)).flag_tc, false)
  // A cookie of somebody else is no cookie.
  const forged = Buffer.from(cookie)
  forged[20]! ^= 1
  const strange = question('api.shop.example', 'A', { additionals: [withOption(10, forged)] })
  const before = answers.length
  for (let n = 0; n < 40; n++) socket.send(strange, port, '127.0.0.1')
  while (!answers.slice(before).some(({ flag_tc }) => flag_tc)) await pause(5)
})

test('networks that are exempt are not counted', async (t) => {
  const { port } = await testGslb(t, {
    gslb: '  rateLimit: { perSecond: 1, slip: 0, exempt: [127.0.0.0/8] }',
  })
  for (let n = 0; n < 10; n++) await ask(t, port, question('api.shop.example', 'A'))
})

/** A connection, and its answers. */
async function connection(t: TestContext, port: number) {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  const answers: Buffer[] = []
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      answers.push(rest.subarray(2, 2 + rest.readUInt16BE(0)))
      rest = rest.subarray(2 + rest.readUInt16BE(0))
    }
  })
  return { socket, answers }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** By a reset, too: `once` would take that for a failure. */
async function ended(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  const closed = Promise.withResolvers<void>()
  socket.once('close', () => closed.resolve())
  await Promise.race([
    closed.promise,
    pause(10_000, undefined, { ref: false }).then(() => assert.fail('the connection was not ended')),
  ])
}

test('questions on one connection are answered in their order, however they are cut', async (t) => {
  const { port } = await testGslb(t)
  const { socket, answers } = await connection(t, port)
  const ids = Array.from({ length: 50 }, (_, index) => index)
  const bytes = Buffer.concat(ids.map((id) => framed(question('api.shop.example', 'A', { id }))))
  for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7))
  while (answers.length < ids.length) await pause(5)
  assert.deepEqual(
    answers.map((answer) => answer.readUInt16BE(0)),
    ids,
  )
})

test('a connection is ended: idle, with a question that never ends, with what is none, beyond the limits', async (t) => {
  const { port, gslb } = await testGslb(t, { gslb: '  tcp: { connections: 4, perClient: 3, idle: 300ms }' })
  const idle = await connection(t, port)
  const dripping = await connection(t, port)
  const drip = setInterval(() => dripping.socket.write(Buffer.from([0])), 50)
  t.after(() => clearInterval(drip))
  dripping.socket.write(Buffer.from([1, 0]))
  await Promise.all([ended(idle.socket), ended(dripping.socket)])
  const answering = await connection(t, port)
  answering.socket.write(framed(Buffer.from(question('api.shop.example', 'A')).fill(0x81, 2, 3)))
  const huge = await connection(t, port)
  huge.socket.write(Buffer.from([0xff, 0xff, 0]))
  await Promise.all([ended(answering.socket), ended(huge.socket)])
  const many = await Promise.all([1, 2, 3, 4].map(() => connection(t, port)))
  await Promise.race(many.map(({ socket }) => ended(socket)))
  assert.match(gslb.metrics(), /budao_dns_connections_refused_total 3\n/)
})

test('who asks over TCP and does not read is not read from', async (t) => {
  const zone = `      records: [{ name: long, type: TXT, value: "${'z'.repeat(4_000)}" }]`
  const { port, gslb } = await testGslb(t, { zone, gslb: '  tcp: { idle: 20s }' })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  const message = framed(question('long.shop.example', 'TXT'))
  const asked = 20_000
  for (let n = 0; n < asked; n++) socket.write(message)
  const count = (): number => Number(/queries_total\{transport="tcp"\} (\d+)/.exec(gslb.metrics())![1])
  let before = -1
  while (count() === 0 || count() !== before) {
    before = count()
    await pause(100)
  }
  assert.ok(before < asked, `${before} of ${asked} were answered to nobody`)
  socket.resume()
  while (count() < asked) await pause(20)
})

test('a changed configuration keeps what is known of the sites', async (t) => {
  const { port, sites, gslb, events } = await testGslb(t)
  sites.set('east', 'down')
  sites.set('east', 'serving')
  const zone = `      records: [{ name: new, type: A, value: 203.0.113.5 }]
      names: { api: { services: [shop] }, more: { services: [shop] } }`
  const commit = await gslb.prepare(source({ zone }))
  assert.equal(read(await ask(t, port, question('new.shop.example', 'A'))).rcode, 'NXDOMAIN')
  commit()
  assert.deepEqual(addresses(read(await ask(t, port, question('new.shop.example', 'A')))), ['203.0.113.5'])
  assert.deepEqual(
    gslb.report().names.map(({ name, sites: [east] }) => `${name} ${east!.standing}`),
    ['api.shop.example returning', 'more.shop.example in'],
  )
  assert.equal(events.length, 1)
})

test('requests that still come to a site out of all answers are counted against those before', async (t) => {
  const { gslb, sites, traffic } = await testGslb(t)
  traffic.requestsPerSecond = 200
  assert.equal(gslb.report().withdrawn, null)
  sites.set('east', 'draining')
  traffic.requestsPerSecond = 30
  const { withdrawn } = gslb.report()
  assert.deepEqual(
    { ...withdrawn, sinceMs: 0 },
    { site: 'east', sinceMs: 0, requestsPerSecond: 30, share: 0.15 },
  )
  assert.match(gslb.metrics(), /budao_dns_withdrawn_share\{site="east"\} 0\.15\n/)
  sites.set('east', 'serving')
  assert.equal(gslb.report().withdrawn, null)
})

test('a site that no name is ever answered with is not out of the answers', async (t) => {
  const { gslb } = await testGslb(t, { zone: '      names: { api: { services: [shop], sites: [west] } }' })
  assert.equal(gslb.report().withdrawn, null)
})

test('an address that is taken is refused with what to do', async (t) => {
  const { address } = await testGslb(t)
  const { gslb, sites } = source()
  const options = {
    states: new TestSites(),
    traffic: () => ({ site: 'east', requestsPerSecond: 0 }),
    baseDir: '.',
    report() {},
    warn() {},
  }
  await assert.rejects(Gslb.start({ sites, gslb: { ...gslb, listen: [address] } }, options), (error) => {
    assert.ok(error instanceof ControllerError)
    assert.equal(error.code, 'GSLB_ADDRESS_UNUSABLE')
    assert.match(
      error.message,
      /gslb\.listen: cannot listen on 127\.0\.0\.1:\d+ over UDP and TCP: something else/,
    )
    return true
  })
  await assert.rejects(
    Gslb.start({ sites, gslb: { ...gslb, geo: ['package.json'] } }, options),
    /GSLB_GEO_FILE|MMDB/,
  )
})

test('it listens on IPv6 too, and clients there have their network', async (t) => {
  const { gslb, sites } = source({
    gslb: '  rateLimit: false',
    zone: '      names: { api: { services: [shop], policy: nearest } }',
    sites: `    east: { addresses: [192.0.2.1] }
    west: { addresses: [198.51.100.1], networks: ["::1/128"] }
`,
  })
  const server = await Gslb.start(
    { sites, gslb: { ...gslb, listen: ['[::1]:0'] } },
    {
      states: new TestSites(),
      traffic: () => ({ site: 'east', requestsPerSecond: 0 }),
      baseDir: '.',
      report() {},
      warn() {},
    },
  )
  t.after(() => server.close())
  const [, port] = /^\[::1\]:(\d+)$/.exec(server.addresses[0]!)!
  const socket = createSocket('udp6')
  t.after(() => socket.close())
  socket.send(question('api.shop.example', 'A'), Number(port), '::1')
  const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer]
  assert.deepEqual(addresses(read(answer)), ['198.51.100.1'])
})
