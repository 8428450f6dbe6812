import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { requestText, testGateway, until } from '../test-gateway.test.ts'
import { counted, errorOf, KEY, keyedConfig, openShop, openSlowShop, order } from './test-shop.test.ts'

const lines = (head: string): string => head.replaceAll('\n', '\r\n')

test('an answer is given again byte by byte, whatever its framing', async (t) => {
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('latin1')
  const answers: Record<string, string> = {
    '/length':
      lines(
        'HTTP/1.1 200 Fine\nContent-Type: image/x\nSet-Cookie: a=1\nSet-Cookie: b=2\nContent-Length: 256\n\n',
      ) + bytes,
    '/chunked':
      lines('HTTP/1.1 200 Fine\nContent-Type: image/x\nTransfer-Encoding: chunked\n\n80;x=y\n') +
      bytes.slice(0, 128) +
      lines('\n80\n') +
      bytes.slice(128) +
      lines('\n0\nX-Trailer: 1\n\n'),
    '/close': lines('HTTP/1.1 200 Fine\nContent-Type: image/x\nConnection: close\n\n') + bytes,
    '/none': lines('HTTP/1.1 204 None\nX-A: 1\n\n'),
    '/empty': lines('HTTP/1.1 201 Made\nContent-Length: 0\n\n'),
  }
  const { orders, backend } = await openShop(t, (_, { connection, target }) => {
    connection.write(answers[target]!)
    if (target === '/close') connection.end()
  })
  const gateway = await testGateway(t, keyedConfig(backend.address))
  for (const target of Object.keys(answers)) {
    const key = [`Idempotency-Key: key-for-target${target}`]
    const first = await order(gateway, 'one', key, `POST ${target}`)
    const again = await order(gateway, 'one', key, `POST ${target}`)
    assert.equal(again.status, first.status)
    assert.equal(again.body, first.body)
    assert.equal(first.body, /none|empty/.test(target) ? '' : bytes)
    assert.equal(again.header('content-type'), first.header('content-type'))
    assert.equal(again.header('set-cookie'), target === '/length' ? 'a=1, b=2' : undefined)
    assert.equal(again.header('idempotency-replayed'), 'true')
  }
  assert.equal(orders.length, 5)
})

for (const framing of ['length', 'chunked'] as const) {
  test(`a long answer is passed on as it comes, and a repeat is told that it was done (${framing})`, async (t) => {
    const part = 'x'.repeat(50_000)
    const total = 40
    const { orders, backend } = await openShop(t, async (_, { connection }) => {
      connection.write(
        lines(
          `HTTP/1.1 201 Made\nX-Order: 1\n${framing === 'length' ? `Content-Length: ${total * part.length}` : 'Transfer-Encoding: chunked'}\n\n`,
        ),
      )
      for (let i = 0; i < total; i++) {
        connection.write(framing === 'length' ? part : `${part.length.toString(16)}\r\n${part}\r\n`)
        await new Promise(setImmediate)
      }
      if (framing === 'chunked') connection.write('0\r\n\r\n')
    })
    const gateway = await testGateway(t, keyedConfig(backend.address))
    const first = await order(gateway)
    assert.equal(first.status, 201)
    assert.equal(first.header('x-order'), '1')
    assert.equal(first.body.length, total * part.length)
    const again = await order(gateway)
    assert.equal(again.status, 409)
    const { error, firstStatus } = JSON.parse(again.body) as { error: string; firstStatus: number }
    assert.deepEqual([error, firstStatus], ['idempotency_answer_not_kept', 201])
    assert.equal(again.header('idempotency-replayed'), 'true')
    assert.equal(orders.length, 1)
    assert.equal(counted(gateway, 'trace="status_kept"'), 1)
    await gateway.quiet()
  })
}

test('an answer that dribbles is passed on after a while, and what follows comes as it comes', async (t) => {
  let write: (text: string) => void = () => {}
  const { orders, backend } = await openShop(t, (_, { connection }) => {
    write = (text) => connection.write(text)
    write(lines('HTTP/1.1 201 Made\nContent-Length: 10\n\nabc'))
  })
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const client = await gateway.connect()
  client.send(requestText('POST /orders', [KEY], 'one'))
  await until('it is passed on', () => client.pending.endsWith('\r\n\r\nabc'))
  write('defg')
  await until('more', () => client.pending.endsWith('abcdefg'))
  write('hij')
  await until('all', () => client.pending.endsWith('abcdefghij'))
  assert.equal(errorOf(await order(gateway)), 'idempotency_answer_not_kept')
  assert.equal(orders.length, 1)
})

test('an answer that breaks off has been seen to be given: the write is not done again', async (t) => {
  const { orders, backend } = await openShop(t, (_, { connection }) => {
    connection.write(lines('HTTP/1.1 201 Made\nContent-Length: 10\n\nabc'))
    connection.reset()
  })
  const gateway = await testGateway(t, keyedConfig(backend.address))
  assert.equal(errorOf(await order(gateway)), 'upstream_reset')
  assert.equal(errorOf(await order(gateway)), 'idempotency_answer_not_kept')
  assert.equal(orders.length, 1)
})

test('a filter of the route edits a repeat as it edits the first answer', async (t) => {
  const { backend } = await openShop(t)
  const edit = { headers: { response: { set: { 'X-Edited': 'yes' }, remove: ['Location'] } } }
  const gateway = await testGateway(
    t,
    keyedConfig(backend.address, {}, { route: { filters: [{ idempotency: {} }, edit] } }),
  )
  for (let i = 0; i < 2; i++) {
    const answer = await order(gateway)
    assert.equal(answer.header('x-edited'), 'yes')
    assert.equal(answer.header('location'), undefined)
  }
})

test('another service that answers in its place is a result too', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(
    t,
    keyedConfig(
      '127.0.0.1:1',
      {},
      {
        services: { other: { endpoints: [{ address: backend.address, site: 'west' }] } },
        route: { filters: [{ idempotency: {} }], fallback: { service: 'other' } },
      },
    ),
  )
  const first = await order(gateway)
  assert.equal(first.body, 'order 1')
  assert.equal(first.header('x-budao-fallback'), 'service')
  assert.equal((await order(gateway)).body, 'order 1')
  assert.equal(orders.length, 1)
})

test('HTTP/2: a stream that is reset leaves its order to be finished, and its connection serves others', async (t) => {
  const { orders, backend, finish } = await openSlowShop(t)
  const gateway = await testGateway(
    t,
    keyedConfig(backend.address, {}, { listener: { protocols: ['h2', 'http/1.1'] } }),
  )
  const session = connect(`http://127.0.0.1:${gateway.port}`)
  t.after(() => session.destroy())
  const post = (key: string) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/orders',
      ':authority': 'shop.example',
      'idempotency-key': key,
    })
    stream.on('error', () => {})
    stream.end('one')
    const answer = { status: 0, body: '', replayed: undefined as unknown, closed: false }
    stream.on('response', (headers) => {
      answer.status = headers[':status']!
      answer.replayed = headers['idempotency-replayed']
    })
    stream.on('data', (bytes: Buffer) => (answer.body += bytes.toString('latin1')))
    stream.on('close', () => (answer.closed = true))
    return { stream, answer }
  }
  const first = post('0123456789abcdef')
  await until('it is under way', () => orders.length === 1)
  first.stream.close(8)
  await until('it is closed', () => first.answer.closed)
  const others = ['a', 'b', 'c'].map((name) => post(`0123456789abcde${name}-${name}`))
  await until('the others are under way', () => orders.length === 4)
  finish()
  for (const { answer } of others) {
    await until('it is answered', () => answer.closed)
    assert.equal(answer.status, 201)
  }
  let again = post('0123456789abcdef')
  await until('it is answered', () => again.answer.closed)
  while (again.answer.status === 409) {
    again = post('0123456789abcdef')
    await until('it is answered', () => again.answer.closed)
  }
  assert.deepEqual([again.answer.status, again.answer.body, again.answer.replayed], [201, 'order 1', 'true'])
  assert.equal(orders.length, 4)
})

for (const when of ['before', 'meanwhile']) {
  for (const protocol of ['http/1.1', 'h2']) {
    test(`a gateway that drains finishes what has lost its client ${when}, over ${protocol}`, async (t) => {
      const { orders, backend, finish } = await openSlowShop(t)
      const gateway = await testGateway(
        t,
        keyedConfig(backend.address, {}, { listener: { protocols: ['h2', 'http/1.1'] } }),
      )
      const client = protocol === 'h2' ? http2Client(gateway.port) : await gateway.connect()
      if ('send' in client) client.send(requestText('POST /orders', [KEY], 'one'))
      else client.post()
      await until('it is under way', () => orders.length === 1 && gateway.connections.downstream === 1)
      const leave = async (): Promise<void> => {
        client.reset()
        await until('it is gone', () => gateway.connections.downstream === 0)
      }
      if (when === 'before') await leave()
      let drained = false
      const draining = gateway.gateway.drain(10_000).then((all) => {
        drained = true
        return all
      })
      if (when === 'meanwhile') await leave()
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(drained, false)
      finish()
      assert.equal(await draining, true)
      assert.equal(counted(gateway, 'trace="kept"'), 1)
    })
  }
}

/** One that leaves without a word. */
function http2Client(port: number): { post(): void; reset(): void } {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => {})
  return {
    post: () =>
      session
        .request({
          ':method': 'POST',
          ':path': '/orders',
          ':authority': 'shop.example',
          'idempotency-key': '0123456789abcdef',
        })
        .on('error', () => {})
        .end('one'),
    reset: () => void (session.socket as Socket).destroy(),
  }
}
