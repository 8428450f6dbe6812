import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import { Admin } from '@platformatic/kafka'
import type { BrokerAccess, LogSinkKind } from '@budao/model'
import { startKafka, tempDir } from '@budao/testkit'
import { jsonParser } from '../record/json-parser.ts'
import { LogDecoder } from '../store/log-decoder.ts'
import { LogStore } from '../store/log-store.ts'
import { RecordBatch } from '../store/record-batch.ts'
import { openSink } from './providers/open-sink.ts'
import { SinkRunner } from './sink-runner.ts'

interface Asked {
  readonly path: string
  readonly body: string
}

/** A server that answers as the test says, and remembers what it was sent. */
async function server(
  t: TestContext,
  answer: (asked: Asked, n: number) => { status: number; body?: unknown; headers?: Record<string, string> },
): Promise<{ readonly url: string; readonly asked: Asked[] }> {
  const asked: Asked[] = []
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = { path: request.url!, body: Buffer.concat(chunks).toString() }
      asked.push(one)
      const { status, body = {}, headers = {} } = answer(one, asked.length)
      response.writeHead(status, headers).end(JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => http.close())
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, asked }
}

/** A store with so many records, and what passes them on to a sink. */
function passOn(
  t: TestContext,
  count: number,
  sink: LogSinkKind,
  batch: number,
  access?: BrokerAccess,
): { runner: SinkRunner; folder: string } {
  const folder = tempDir(t)
  const store = LogStore.open({ folder, ageMax: Infinity, bytesMax: Infinity, now: Date.now, warn: () => {} })
  const source = store.log.sourceNumber({ resource: { 'service.name': 'shop' }, attributes: {} })
  const lines = Array.from({ length: count }, (_, n) =>
    jsonParser(
      JSON.stringify({ time: 1_764_208_988_000 + n, level: 'error', msg: `m${n}`, n }),
      source,
      1_764_208_988_500,
    ),
  )
  store.append(RecordBatch.of(lines), {})
  store.close()
  const runner = new SinkRunner({
    name: 'test',
    folder,
    placeFile: join(folder, 'place.json'),
    test: ({ body }) => body !== 'm0',
    batch,
    timeout: 15_000,
    open: () => openSink(sink, access),
    decoder: new LogDecoder(folder),
    random: () => 0,
  })
  t.after(() => runner.close())
  return { runner, folder }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1_500, 'not in 30 s')
    await sleep(20)
  }
}

test('bulk: of a batch only what was not taken is sent again, what will never be is counted', async (t) => {
  const { url, asked } = await server(t, ({ body }, n) => {
    if (n === 1) return { status: 503 }
    if (n === 2) return { status: 429, headers: { 'retry-after': '0' } }
    const documents = body
      .trimEnd()
      .split('\n')
      .filter((_, index) => index % 2 === 1)
    const items = documents.map((document) => {
      const { message } = JSON.parse(document) as { message: string }
      if (message === 'm1') return { create: { status: 400, error: { type: 'mapper_parsing_exception' } } }
      return { create: { status: message === 'm2' && n === 3 ? 429 : 201 } }
    })
    return { status: 200, body: { errors: items.some(({ create }) => create.status > 299), items } }
  })
  const { runner, folder } = passOn(
    t,
    5,
    { elasticsearch: { url, index: 'logs-{yyyy.MM.dd}', headers: {} } },
    100,
  )
  await until(() => runner.report().sent === 3)
  const { refused, retries, problem } = runner.report()
  assert.deepEqual([refused, retries, problem], [1, 3, null])
  assert.equal(asked.length, 4)
  assert.match(
    asked[2]!.body,
    /^\{"create":\{"_index":"logs-2025\.11\.27"\}\}\n\{"@timestamp":"2025-11-27T02:03:08\.001Z"/,
  )
  assert.match(asked[3]!.body, /"message":"m2"/)
  assert.doesNotMatch(asked[3]!.body, /"message":"m3"/)
  await until(
    () => (JSON.parse(readFileSync(join(folder, 'place.json'), 'utf8')) as { done: number }).done === 0,
  )
})

test('batches put together ahead arrive once and in order, whatever is refused in between', async (t) => {
  const got: string[] = []
  const { url, asked } = await server(t, ({ body }, n) => {
    if (n % 3 === 0) return { status: 503 }
    const messages = [...body.matchAll(/"message":"(m\d+)"/g)].map(([, message]) => message!)
    // Of some batches half is taken.
    const items = messages.map((_, index) => ({
      create: { status: n % 4 === 0 && index % 2 === 0 ? 429 : 201 },
    }))
    got.push(...messages.filter((_, index) => items[index]!.create.status === 201))
    return { status: 200, body: { errors: items.some(({ create }) => create.status === 429), items } }
  })
  const { runner } = passOn(t, 60, { elasticsearch: { url, index: 'logs', headers: {} } }, 7)
  await until(() => runner.report().sent === 59)
  assert.equal(new Set(got).size, got.length)
  const batches = got.map((message) => Math.floor((Number(message.slice(1)) - 1) / 7))
  assert.deepEqual(
    batches,
    batches.toSorted((a, b) => a - b),
  )
  assert.ok(asked.every(({ path }) => path === '/_bulk?filter_path=errors,items.*.status,items.*.error'))
})

test('what is too large is halved; one alone that is too large is refused, with the reason', async (t) => {
  const got: string[] = []
  const { url, asked } = await server(t, ({ body }) => {
    const messages = [...body.matchAll(/"message":"(m\d+)"/g)].map(([, message]) => message!)
    if (messages.length > 3 || messages.includes('m5')) return { status: 413 }
    got.push(...messages)
    return { status: 200, body: { errors: false, items: messages.map(() => ({ create: { status: 201 } })) } }
  })
  const { runner } = passOn(t, 12, { elasticsearch: { url, index: 'logs', headers: {} } }, 100)
  await until(() => runner.report().sent === 10)
  const { refused, refusal, retries, problem } = runner.report()
  assert.deepEqual([refused, retries, problem], [1, 0, null])
  assert.match(refusal!, /^413 for \d+ bytes/)
  const others = Array.from({ length: 11 }, (_, n) => `m${n + 1}`).filter((message) => message !== 'm5')
  assert.deepEqual(got, others)
  assert.ok(asked.length < 20)
})

test('push and OTLP carry times in nanoseconds, labels, levels and typed attributes', async (t) => {
  const { url, asked } = await server(t, () => ({ status: 200 }))
  const loki = passOn(t, 3, { loki: { url, labels: ['service.name', 'log.level'], headers: {} } }, 100)
  await until(() => loki.runner.report().sent === 2)
  const { streams } = JSON.parse(asked[0]!.body) as { streams: { stream: object; values: string[][] }[] }
  assert.equal(asked[0]!.path, '/loki/api/v1/push')
  assert.deepEqual(streams[0]!.stream, { service_name: 'shop', log_level: 'error' })
  assert.equal(streams[0]!.values[0]![0], '1764208988001000000')
  const otlp = passOn(t, 2, { otlp: { url: `${url}/v1/logs`, headers: {} } }, 100)
  await until(() => otlp.runner.report().sent === 1)
  const { resourceLogs } = JSON.parse(asked.at(-1)!.body) as {
    resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[]
  }
  assert.deepEqual(resourceLogs[0]!.scopeLogs[0]!.logRecords[0], {
    timeUnixNano: '1764208988001000000',
    observedTimeUnixNano: '1764208988500000000',
    severityNumber: 17,
    severityText: 'error',
    body: { stringValue: 'm1' },
    attributes: [{ key: 'n', value: { intValue: '1' } }],
  })
})

test('a real broker gets every record, in order, over TLS as a user', { timeout: 60_000 }, async (t) => {
  const kafka = await startKafka(t, {}, null, { user: 'budao', password: 'secret' })
  if (kafka === undefined) return
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka.address] })
  t.after(() => admin.close())
  await admin.createTopics({ topics: ['logs'], partitions: 1, replicas: 1 })
  const { address, ca } = kafka.guarded!
  const { runner } = passOn(t, 500, { kafka: { brokers: [address], topic: 'logs' } }, 100, {
    tls: { ca },
    sasl: { mechanism: 'plain', user: 'budao', password: 'secret' },
  })
  await until(() => runner.report().sent === 499)
  const consumer = new Consumer({ clientId: 'test', groupId: 'test', bootstrapBrokers: [kafka.address] })
  t.after(() => consumer.close(true))
  const stream = await consumer.consume({ topics: ['logs'], mode: 'earliest' })
  const bodies: string[] = []
  for await (const { value } of stream) {
    bodies.push((JSON.parse(value.toString()) as { message: string }).message)
    if (bodies.length === 499) break
  }
  assert.deepEqual(
    bodies,
    Array.from({ length: 499 }, (_, n) => `m${n + 1}`),
  )
})
