import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from './load.ts'
import type { LoadOptions, Outcome, Sample } from './load.ts'

test('every request of the schedule becomes one sample, due at even distances', async (t) => {
  const paths = new Set<string>()
  const url = await serve(t, (request, response) => {
    paths.add(`${request.headers.host} ${request.url}`)
    response.end('{}')
  })
  const samples = await run(t, url, { rate: 500, host: 'shop.example' })
  assert.ok(samples.length > 10)
  assert.deepEqual(counts(samples), { ok: samples.length })
  assert.deepEqual([...paths], ['shop.example /x?y=1'])
  const due = samples.map((sample) => sample.dueMs).toSorted((a, b) => a - b)
  for (const [index, at] of due.entries()) assert.ok(Math.abs(at - due[0]! - index * 2) < 1e-6)
  for (const { dueMs, endMs } of samples) assert.ok(endMs >= dueMs)
})

test('connections are kept', async (t) => {
  let connections = 0
  const url = await serve(
    t,
    (_, response) => void response.end('x'),
    (server) => server.on('connection', () => connections++),
  )
  const load = new Load(() => performance.now(), { url, rate: 200, connectionsMax: 1 })
  t.after(() => load.close())
  for (let round = 0; round < 3; round++) {
    load.start()
    await sleep(60)
    await load.stop()
  }
  assert.equal(connections, 1)
})

test('what the gateway answers by itself is degraded, and errors keep their status', async (t) => {
  let turn = 0
  const url = await serve(t, (_, response) => {
    turn++
    if (turn % 3 === 0) response.writeHead(503)
    if (turn % 6 === 1) response.setHeader('X-Budao-Fallback', 'json')
    if (turn % 6 === 4) response.setHeader('Warning', '110 - "Response is Stale"')
    response.end('x')
  })
  const seen = counts(await run(t, url))
  assert.deepEqual(
    Object.keys(seen).toSorted((a, b) => a.localeCompare(b)),
    ['degraded', 'ok', 'status 503'],
  )
})

test('nobody listens: connect', async (t) => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const samples = await run(t, new URL(`http://127.0.0.1:${port}/`))
  assert.deepEqual(counts(samples), { connect: samples.length })
})

const faults: [name: string, answer: string | null, outcome: Outcome][] = [
  ['closes without an answer', '', 'reset'],
  ['breaks off an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'reset'],
  ['speaks another protocol', 'SSH-2.0-x\r\n\r\n', 'bad-answer'],
  ['never answers', null, 'timeout'],
]
for (const [name, answer, outcome] of faults) {
  test(`a server that ${name}: ${outcome}`, async (t) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => answer !== null && socket.end(answer))
    })
    const url = await listen(t, server)
    const samples = await run(t, url, { timeoutMs: outcome === 'timeout' ? 100 : 10_000 })
    assert.ok(samples.length > 0)
    assert.deepEqual(counts(samples), { [outcome]: samples.length })
  })
}

test('with every connection busy requests wait, and past the queue they are counted as unsent', async (t) => {
  const url = await listen(
    t,
    createTcpServer((socket) => void socket.on('error', () => {})),
  )
  const samples = await run(t, url, { rate: 1000, connectionsMax: 2, queueMax: 3, timeoutMs: 200 })
  const { unsent = 0, timeout = 0, ...others } = counts(samples)
  assert.deepEqual(others, {})
  assert.equal(unsent + timeout, samples.length)
  assert.ok(unsent > 0)
  assert.ok(timeout >= 5)
})

test('latency counts from the schedule, not from the sending', async (t) => {
  const held: (() => void)[] = []
  const url = await serve(t, (_, response) => void held.push(() => response.end('x')))
  const load = new Load(() => performance.now(), { url, rate: 200, connectionsMax: 1 })
  t.after(() => load.close())
  load.start()
  while (held.length === 0) await sleep(5)
  await sleep(100)
  const releasedMs = performance.now()
  const pump = setInterval(() => held.splice(0).forEach((answer) => answer()), 1)
  t.after(() => clearInterval(pump))
  const samples = await load.stop()
  // All of them were due while the first one was held; none can have ended before it was let go.
  for (const { dueMs, endMs } of samples) {
    assert.ok(endMs >= releasedMs)
    assert.ok(endMs - dueMs >= releasedMs - dueMs)
  }
  assert.ok(samples.some(({ dueMs }) => dueMs < releasedMs - 80))
})

async function run(t: TestContext, url: URL, options: Partial<LoadOptions> = {}): Promise<readonly Sample[]> {
  const load = new Load(() => performance.now(), { rate: 300, ...options, url })
  t.after(() => load.close())
  load.start()
  await sleep(100)
  return load.stop()
}

function counts(samples: readonly Sample[]): Partial<Record<Outcome, number>> {
  const tally: Partial<Record<Outcome, number>> = {}
  for (const { outcome } of samples) tally[outcome] = (tally[outcome] ?? 0) + 1
  return tally
}

async function serve(
  t: TestContext,
  listener: RequestListener,
  prepare: (server: Server) => void = () => {},
): Promise<URL> {
  const server = createServer(listener)
  prepare(server)
  t.after(() => server.closeAllConnections())
  return listen(t, server)
}

async function listen(t: TestContext, server: Server): Promise<URL> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const { port } = server.address() as AddressInfo
  return new URL(`http://127.0.0.1:${port}/x?y=1`)
}
