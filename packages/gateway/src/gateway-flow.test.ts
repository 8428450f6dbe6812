import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { rawServer, type RawClient, type RawConnection } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

const piece = Buffer.alloc(65_536, 'x')
const pieces = 1_024
const total = piece.length * pieces
/** What the system's socket buffers of both hops may hold; a gateway that buffered would take all 64 MiB. */
const heldMax = total / 2

/** Writes 64 MiB piece by piece, as the other side takes them; ends early when it goes away. */
class Source {
  /** Bytes that have left. */
  sent = 0
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  async run(): Promise<void> {
    for (let i = 0; i < pieces && !this.#socket.destroyed; i++) {
      const error = await new Promise((resolve) => this.#socket.write(piece, resolve))
      if (error instanceof Error) return
      this.sent += piece.length
    }
  }

  /** Resolves once nothing has left for a while. */
  async stalled(): Promise<void> {
    let before = -1
    while (before !== this.sent || before === 0) {
      before = this.sent
      await pause(150)
    }
  }
}

/** Counts what a client receives without keeping it. */
function counted(client: RawClient): { bytes: number } {
  const count = { bytes: 0 }
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: string) => {
    count.bytes += chunk.length
  })
  return count
}

const framings: [name: string, head: string][] = [
  ['Content-Length', `HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`],
  ['until close', 'HTTP/1.1 200 OK\r\n\r\n'],
]
for (const [name, head] of framings) {
  test(`a client that does not read stops the backend, for longer than a request may take (${name})`, async (t) => {
    let source: Source | undefined
    const backend = await rawServer(t, ({ connection }) => {
      connection.write(head)
      source = new Source(connection.socket)
      void source.run().then(() => name === 'until close' && connection.end())
    })
    const gateway = await testGateway(t, {
      endpoints: [backend.address],
      service: { timeouts: { request: '100ms' } },
    })
    const client = await gateway.connect()
    const received = counted(client)
    client.socket.pause()
    client.send(requestText('/', ['Connection: close']))
    await until('an answer', () => source !== undefined)
    await source!.stalled()
    assert.ok(source!.sent < heldMax, `${source!.sent} bytes were taken from the backend`)
    client.socket.resume()
    await client.readToEnd()
    assert.ok(received.bytes >= total, `${received.bytes} bytes arrived`)
    assert.equal(source!.sent, total)
  })
}

test('a client that does not read is not waited for for ever', async (t) => {
  const backend = await rawServer(t, ({ connection }) => {
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
    void new Source(connection.socket).run()
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { idle: '200ms' } },
  })
  const client = await gateway.connect()
  client.socket.pause()
  client.send(requestText('/'))
  await until('both connections to be given up', () => backend.connections.length === 1 && backend.open === 0)
  await gateway.quiet()
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, 0, 'that is not the endpoint’s fault')
})

test('a client that does not read its answers is not asked for more requests', async (t) => {
  const answer = 'x'.repeat(50_000)
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, answer))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.socket.pause()
  client.send(requestText('/').repeat(1_000))
  let before = -1
  while (before !== backend.heads.length || before === 0) {
    before = backend.heads.length
    await pause(150)
  }
  assert.ok(before * answer.length < heldMax, `${before} requests were answered`)
  client.socket.resume()
  await until('all answers', () => backend.heads.length === 1_000)
})

test('a backend that does not read stops the client', async (t) => {
  const backend = await rawServer(t, ({ connection }) => {
    connection.socket.removeAllListeners('data')
    connection.socket.pause()
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { bodyBytes: 0 } },
    service: { timeouts: { request: '1m' } },
  })
  const client = await gateway.connect()
  client.send(requestText('POST /', [`Content-Length: ${total}`]))
  const source = new Source(client.socket)
  const sent = source.run()
  await until('a connection to the backend', () => backend.connections.length === 1)
  await source.stalled()
  assert.ok(source.sent < heldMax, `${source.sent} bytes were taken from the client`)
  const [{ socket: connected }] = backend.connections as [RawConnection]
  let received = 0
  connected.on('data', (chunk: string) => {
    received += chunk.length
  })
  connected.resume()
  await sent
  await until('the whole body', () => received >= total - 65_536)
  connected.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  assert.equal((await client.readResponse()).body, 'ok')
})

test('a backend that takes no more of an upload is the one that is late', async (t) => {
  const backend = await rawServer(t, ({ connection }) => {
    connection.socket.removeAllListeners('data')
    connection.socket.pause()
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { bodyBytes: 0 } },
    service: { timeouts: { request: '300ms' } },
  })
  const client = await gateway.connect()
  client.send(requestText('POST /', [`Content-Length: ${total}`]))
  void new Source(client.socket).run()
  assert.equal((await client.readResponse()).status, 504)
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, 1)
})

test('a client that stops in the middle of its body is told so, and the endpoint is not blamed', async (t) => {
  const backend = await rawServer(t, async ({ body }) => void (await body()))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { timeouts: { request: '200ms' } },
  })
  const client = await gateway.connect()
  client.send(requestText('POST /', ['Content-Length: 100']) + 'half')
  const response = await client.readResponse()
  assert.equal(response.status, 408)
  assert.equal(response.header('connection'), 'close')
  client.socket.destroy()
  await gateway.quiet()
  assert.equal(gateway.service().endpoints[0]!.failuresTotal, 0)
})

test('a client that goes away takes its request with it, wherever that is', async (t) => {
  const stages: Readonly<Record<string, string>> = {
    '/nothing': '',
    '/head': 'HTTP/1.1 200 OK\r\nContent-Le',
    '/body': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
  }
  const backend = await rawServer(t, ({ connection, target }) => connection.write(stages[target] ?? ''))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  for (const target of Object.keys(stages)) {
    for (const leave of ['reset', 'endWriting'] as const) {
      const seen = backend.connections.length
      const client = await gateway.connect()
      client.send(requestText(target))
      await until(
        'a request at the backend',
        () => backend.connections.length > seen && backend.heads.length > seen,
      )
      if (target === '/body') await client.readUntil('half')
      client[leave]()
      await until('the end of the connection', () => backend.connections.at(-1)!.ended)
      await gateway.quiet()
    }
  }
  const client = await gateway.connect()
  client.send(requestText('POST /upload', ['Content-Length: 100000']) + 'half')
  await until('an upload', () => backend.connections.at(-1)!.received.endsWith('half'))
  client.reset()
  await until('the end of the connection', () => backend.connections.at(-1)!.ended)
  await gateway.quiet()

  const { breaker, endpoints } = gateway.service()
  assert.deepEqual(
    breaker,
    { state: 'closed', calls: 0, failures: 0, slow: 0 },
    'clients that leave say nothing of the service',
  )
  assert.equal(endpoints[0]!.failuresTotal, 0)
  assert.equal(endpoints[0]!.requestsTotal, 7)
})

test('a client that goes away while it waits for a connection leaves nothing behind', async (t) => {
  const backend = await rawServer(t, async ({ connection, target }) => {
    if (target === '/hold') return
    connection.respond(200, 'ok')
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { limits: { connections: 1, pending: 1 }, timeouts: { request: '1m' } },
  })
  const holder = await gateway.connect()
  holder.send(requestText('/hold'))
  await until('a held connection', () => backend.heads.length === 1)
  const waiting = await gateway.connect()
  waiting.send(requestText('/'))
  await until('two under way', () => gateway.service().inFlight === 2)
  assert.equal((await gateway.request('/')).status, 503)
  waiting.reset()
  await until('one under way', () => gateway.service().inFlight === 1)
  const next = await gateway.connect()
  next.send(requestText('/'))
  await until('two under way', () => gateway.service().inFlight === 2)
  holder.reset()
  assert.equal((await next.readResponse()).body, 'ok')
  next.socket.destroy()
  await gateway.quiet()
})

test('many clients of which some go away at any moment leave nothing behind', async (t) => {
  const backend = await rawServer(t, async ({ connection, body, index }) => {
    await body()
    if (index % 3 === 0) await nextTurn()
    connection.respond(200, 'x'.repeat(20_000))
  })
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: { limits: { connections: 4 } },
  })
  const one = async (n: number): Promise<void> => {
    const client = await gateway.connect()
    client.send(requestText('POST /', [], 'x'.repeat(1 + (n % 3) * 5_000)))
    if (n % 10 !== 0) {
      assert.equal((await client.readResponse()).status, 200)
      client.socket.destroy()
      return
    }
    for (let turn = 0; turn < (n / 10) % 7; turn++) await nextTurn()
    client.reset()
  }
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 50 }, (_, n) => one(n)))
  await gateway.quiet()
  assert.equal(gateway.service().breaker.failures, 0)
  assert.ok(gateway.connections.upstream <= 8)
})
