import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { RawWriter } from './raw-writer.ts'

interface Pair {
  /** The writer's side. */
  readonly near: Socket
  /** The reader's side; reads nothing until it is told to. */
  readonly far: Socket
}

async function socketPair(t: TestContext): Promise<Pair> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const near = connect({ port: address.port, host: '127.0.0.1', noDelay: true })
  t.after(() => near.destroy())
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ]
  t.after(() => far.destroy())
  return { near, far }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.resume()
  await once(socket, 'end')
  return Buffer.concat(parts)
}

/** Unlike `once`, an error on the way is none. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

/** A socket that does not say that it has a handle: what Node would be whose handles are called otherwise. */
function withoutHandle(socket: Socket): Socket {
  return new Proxy(socket, {
    get(target, key) {
      if (key === '_handle') return undefined
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

for (const [name, dress] of [
  ['by the handle', (socket: Socket) => socket],
  ['by the stream', withoutHandle],
] as const) {
  test(`what is written arrives whole and in order, whatever the peer's pace (${name})`, async (t) => {
    const { near, far } = await socketPair(t)
    let drains = 0
    const drained = Promise.withResolvers<void>()
    const writer = new RawWriter(dress(near), () => {
      drains++
      drained.resolve()
    })
    const shared = Buffer.alloc(60_000)
    const expected: Buffer[] = []
    let flowing = true
    for (let round = 0; flowing && round < 2_000; round++) {
      const text = `head ${round} \xff`
      shared.fill(round & 255)
      expected.push(Buffer.from(text, 'latin1'), Buffer.from(shared.subarray(1, 59_000)))
      writer.text(text)
      flowing = writer.copy('', shared, 1, 59_000)
    }
    assert.equal(flowing, false, 'a peer that reads nothing is written to without end')
    assert.equal(writer.needsDrain, true)
    // A caller that does not wait loses nothing either, and later bytes stay behind earlier ones.
    const late = Buffer.from('late')
    for (const write of [() => writer.text('late'), () => writer.bytes(late)]) {
      expected.push(late)
      assert.equal(write(), false)
    }
    shared.fill(7)
    expected.push(Buffer.from('last '), Buffer.from(shared))
    assert.equal(writer.copy('last ', shared, 0, shared.length), false)
    shared.fill(0)
    assert.equal(drains, 0)

    const reading = readAll(far)
    await drained.promise
    near.end()
    const arrived = await reading
    assert.ok(arrived.equals(Buffer.concat(expected)), `${arrived.length} bytes, other than those written`)
    assert.equal(drains, 1)
    assert.equal(writer.needsDrain, false)
  })

  test(`head and bytes larger than the scratch arrive (${name})`, async (t) => {
    const { near, far } = await socketPair(t)
    const writer = new RawWriter(dress(near), () => {})
    const bytes = Buffer.alloc(300_000, 'x')
    writer.copy('head', bytes, 100_000, 300_000)
    near.end()
    assert.equal((await readAll(far)).toString(), `head${'x'.repeat(200_000)}`)
  })

  test(`a peer that resets ends the socket, also with bytes on their way (${name})`, async (t) => {
    const { near, far } = await socketPair(t)
    let drains = 0
    const writer = new RawWriter(dress(near), () => drains++)
    near.on('error', () => {})
    const bytes = Buffer.alloc(60_000)
    while (writer.bytes(bytes)) assert.equal(near.destroyed, false)
    far.resetAndDestroy()
    await closed(near)
    assert.equal(drains, 0)
  })

  test(`a write to a socket that was destroyed is an error, not a crash (${name})`, async (t) => {
    const { near } = await socketPair(t)
    const writer = new RawWriter(dress(near), () => {})
    near.on('error', () => {})
    near.destroy()
    writer.text('a')
    writer.bytes(Buffer.from('b'))
    writer.copy('c', Buffer.from('d'), 0, 1)
    await closed(near)
    writer.text('e')
    assert.equal(near.destroyed, true)
  })
}

test('the stream is passed by where Node allows it', async (t) => {
  const { near } = await socketPair(t)
  const writer = new RawWriter(near, () => {})
  let streamed = 0
  t.mock.method(near, '_write', () => streamed++)
  writer.text('a')
  assert.equal(streamed, Number(process.versions.node.split('.')[0]) >= 26 ? 0 : 1)
})
