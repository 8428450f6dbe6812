import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawExchange } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

/** Answers nothing until it is told to. */
function heldBack() {
  const waiting: RawExchange[] = []
  return {
    waiting,
    handler: async (exchange: RawExchange): Promise<void> => {
      await exchange.body()
      waiting.push(exchange)
    },
    answer(
      body: string,
      headers: Record<string, string> = { 'Cache-Control': 'max-age=60' },
      status = 200,
    ): void {
      waiting.shift()!.connection.respond(status, body, headers)
    },
  }
}

const config = { service: { outlier: false, breaker: false, retry: { attempts: 0 } } } as const

test('many equal misses at once, at all workers, are one request', async (t) => {
  const held = heldBack()
  const backend = await rawServer(t, held.handler)
  const gateway = await testGateway(t, {
    workers: 3,
    endpoints: [backend.address],
    ...config,
    route: { cache: { coalesceWait: '30s' } },
  })
  const answers = Array.from({ length: 120 }, () => gateway.request('/'))
  await until('all there', () => gateway.connections.downstream === 120)
  await until('one asked', () => held.waiting.length > 0)
  held.answer('one')
  for (const { body } of await Promise.all(answers)) assert.equal(body, 'one')
  assert.equal(backend.heads.length, 1)
  assert.match(gateway.gateway.metrics(), /outcome="coalesced"} (?:[89]\d|1[01]\d)\n/)
})

test('who waits asks by itself when the answer is for one client only, fails, or is late', async (t) => {
  const held = heldBack()
  const backend = await rawServer(t, held.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    ...config,
    route: { cache: { coalesceWait: '30s' } },
  })
  const ways: [target: string, first: () => void][] = [
    ['/private', () => held.answer('mine', { 'Cache-Control': 'private' })],
    ['/no-cache', () => held.answer('mine', { 'Cache-Control': 'no-cache', ETag: '"1"' })],
    ['/fails', () => held.waiting.shift()!.connection.write('no answer\r\n\r\n')],
    ['/500', () => held.answer('mine', {}, 500)],
    [
      '/broken',
      () => {
        const { connection } = held.waiting.shift()!
        connection.write('HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\n\r\nhalf')
        connection.end()
      },
    ],
  ]
  for (const [target, first] of ways) {
    const leader = gateway.request(target).catch(() => null)
    await until('the first', () => held.waiting.length === 1)
    const followers = [gateway.request(target), gateway.request(target)]
    await until('all there', () => gateway.connections.downstream === 3)
    first()
    await leader
    await until(`both ask: ${target}`, () => held.waiting.length === 2)
    held.answer('own')
    held.answer('own')
    for (const { body } of await Promise.all(followers)) assert.equal(body, 'own', target)
    await gateway.quiet()
  }
})

test('for an answer of which the last was for one client only nobody waits', async (t) => {
  const held = heldBack()
  const backend = await rawServer(t, held.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    ...config,
    route: { cache: { coalesceWait: '30s' } },
  })
  const first = gateway.request('/')
  await until('the first', () => held.waiting.length === 1)
  held.answer('mine', { 'Cache-Control': 'private' })
  await first
  const both = [gateway.request('/'), gateway.request('/')]
  await until('both ask', () => held.waiting.length === 2)
  held.answer('a', { 'Cache-Control': 'private' })
  held.answer('b', { 'Cache-Control': 'private' })
  await Promise.all(both)
})

test('who waits does so for `coalesceWait` at most', async (t) => {
  const held = heldBack()
  const backend = await rawServer(t, held.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    ...config,
    route: { cache: { coalesceWait: '50ms' } },
  })
  const leader = gateway.request('/')
  await until('the first', () => held.waiting.length === 1)
  const follower = gateway.request('/')
  await until('the other asks, too', () => held.waiting.length === 2)
  held.waiting[1]!.connection.respond(200, 'second', {})
  assert.equal((await follower).body, 'second')
  held.answer('first')
  assert.equal((await leader).body, 'first')
})

test('a client that asked for all and goes away leaves the others alone', async (t) => {
  const held = heldBack()
  const backend = await rawServer(t, held.handler)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    ...config,
    route: { cache: { coalesceWait: '30s' } },
  })
  const leader = await gateway.connect()
  leader.send(requestText('/'))
  await until('the first', () => held.waiting.length === 1)
  const followers = Array.from({ length: 5 }, () => gateway.request('/'))
  await until('all there', () => gateway.connections.downstream === 6)
  leader.socket.destroy()
  await until('the next asks for them', () => held.waiting.length === 2)
  held.waiting.shift()
  held.answer('for all')
  for (const { body } of await Promise.all(followers)) assert.equal(body, 'for all')
  assert.equal(backend.heads.length, 2)
})
