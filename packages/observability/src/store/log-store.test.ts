import assert from 'node:assert/strict'
import { appendFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseLogFilter, type LogsAnswer, type LogsTally } from '@budao/model'
import { tempDir } from '@budao/testkit'
import * as fc from 'fast-check'
import { recordTest } from '../record/filter-match.ts'
import { jsonParser } from '../record/json-parser.ts'
import { recordOf } from '../record/parsed-line.ts'
import { LogSearch } from './log-search.ts'
import { LogStore, type LogStoreOptions } from './log-store.ts'
import { RecordBatch } from './record-batch.ts'

const origin = { resource: { 'service.name': 'shop' }, attributes: { 'log.file.path': '/var/log/a.log' } }
const start = 1_764_208_988_000

function open(t: TestContext, options: Partial<LogStoreOptions> & { readonly folder: string }): LogStore {
  const store = LogStore.open({
    ageMax: Infinity,
    bytesMax: Infinity,
    now: Date.now,
    warn: (message) => t.diagnostic(message),
    ...options,
  })
  let closed = false
  const close = store.close.bind(store)
  store.close = (): void => {
    if (!closed) close()
    closed = true
  }
  t.after(() => store.close())
  return store
}

function append(store: LogStore, objects: readonly object[], position = 0): void {
  const source = store.log.sourceNumber(origin)
  store.append(RecordBatch.of(objects.map((object) => jsonParser(JSON.stringify(object), source, start))), {
    f1: { offset: position },
  })
}

async function find(t: TestContext, folder: string, filter: string, limit = 100): Promise<LogsAnswer> {
  const search = new LogSearch(folder)
  t.after(() => search.close())
  return search.find({ filter: parseLogFilter(filter), from: 0, to: Infinity, limit }, 10_000)
}

test('records are found by field, level, time and text, two Chinese characters too, without reading most blocks', async (t) => {
  const folder = tempDir(t)
  const store = open(t, { folder })
  for (let batch = 0; batch < 30; batch++) {
    append(
      store,
      Array.from({ length: 400 }, (_, index) => {
        const n = batch * 400 + index
        const message = n === 5_000 ? '支付回调失败' : n === 7_000 ? 'Payment FAILED É' : `request ${n} done`
        return {
          time: start + n,
          level: n % 1_000 === 0 ? 50 : 30,
          msg: message,
          order: { id: `o-${n}` },
          pad: 'x'.repeat(300),
        }
      }),
    )
  }
  store.tend(Infinity, false)
  const bodies = async (filter: string, limit?: number): Promise<string[]> =>
    (await find(t, folder, filter, limit)).records.map(({ body }) => body)
  assert.deepEqual(await bodies('支付'), ['支付回调失败'])
  assert.deepEqual(await bodies('回调 失败 log.level:error'), ['支付回调失败'])
  assert.deepEqual(await bodies('退款'), [])
  assert.deepEqual(await bodies('payment'), ['Payment FAILED É'])
  assert.deepEqual(await bodies('order.id:o-42'), ['request 42 done'])
  assert.deepEqual(await bodies('log.level>=error -支付 -payment', 3), [
    'request 11000 done',
    'request 10000 done',
    'request 9000 done',
  ])
  assert.deepEqual(await bodies('service:shop order.id:o-1199*', 2), [
    'request 11999 done',
    'request 11998 done',
  ])
  const { read, complete } = await find(t, folder, '支付')
  assert.ok(complete && read.skipped >= 10 && read.blocks <= 3, JSON.stringify(read))
  assert.equal((await find(t, folder, '*', 5)).complete, false)

  const search = new LogSearch(folder)
  t.after(() => search.close())
  const tally = (filter: string, from: number, to: number, bars: number): Promise<LogsTally> =>
    search.tally({ filter: parseLogFilter(filter), from, to, bars }, 10_000)
  const counted = await tally('*', 0, start + 11_999, 12)
  assert.deepEqual(
    [counted.from, counted.stepMs, counted.total, counted.complete],
    [start, 1_000, 12_000, true],
  )
  assert.deepEqual(counted.levels, { info: Array(12).fill(999), error: Array(12).fill(1) })
  const { levels, read: cost } = await tally('支付', start + 4_000, start + 5_999, 2)
  assert.deepEqual(levels, { error: [0, 1] })
  assert.ok(cost.skipped >= 2, JSON.stringify(cost))
})

test('whatever is asked, the index rules out nothing that passes', async (t) => {
  const word = fc.constantFrom(
    '支付',
    '失败',
    'Error',
    'É',
    'a"b\\',
    'x y',
    '\u{20bb7}',
    'ß',
    '12',
    'null',
    'o',
    '{"ts":',
    'I',
  )
  const value = fc.oneof(
    word,
    fc.integer({ min: -5, max: 600 }),
    fc.boolean(),
    fc.double({ noNaN: true, min: 0, max: 9 }),
  )
  const entry = fc.record({
    level: fc.constantFrom('info', 'ERROR', 'warning', 'odd'),
    msg: fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
    k: value,
    n: fc.record({ v: value }),
  })
  const ask = fc.oneof(
    word.map((text) => JSON.stringify(text)),
    fc.constantFrom(
      'log.level:error',
      'log.level>=warn',
      'level:odd',
      'log.level:warning',
      'service:shop',
      'service:other',
      'k:*',
    ),
    value.map((each) => `k:${JSON.stringify(String(each))}`),
    value.map((each) => `n.v:${JSON.stringify(String(each))}`),
    word.filter((text) => !/[\s"()]/.test(text)).map((text) => `k:${text}*`),
    fc.constantFrom('k>=100', 'body:支付', 'log.file.path:*a.log', '-支付'),
  )
  const root = tempDir(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { minLength: 1, maxLength: 8 }),
      fc.array(ask, { minLength: 1, maxLength: 3 }),
      async (entries, asks) => {
        const folder = join(root, String(run++))
        const store = LogStore.open({
          folder,
          ageMax: Infinity,
          bytesMax: Infinity,
          segmentBytes: 1,
          now: Date.now,
          warn: () => {},
        })
        const source = store.log.sourceNumber(origin)
        const lines = entries.map((each) => jsonParser(JSON.stringify(each), source, start))
        // A segment each, so that each is a block of its own.
        for (const line of lines) store.append(RecordBatch.of([line]), {})
        store.close()
        const filter = asks.join(' ')
        const passes = recordTest(parseLogFilter(filter))
        const wanted = lines.filter((line) => passes(recordOf(line, origin))).length
        const search = new LogSearch(folder)
        const { records } = await search.find(
          { filter: parseLogFilter(filter), from: 0, to: Infinity, limit: 100 },
          10_000,
        )
        await search.close()
        assert.equal(records.length, wanted, filter)
      },
    ),
    { numRuns: 40 },
  )
})

test('a torn end is cut off with its position; what is whole stays, and the index is made again', async (t) => {
  const folder = tempDir(t)
  const store = open(t, { folder })
  append(store, [{ msg: 'one' }], 10)
  append(store, [{ msg: 'two' }], 20)
  store.close()
  const [segment = ''] = globSync(join(folder, 'log-*.ndjson'))
  const whole = readFileSync(segment)
  for (const torn of [whole.length - 3, whole.lastIndexOf('{"commit"') - 5]) {
    writeFileSync(segment, whole.subarray(0, torn))
    const again = open(t, { folder })
    assert.deepEqual(again.log.positions.get('f1'), { offset: 10 })
    append(again, [{ msg: 'two again' }], 20)
    again.close()
    assert.deepEqual(
      (await find(t, folder, '*')).records.map(({ body }) => body),
      ['two again', 'one'],
    )
  }
  // A damaged byte in a batch: that one and what follows were never surely written.
  const damaged = readFileSync(segment)
  damaged[damaged.indexOf('one')] = 0x7a
  writeFileSync(segment, damaged)
  for (const file of globSync(join(folder, 'index.db*'))) rmSync(file)
  const last = open(t, { folder })
  assert.equal(last.log.positions.size, 0)
  append(last, [{ msg: 'new' }], 5)
  last.close()
  assert.deepEqual(
    (await find(t, folder, '*')).records.map(({ body }) => body),
    ['new'],
  )
  appendFileSync(join(folder, 'index.db'), 'garbage')
  writeFileSync(join(folder, 'index.db'), 'garbage')
  open(t, { folder }).close()
  assert.equal((await find(t, folder, 'new')).records.length, 1)
})

test('old segments go by size and age, never before a sink has them unless it may be dropped', (t) => {
  const folder = tempDir(t)
  let now = start
  const store = open(t, { folder, bytesMax: 4_000, segmentBytes: 1_000, ageMax: 60_000, now: () => now })
  for (let n = 0; n < 20; n++) append(store, [{ msg: `message ${n} ${'x'.repeat(200)}` }])
  const { length } = store.log.segments
  store.tend(0, false)
  assert.equal(store.log.segments.length, length)
  assert.equal(store.hasRoom, false)
  store.tend(store.log.segments[2]!.number, false)
  assert.equal(store.log.segments.length, length - 2)
  store.tend(0, true)
  assert.ok(store.hasRoom && store.droppedBytes > 0)
  now += 120_000
  append(store, [{ msg: 'late' }])
  store.tend(Infinity, false)
  assert.ok(store.log.segments.length <= 2)
})
