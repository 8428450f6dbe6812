import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { SeededRandom } from '@budao/resilience'
import packet from 'dns-packet'
import { Cookies } from './cookies.ts'
import { DnsCounts } from './dns-counts.ts'
import { ClientPlaces } from './client-places.ts'
import { NetworkSet } from './network-set.ts'
import { Responder } from './responder.ts'
import { question, source, testGslb, TestSites } from './test-gslb.test.ts'
import { ZoneBook } from './zone-book.ts'

const ROUNDS = 20_000
const zone = `      records:
        - { name: "@", type: TXT, value: "${'t'.repeat(700)}" }
        - { name: "*.wild", type: A, value: 203.0.113.9 }
      names:
        api: { services: [shop], policy: nearest }
        all: { services: [shop], policy: all-active }
        drawn: { services: [shop], policy: weighted, sticky: 0s }`

function responder(counts: DnsCounts): Responder {
  const { gslb, sites } = source({ zone })
  const book = new ZoneBook(gslb, sites, 1)
  for (const name of book.followed) name.observe(new TestSites(), 0)
  return new Responder(
    {
      config: gslb,
      book,
      places: new ClientPlaces(gslb.sites, null),
      rate: null,
      exempt: new NetworkSet([]),
    },
    {
      counts,
      cookies: new Cookies(new Uint8Array(32)),
      random: new SeededRandom(1),
      now: () => 0,
      wallNow: () => 0,
      onFailure(error) {
        throw error
      },
    },
  )
}

/** Honest questions to begin with. */
function seeds(): Buffer[] {
  const names = [
    'api.shop.example',
    'ALL.shop.example',
    'drawn.shop.example',
    'x.wild.shop.example',
    'no.shop.example',
    'shop.example',
    'else.test',
    '.',
  ]
  const types = ['A', 'AAAA', 'TXT', 'SOA', 'NS', 'ANY', 'AXFR', 'CAA']
  const subnet = { code: 8, data: Buffer.from([0, 1, 24, 0, 10, 1, 2]) }
  const cookie = { code: 10, data: Buffer.from('12345678') }
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4_096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [subnet, cookie],
  }
  return names.flatMap((name) =>
    types.flatMap((type) => [question(name, type), question(name, type, { additionals: [opt as never] })]),
  )
}

/** One message made worse: bytes changed, cut off, added, moved, repeated. */
function mutate(random: SeededRandom, message: Buffer): Buffer {
  const pick = (below: number): number => Math.floor(random.next() * below)
  let bytes = Buffer.from(message)
  for (let change = 0; change <= pick(4); change++) {
    const at = pick(bytes.length + 1)
    switch (pick(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = pick(256)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([pick(256), pick(256)]),
          bytes.subarray(at),
        ])
        break
      case 3:
        if (at < bytes.length) bytes[at] = [0, 0xc0, 0xff, 0x3f, 0x40][pick(5)]!
        break
      case 4:
        bytes = Buffer.concat([bytes, bytes.subarray(at)])
        break
      case 5:
        if (bytes.length >= 12) bytes.writeUInt16BE([0, 1, 2, 0xffff][pick(4)]!, 4 + 2 * pick(4))
    }
  }
  return bytes
}

test('whatever comes is answered with a message that can be read and is not too long, or not at all', () => {
  const random = new SeededRandom(20_261_126)
  const counts = new DnsCounts()
  const subject = responder(counts)
  const honest = seeds()
  for (let round = 0; round < ROUNDS; round++) {
    const from = honest[Math.floor(random.next() * honest.length)]!
    const message =
      round % 10 === 0
        ? Buffer.from(
            Array.from({ length: Math.floor(random.next() * 600) }, () => Math.floor(random.next() * 256)),
          )
        : mutate(random, from)
    const over = round % 3 === 0 ? 'tcp' : 'udp'
    const answer = subject.respond(message, '192.0.2.7', over)
    if (answer === null) continue
    assert.ok(over === 'tcp' || answer.length <= 1_232, `${answer.length} bytes`)
    assert.equal(answer.readUInt16BE(0), message.readUInt16BE(0))
    assert.equal(answer[2]! & 0x80, 0x80)
    assert.equal(answer[3]! & 0x80, 0, 'recursion is not available')
    const read = packet.decode(answer)
    assert.equal(packet.decode.bytes, answer.length, message.toString('hex'))
    assert.ok(read.answers!.length <= 3)
  }
  const { answers, queries, ignored } = counts
  assert.equal(queries.udp + queries.tcp + ignored, ROUNDS)
  for (const code of ['NOERROR', 'FORMERR', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'BADVERS'] as const)
    assert.ok(answers[code] > 0, `${code} never came`)
  assert.equal(answers.SERVFAIL, 0)
})

test('a server that gets garbage by the thousand answers the next honest question, and holds no more memory', async (t) => {
  const { port } = await testGslb(t, { gslb: '  rateLimit: false', zone })
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const random = new SeededRandom(7)
  const honest = seeds()
  const flood = async (messages: number): Promise<void> => {
    for (let n = 0; n < messages; n++) {
      socket.send(mutate(random, honest[n % honest.length]!), port, '127.0.0.1')
      // The sender's own queue must not be what grows.
      if (n % 200 === 0) await new Promise(setImmediate)
    }
    const answered = once(socket, 'message')
    const asking = setInterval(
      () => socket.send(question('api.shop.example', 'A', { id: 99 }), port, '127.0.0.1'),
      50,
    )
    const onMessage = async (): Promise<void> => {
      for (let message = (await answered)[0] as Buffer; message.readUInt16BE(0) !== 99;)
        [message] = (await once(socket, 'message')) as [Buffer]
    }
    await onMessage()
    clearInterval(asking)
  }
  await flood(5_000)
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  await flood(20_000)
  globalThis.gc?.()
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 32 * 1_048_576, `${Math.round(grown / 1_048_576)} MiB more`)
})
