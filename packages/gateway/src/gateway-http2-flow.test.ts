import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  FrameType,
  rawHttp2,
  rawServer,
  requestFields,
  requireDebian,
  type RawConnection,
} from '@budao/testkit'
import { testGateway, until, type TestGateway } from './test-gateway.test.ts'

const run = promisify(execFile)
const listener = { protocols: ['h2', 'http/1.1'] }
const piece = Buffer.alloc(65_536, 'x')
const total = 64 * 1_024 * 1_024
/** What the buffers of both hops may hold; a gateway that buffered would take all 64 MiB. */
const heldMax = total / 2

function h2Session(t: TestContext, gateway: TestGateway): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  return session
}

/** Writes 64 MiB piece by piece, as the other side takes them. */
class Source {
  sent = 0

  async run(write: (bytes: Buffer, done: (error?: Error | null) => void) => void): Promise<void> {
    while (this.sent < total) {
      const error = await new Promise<Error | null | undefined>((resolve) => write(piece, resolve))
      if (error instanceof Error) return
      this.sent += piece.length
    }
  }

  /** Resolves once nothing has left for a while. */
  async stalled(): Promise<void> {
    let before = -1
    while (before !== this.sent || before === 0) {
      before = this.sent
      await pause(300)
    }
  }
}

for (const framing of [`Content-Length: ${total}`, 'Connection: close']) {
  test(`a client that does not read its stream stops the endpoint (${framing})`, async (t) => {
    const source = new Source()
    const backend = await rawServer(t, ({ connection, target }) => {
      if (target === '/small') return connection.respond(200, 'small')
      connection.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
      void source.run((bytes, done) => connection.socket.write(bytes, done)).then(() => connection.end())
    })
    const gateway = await testGateway(t, {
      endpoints: [backend.address],
      listener,
      service: { timeouts: { request: '300ms' } },
    })
    const session = h2Session(t, gateway)
    const large = session.request({ ':path': '/large' })
    await once(large, 'response')
    await source.stalled()
    assert.ok(source.sent < heldMax, `${source.sent} bytes were taken from the endpoint`)
    // Other streams of the connection are not held up by it.
    const small = session.request({ ':path': '/small' })
    const [part] = (await once(small, 'data')) as [Buffer]
    assert.equal(String(part), 'small')
    let received = 0
    for await (const bytes of large) received += (bytes as Buffer).length
    assert.equal(received, total)
  })
}

test('an endpoint that does not read stops the client', async (t) => {
  let socket: Socket | undefined
  const backend = await rawServer(t, ({ connection }) => {
    socket = connection.socket
    socket.pause()
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { ...listener, limits: { bodyBytes: 0 } },
    service: { timeouts: { request: '30s' } },
  })
  const source = new Source()
  const stream = h2Session(t, gateway).request({ ':path': '/', ':method': 'POST' })
  stream.on('error', () => {})
  void source.run((bytes, done) => stream.write(bytes, done))
  await until('the endpoint was asked', () => socket !== undefined)
  await source.stalled()
  assert.ok(source.sent < heldMax, `${source.sent} bytes were taken from the client`)
  stream.close(8)
  await until('the attempt is cancelled', () => gateway.service().inFlight === 0)
})

test('drain: GOAWAY, requests under way are answered, later ones go elsewhere', async (t) => {
  const waiting: RawConnection[] = []
  const backend = await rawServer(t, ({ connection }) => void waiting.push(connection))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener,
    service: { timeouts: { request: '30s' }, retry: { attempts: 0 } },
  })
  const client = await rawHttp2(t, gateway.port)
  client.request(1, requestFields('/under-way'))
  await until('the endpoint was asked', () => waiting.length === 1)
  const drained = gateway.gateway.drain(10_000)
  // The last stream that counts, so that the client may ask again elsewhere for what it has sent since.
  assert.equal((await client.next(FrameType.goAway)).payload, '\0\0\0\x01\0\0\0\0')
  client.request(3, requestFields('/on-the-way'))
  waiting[0]!.respond(200, 'done')
  assert.equal((await client.next(FrameType.data, 1)).payload, 'done')
  await client.raw.readToEnd()
  assert.ok(backend.heads.every((head) => head.startsWith('GET /under-way ')))
  client.raw.socket.destroy()
  assert.equal(await drained, true)
})

test('a listener that a reload takes away sends its clients elsewhere, with HTTP/1 too', async (t) => {
  const waiting: RawConnection[] = []
  const backend = await rawServer(t, ({ connection }) => void waiting.push(connection))
  const web = { name: 'web', address: '127.0.0.1:0', protocol: 'http', ...listener }
  const config = { endpoints: [backend.address] }
  const gateway = await testGateway(t, { ...config, listeners: [web, { ...web, name: 'other' }] })
  const [idle, busy, old] = [h2Session(t, gateway), await rawHttp2(t, gateway.port), await gateway.connect()]
  await once(idle, 'remoteSettings')
  busy.request(1, requestFields('/'))
  old.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the endpoint was asked', () => waiting.length === 2)
  const gone = once(idle, 'close')
  assert.ok((await gateway.apply({ ...config, listeners: [{ ...web, name: 'other' }] })).ok)
  await gone
  for (const connection of waiting) connection.respond(200, 'done')
  assert.equal((await busy.next(FrameType.data, 1)).payload, 'done')
  await busy.raw.readToEnd()
  busy.raw.socket.destroy()
  assert.equal((await old.readResponse()).header('connection'), 'close')
  await old.readToEnd()
  await gateway.quiet()
})

test('real clients: h2load opens many streams on several connections, nghttp and curl ask once', async (t) => {
  const h2load = await requireDebian(t, 'nghttp2-client', 'h2load')
  const nghttp = await requireDebian(t, 'nghttp2-client', 'nghttp')
  const curl = await requireDebian(t, 'curl')
  if (h2load === undefined || nghttp === undefined || curl === undefined) return
  const backend = await rawServer(t, async ({ connection, method, body }) => {
    await body()
    connection.respond(200, method === 'POST' ? 'posted' : 'got')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address], listener, workers: 2 })
  const url = `http://127.0.0.1:${gateway.port}/path`
  const load = await run(h2load, ['-n', '1000', '-c', '4', '-m', '50', url])
  assert.match(load.stdout, /1000 succeeded, 0 failed, 0 errored, 0 timeout/)
  const asked = await run(nghttp, ['-v', url])
  assert.match(asked.stdout, /:status: 200/)
  const posted = await run(curl, [
    '-sS',
    '--http2-prior-knowledge',
    '--data',
    'a=b',
    '-w',
    ' %{http_version}',
    url,
  ])
  assert.equal(posted.stdout, 'posted 2')
  // Asked to upgrade to h2c, the gateway stays with HTTP/1.1.
  const upgraded = await run(curl, ['-sS', '--http2', '-w', ' %{http_version}', url])
  assert.equal(upgraded.stdout, 'got 1.1')
})
