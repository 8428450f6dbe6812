import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { freePort } from '@budao/testkit'
import type { Hello, Question } from './frames.ts'
import { Links } from './links.ts'
import type { LinkWorld } from './peer-link.ts'

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Two nodes that know each other, and what they were told. */
class Pair {
  readonly ports: Record<string, number> = {}
  readonly told: string[] = []
  readonly questions: Question[] = []
  serves = true
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
  }

  async open(node: string, { start = '1', secret = 'the same secret', domain = node } = {}): Promise<Links> {
    for (const name of ['east', 'west']) this.ports[name] ??= await freePort()
    const say = (what: string): void => void this.told.push(`${node}: ${what}`)
    const world: LinkWorld = {
      self: { node, site: node, domain, start, roles: ['observer', 'controller'], admin: null },
      secret,
      now: () => performance.now(),
      random: { next: () => Math.random() },
      serves: () => this.serves,
      question: async (_from: Hello, question) => {
        this.questions.push(question)
        return question.kind === 'plain' ? null : undefined
      },
      opinions: (from) => say(`opinions of ${from.node}`),
      opened: (peer) => say(`up ${peer.node} ${peer.start}`),
      ended: (peer, cause, _why, leaves) => say(`down ${peer.node} ${leaves ? 'leaves' : String(cause)}`),
      echoed: () => undefined,
      refused: (peer, why) => say(`refused ${peer} ${why}`),
    }
    const other = node === 'east' ? 'west' : 'east'
    const address = { node: other, host: '127.0.0.1', port: this.ports[other]!, domain: other, site: other }
    const links = await Links.open({ host: '127.0.0.1', port: this.ports[node]! }, [address], 50, world)
    this.#t.after(() => links.close())
    return links
  }

  async both(): Promise<[Links, Links]> {
    const links: [Links, Links] = [await this.open('east'), await this.open('west')]
    await until('both are up', () => links.every((each) => [...each.connected()].length === 1))
    await until('beats are answered', () =>
      [links[0].report('west'), links[1].report('east')].every((report) => report!.answeredMs !== null),
    )
    return links
  }
}

test('one link a pair, whoever dials first; questions are answered, or are late', async (t) => {
  const pair = new Pair(t)
  const [east, west] = await pair.both()
  assert.deepEqual(await east.ask('west', { kind: 'plain' }, 5_000), { kind: 'answer', answer: null })
  assert.equal((await west.ask('east', place, 20)).kind, 'timeout')
  assert.equal((await west.ask('nobody', place, 20)).kind, 'gone')
  assert.equal(await east.probe('west', 5_000), 'answered')
  west.tellAll({ t: 'opinions', opinions: [], positions: [], standbys: [] })
  await until('it is heard', () => pair.told.includes('east: opinions of west'))
  // Two connections at the beginning end as one, and nothing is concluded from the other’s end.
  assert.ok(!pair.told.some((line) => /closed|reset/.test(line)))
})

test('who does not serve is silent, though connected; its end is evidence, its good-bye says so', async (t) => {
  const pair = new Pair(t)
  const [east, west] = await pair.both()
  pair.serves = false
  await until('silent', () => east.report('west')!.link === 'silent')
  assert.equal(await east.probe('west', 30), 'failed')
  pair.serves = true
  await west.close()
  await until('it left', () => pair.told.includes('east: down west leaves'))
  assert.equal(await east.probe('west', 5_000), 'refused')
  await pair.open('west', { start: '2' })
  await until('it is back', () => pair.told.includes('east: up west 2'))
})

test('a wrong token and a wrong domain are said on both sides, and it is tried again', async (t) => {
  const pair = new Pair(t)
  const east = await pair.open('east')
  const wrong = await pair.open('west', { secret: 'another secret' })
  await until(
    'refused',
    () => east.report('west')!.link === 'refused' && wrong.report('east')!.link === 'refused',
  )
  assert.match(east.report('west')!.why, /another token/)
  await wrong.close()
  const astray = await pair.open('west', { domain: 'moon' })
  await until('refused', () => /stands at moon/.test(astray.report('east')!.why))
  await astray.close()
  await pair.open('west')
  await until('up', () => east.report('west')!.link === 'up')
})

test('who listens on the way reads neither names nor questions', async (t) => {
  const pair = new Pair(t)
  const [eastPort, westPort] = [await freePort(), await freePort()]
  const seen: Buffer[] = []
  const between = createServer((near) => {
    const far = connect(eastPort, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('data', (bytes: Buffer) => void (seen.push(bytes), other.write(bytes)))
      one.on('close', () => other.destroy())
      one.on('error', () => undefined)
    }
  })
  between.listen(0, '127.0.0.1')
  await once(between, 'listening')
  t.after(() => between.close())
  // West reaches east only past the listener, and east reaches west nowhere.
  pair.ports['east'] = eastPort
  pair.ports['west'] = await freePort()
  await pair.open('east')
  pair.ports['east'] = (between.address() as { port: number }).port
  pair.ports['west'] = westPort
  const west = await pair.open('west')
  await until('up', () => west.report('east')!.link === 'up')
  assert.equal((await west.ask('east', place, 100)).kind, 'timeout')
  assert.equal(pair.questions.length, 1)
  const read = Buffer.concat(seen).toString('latin1')
  assert.ok(read.length > 500)
  for (const word of ['east', 'west', 'shop', 'hello', 'placement']) assert.ok(!read.includes(word), word)
})

test('a cut loses what it says in its direction, makes nobody surely gone, and ends by itself', async (t) => {
  const pair = new Pair(t)
  const [east, west] = await pair.both()
  const heard = (node: string): number =>
    pair.told.filter((line) => line.startsWith(`${node}: opinions`)).length
  const tell = async (links: Links, at: string): Promise<void> => {
    links.tellAll({ t: 'opinions', opinions: [], positions: [], standbys: [] })
    await until('it is heard', () => heard(at) > 0)
  }
  // East is deaf: it hears nothing, and is heard.
  east.gate.close({ lost: 'heard', store: false, forMs: 60_000 })
  west.tellAll({ t: 'opinions', opinions: [], positions: [], standbys: [] })
  assert.equal(await west.probe('east', 50), 'failed')
  await tell(east, 'west')
  assert.equal(heard('east'), 0)
  // Nobody hears it: it hears others.
  east.gate.close({ lost: 'said', nodes: ['west'], store: false, forMs: 60_000 })
  assert.equal(await west.probe('east', 50), 'failed')
  await tell(west, 'east')
  // Longer than a silent link is kept: both give it up, and neither takes the other for dead.
  east.gate.close({ lost: 'all', store: false, forMs: 60_000 })
  await until('both have given it up', () =>
    [east.report('west')!, west.report('east')!].every(({ link }) => link === 'down'),
  )
  assert.equal(await west.probe('east', 100), 'failed')
  await until('it says why', () => /cut off by a drill/.test(east.report('west')!.why))
  assert.ok(!pair.told.some((line) => /down \w+ (closed|reset|leaves)/.test(line)), pair.told.join('\n'))
  // The time is over.
  east.gate.close({ lost: 'all', store: false, forMs: 20 })
  await until('they are back', () =>
    [east.report('west')!, west.report('east')!].every(({ link }) => link === 'up'),
  )
  assert.equal(east.gate.leftMs, 0)
})

test('strangers that say nothing, too much, or nonsense are sent away; many cost no more than some', async (t) => {
  const pair = new Pair(t)
  const [east] = await pair.both()
  const dial = async (bytes: string): Promise<Socket> => {
    const socket = connect(pair.ports['east']!, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'connect')
    socket.write(bytes)
    return socket
  }
  const long = await dial('x'.repeat(100_000))
  const noise = await dial('{"t":"beat","n":1}\n')
  // The beginning of TLS, and then nothing; a whole client of TLS that has no key.
  const half = await dial('\x16\x03\x01\x02\x00')
  const keyless = connectTls({ port: pair.ports['east']!, host: '127.0.0.1', rejectUnauthorized: false })
  keyless.on('error', () => undefined)
  keyless.on('secureConnect', () => assert.fail('a connection without the key came about'))
  await until('all are sent away', () => long.closed && noise.closed && half.closed && keyless.closed)
  const many = await Promise.all(Array.from({ length: 100 }, () => dial('')))
  await until('the crowd is sent away', () => many.filter(({ closed }) => closed).length >= 36)
  assert.equal(east.report('west')!.link, 'up')
  await until('all are', () => many.every(({ closed }) => closed))
  assert.equal(east.report('west')!.link, 'up')
})

const place = {
  kind: 'place',
  placement: { unit: 'shop', service: 'shop', epoch: 1, owner: 'east', readers: ['east'] },
} as const
