import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { tempDir } from '@budao/testkit'
import { jsonParser } from '../record/json-parser.ts'
import { LogDecoder } from '../store/log-decoder.ts'
import { LogStore } from '../store/log-store.ts'
import { RecordBatch } from '../store/record-batch.ts'
import { readLog } from '../store/segment-reader.ts'
import { segmentName } from '../store/segment-log.ts'
import { ByteText } from '../record/byte-text.ts'
import { ecsJson } from './ecs-document.ts'
import { type SinkRecord, sinkRecords } from './sink-record.ts'

const names = fc.oneof(
  fc.constantFrom('message', 'level', 'time', 'trace_id', 'span.id', 'service.name', 'host.name', 'trace.id'),
  fc.constantFrom(
    'log.level',
    'event.severity',
    'event.ingested',
    '@timestamp',
    '名',
    'a"b',
    'log.file.path',
  ),
  fc.string({ unit: 'binary' }),
)
const values = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'error',
    '\\',
    '"',
    '\\"',
    'a,"b":{',
    '支付',
    '\u2028',
    '\ud800',
    '',
    '2026-11-27T06:13:20.007Z',
  ),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(true, false, null, 1_764_208_988_007, 1e30, -5),
  fc.array(fc.integer(), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 2 }),
)
const lines = fc.dictionary(names, values, { maxKeys: 8 }).map((line) => JSON.stringify(line))

/** Some lines in a store. */
function stored(folder: string, texts: readonly string[]): void {
  const store = LogStore.open({ folder, ageMax: Infinity, bytesMax: Infinity, now: Date.now, warn: () => {} })
  const source = store.log.sourceNumber({
    resource: { 'service.name': 'shop', 'host.name': 'a', 名: '店' },
    attributes: { 'log.file.path': '/var/log/"a".log' },
  })
  const parsed = texts.map((text) => jsonParser(text, source, 1_764_208_988_500))
  for (let from = 0; from < parsed.length; from += 20)
    store.append(RecordBatch.of(parsed.slice(from, from + 20)), {})
  store.close()
}

function recordsIn(folder: string): SinkRecord[] {
  const decoder = new LogDecoder(folder)
  const records: SinkRecord[] = []
  let place = { segment: 0, offset: 0 }
  for (let piece = readLog(folder, place); piece !== null; piece = readLog(folder, place)) {
    records.push(...sinkRecords(decoder, piece))
    place = piece.next
  }
  return records
}

test('a document that is put together from the bytes of a line is the one that is made of the record', (t) => {
  const folder = tempDir(t)
  const texts = fc.sample(lines, { numRuns: 1_500, seed: 7 })
  stored(folder, texts)
  const records = recordsIn(folder)
  assert.equal(records.length, texts.length)
  const document = new ByteText()
  let cut = 0
  for (const record of records) {
    if (record.parts() !== null) cut++
    document.clear()
    record.addEcs(document)
    const text = document.bytes.toString()
    assert.deepEqual(JSON.parse(text), JSON.parse(ecsJson(record.record)))
    // A name stands once.
    assert.equal(JSON.stringify(JSON.parse(text)).length, Buffer.from(text).toString().length, text)
  }
  assert.equal(cut, records.length, 'each line is as it is expected to be')
})

test('of a batch that the disk has damaged what can be read is passed on', (t) => {
  const folder = tempDir(t)
  stored(
    folder,
    Array.from({ length: 60 }, (_, n) => JSON.stringify({ msg: `m${n}`, n })),
  )
  const path = join(folder, segmentName(1))
  const bytes = readFileSync(path)
  // In the second batch one record is no JSON any more, and another has other letters.
  bytes[bytes.indexOf('"m25"')] = 0
  bytes[bytes.indexOf('m27')] = 0x6e
  writeFileSync(path, bytes)
  const bodies = recordsIn(folder).map(({ record }) => record.body)
  assert.equal(bodies.length, 59)
  assert.ok(!bodies.includes('m25') && bodies.includes('n27') && bodies.at(-1) === 'm59')
})
