import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { rawConnect, tempDir } from '@budao/testkit'
import { LocalDesk } from '../test/local-desk.ts'
import { MemorySource } from '../test/memory-source.ts'
import { AdminReply } from './admin-reply.ts'
import { createAdminServer } from './admin-server.ts'
import { EventLog } from './event-log.ts'
import { listen } from './admin-listener.ts'

const common = { 'x-common': 'yes' }

/** Answers every request in one way. Returns what a client sends on a connection to it. */
async function replying(t: TestContext, act: (reply: AdminReply) => void) {
  const address = { host: '127.0.0.1', port: 0 }
  const listener = await listen(address, (_request, response) => act(new AdminReply(response, common)))
  t.after(() => listener.close())
  const client = await rawConnect(t, listener.port)
  client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return client
}

const contents: [content: unknown, type: string, body: string][] = [
  ['text', 'text/plain; charset=utf-8', 'text'],
  ['', 'text/plain; charset=utf-8', ''],
  [{ a: [1, null] }, 'application/json; charset=utf-8', '{"a":[1,null]}'],
  [null, 'application/json; charset=utf-8', 'null'],
]
for (const [content, type, body] of contents) {
  test(`${JSON.stringify(content)} is sent as ${type}`, async (t) => {
    const client = await replying(t, (reply) => void reply.code(202).send(content))
    const answer = await client.readResponse()
    assert.deepEqual([answer.status, answer.body, answer.header('content-type')], [202, body, type])
    assert.deepEqual([answer.header('content-length'), answer.header('x-common')], [`${body.length}`, 'yes'])
  })
}

test('a text keeps the type that it is given, and lengths are bytes', async (t) => {
  const client = await replying(t, (reply) => void reply.type('text/html; charset=utf-8').send('不倒'))
  const answer = await client.readResponse()
  assert.deepEqual(
    [answer.header('content-type'), answer.header('content-length')],
    ['text/html; charset=utf-8', '6'],
  )
})

test('nothing to send, and what JSON cannot say, are errors', async (t) => {
  const errors: unknown[] = []
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  for (const content of [undefined, cycle]) {
    const caught = Promise.withResolvers<void>()
    await replying(t, (reply) => {
      reply.send(content).catch((error: unknown) => {
        errors.push(error)
        caught.resolve()
      })
    })
    await caught.promise
  }
  assert.ok(errors.every((error) => error instanceof TypeError))
})

test('a stream goes out as it comes, and ends when it ends', async (t) => {
  const stream = new PassThrough()
  const client = await replying(t, (reply) => void reply.type('text/x').send(stream))
  stream.write('one')
  assert.match(await client.readUntil('3\r\none\r\n'), /x-common: yes\r\ncontent-type: text\/x\r\n/)
  stream.end('two')
  assert.equal(await client.readUntil('0\r\n\r\n'), '3\r\ntwo\r\n0\r\n\r\n')
})

test('a stream whose reader goes away is destroyed, also before it began', async (t) => {
  for (const wait of [false, true]) {
    const given = Promise.withResolvers<void>()
    const stream = new Readable({ read() {} })
    const client = await replying(t, (reply) => {
      given.resolve()
      void reply.send(stream)
    })
    if (wait) {
      stream.push('x')
      await client.readUntil('x\r\n')
    }
    await given.promise
    const closed = new Promise((resolve) => stream.once('close', resolve))
    client.reset()
    await closed
  }
})

async function auditing(t: TestContext) {
  const source = new MemorySource(await EventLog.open())
  const desk = new LocalDesk({ path: join(tempDir(t), 'coordination.db') })
  t.after(() => desk.close())
  source.desk = desk
  const logged: string[] = []
  const note = (_fields: object, message: string): unknown => logged.push(message)
  const log = { info: note, warn: note, error: note }
  const server = await createAdminServer({ source, address: '127.0.0.1:0', log })
  t.after(() => server.close())
  const client = await rawConnect(t, Number(server.url.split(':').at(-1)))
  const ask = (): void =>
    client.send('GET /api/v1/failover/audit?format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return { desk, client, ask, logged }
}

test('a stream that fails before its first byte is an error like others', async (t) => {
  const { desk, client, ask, logged } = await auditing(t)
  desk.audit = async () => {
    throw new Error('secret path')
  }
  ask()
  const answer = await client.readResponse()
  assert.deepEqual([answer.status, JSON.parse(answer.body).error], [500, 'internal'])
  assert.equal(answer.header('content-type'), 'application/json; charset=utf-8')
  assert.doesNotMatch(answer.body, /secret/)
  assert.deepEqual(logged, ['an admin request failed'])
  client.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  assert.equal((await client.readResponse()).status, 200)
})

test('a stream that fails later breaks off, and cannot be taken for whole', async (t) => {
  const { desk, client, ask, logged } = await auditing(t)
  const page = Array.from({ length: 500 }, (_, index) => ({ seq: index + 1 }))
  desk.audit = async ({ after }) => {
    if (after === 0) return page as never
    throw new Error('secret path')
  }
  ask()
  const text = await client.readToEnd()
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.ok(!text.endsWith('0\r\n\r\n'))
  assert.doesNotMatch(text, /secret/)
  assert.deepEqual(logged, ['an admin request failed'])
})
