import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { tempDir } from '@budao/testkit'
import { jsonParser } from '../record/json-parser.ts'
import { LogDecoder } from '../store/log-decoder.ts'
import { LogStore } from '../store/log-store.ts'
import { RecordBatch } from '../store/record-batch.ts'
import type { SinkPlace } from './sink-place.ts'
import { SinkReader } from './sink-reader.ts'

const begin: SinkPlace = { segment: 0, offset: 0, done: 0 }
const even = 2
const message = (index: number): string => `${index} ${'x'.repeat(1_000)}`

/** A log of several segments, and of several pieces that are read at once; `write` goes on with it. */
function world(t: TestContext) {
  const folder = tempDir(t)
  const store = LogStore.open({
    ...{ folder, ageMax: Infinity, bytesMax: Infinity, segmentBytes: 3_000_000, indexed: false },
    ...{ now: Date.now, warn: () => {} },
  })
  t.after(() => store.close())
  const source = store.log.sourceNumber({ resource: { 'service.name': 'shop' }, attributes: {} })
  let written = 0
  const write = (count: number): void => {
    const lines = Array.from({ length: count }, () => JSON.stringify({ message: message(written++) }))
    for (let from = 0; from < count; from += 40)
      store.append(
        RecordBatch.of(
          lines.slice(from, from + 40).map((line) => jsonParser(line, source, 1_764_208_988_500)),
        ),
        {},
      )
  }
  const reader = (place: SinkPlace, passed = 1): SinkReader =>
    new SinkReader(
      {
        folder,
        decoder: new LogDecoder(folder),
        test: passed === 1 ? null : ({ body }) => Number.parseInt(body, 10) % passed === 0,
        batch: 300,
      },
      place,
    )
  return { write, reader }
}

/** Numbers of the records that are left, and the place behind each batch. */
function rest(reader: SinkReader): { readonly numbers: number[]; readonly places: SinkPlace[] } {
  const numbers: number[] = []
  const places: SinkPlace[] = []
  for (let batch = reader.next(); batch !== null; batch = reader.next()) {
    assert.ok(batch.records.length <= 300)
    numbers.push(...batch.records.map(({ record }) => Number.parseInt(record.body, 10)))
    places.push(batch.after)
  }
  return { numbers, places }
}

const upTo = (count: number, from = 0): number[] => Array.from({ length: count - from }, (_, at) => from + at)

test('each record comes once, in order, and from each place only what is behind it', (t) => {
  const { write, reader } = world(t)
  write(7_000)
  const { numbers, places } = rest(reader(begin))
  assert.deepEqual(numbers, upTo(7_000))
  assert.ok(places.length > 24 && places.some(({ done }) => done > 0), 'batches end inside of pieces, too')
  assert.ok(new Set(places.map(({ segment }) => segment)).size > 1)
  const left = places.map((place) => rest(reader(place)).numbers)
  for (const [index, each] of left.entries())
    assert.deepEqual(each, upTo(7_000, 7_000 - each.length), `${index}`)
  assert.deepEqual(left.at(-1), [])
})

test('a batch can be read while the next one is there', (t) => {
  const { write, reader } = world(t)
  write(5_000)
  const ahead = reader(begin)
  const seen: number[] = []
  for (let batch = ahead.next(); batch !== null;) {
    const next = ahead.next()
    seen.push(...batch.records.map(({ record }) => Number.parseInt(record.body, 10)))
    batch = next
  }
  assert.deepEqual(seen, upTo(5_000))
})

test('there is surely more inside of a piece and behind a full one; what was just written waits for company', (t) => {
  const { write, reader } = world(t)
  const one = reader(begin)
  assert.deepEqual([one.next(), one.hasMore], [null, false])
  write(400)
  assert.equal(one.next()!.records.length, 300)
  assert.equal(one.hasMore, true)
  assert.equal(one.next()!.records.length, 100)
  assert.equal(one.hasMore, false)
  write(40)
  assert.equal(one.next()!.records.length, 40)
  write(2_000)
  const many = reader(begin)
  for (let read = 0; read < 900;) read += many.next()!.records.length
  assert.equal(many.hasMore, true)
})

test('what a filter leaves out is passed over', (t) => {
  const { write, reader } = world(t)
  write(2_500)
  assert.deepEqual(
    rest(reader(begin, even)).numbers,
    upTo(2_500).filter((number) => number % even === 0),
  )
  const { numbers, places } = rest(reader(begin, 1_000_000))
  assert.deepEqual(numbers, [0])
  assert.deepEqual(rest(reader(places.at(-1)!)).numbers, [])
})
