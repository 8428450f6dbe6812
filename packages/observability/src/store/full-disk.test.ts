import assert from 'node:assert/strict'
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parseLogFilter } from '@budao/model'
import { memoryFolder, whyNoNetwork } from '@budao/testkit'
import { jsonParser } from '../record/json-parser.ts'
import { allTaken } from '../ship/log-sink.ts'
import { SinkRunner } from '../ship/sink-runner.ts'
import { LogDecoder } from './log-decoder.ts'
import { LogSearch } from './log-search.ts'
import { LogStore } from './log-store.ts'
import { RecordBatch } from './record-batch.ts'
import { readLog } from './segment-reader.ts'

/** Until only about so many bytes are left. */
function fill(file: string, leaving: number): void {
  try {
    for (;;) writeFileSync(file, Buffer.alloc(4_096), { flag: 'a' })
  } catch {
    truncateSync(file, statSync(file).size - leaving)
  }
}

test('a full disk: an append is all or nothing, and an index that has no room is made up for when there is some', async (t) => {
  const why = await whyNoNetwork()
  if (why !== undefined) return t.skip(why)
  const disk = memoryFolder(t, '3m')
  const folder = join(disk, 'logs')
  const warnings: string[] = []
  const open = (): LogStore =>
    LogStore.open({
      folder,
      ageMax: Infinity,
      bytesMax: Infinity,
      segmentBytes: 262_144,
      now: Date.now,
      warn: (message) => warnings.push(message),
    })
  const append = (store: LogStore, number: number): void => {
    const source = store.log.sourceNumber({ resource: {}, attributes: {} })
    const batch = Array.from({ length: 20 }, (_, line) =>
      jsonParser(JSON.stringify({ msg: `batch ${number} line ${line}`, pad: 'x'.repeat(150) }), source, 1),
    )
    store.append(RecordBatch.of(batch), { f1: { offset: number } })
  }
  let store = open()
  t.after(() => store.close())
  let taken = 0
  for (; taken < 50; taken++) append(store, taken)
  const filler = join(disk, 'filler')
  // Room for lines, and for less of the index than a block of them is worth.
  fill(filler, 65_536)
  const untilFull = (): void => {
    for (; ; taken++) {
      append(store, taken)
      store.tend(0, false)
    }
  }
  assert.throws(untilFull, { code: 'ENOSPC' })
  assert.match(warnings.join('\n'), /index\.db is behind: database or disk is full/)
  assert.deepEqual(store.log.positions.get('f1'), { offset: taken - 1 })
  // Opened anew on the full disk, which also has no room for what SQLite wants at its side.
  store.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder, `index.db${suffix}`), { force: true })
  fill(filler, 0)
  store = open()
  assert.throws(() => append(store, taken), { code: 'ENOSPC' })
  rmSync(filler)
  append(store, taken++)
  for (let tries = 0; tries < 20; tries++) store.tend(0, false)
  assert.match(warnings.at(-1)!, /index\.db has everything again/)

  const decoder = new LogDecoder(folder)
  const stored: string[] = []
  for (
    let piece = readLog(folder, { segment: 0, offset: 0 });
    piece !== null;
    piece = readLog(folder, piece.next)
  )
    stored.push(...decoder.records(piece).map(({ body }) => body))
  assert.equal(stored.length, taken * 20)
  assert.equal(new Set(stored).size, taken * 20)
  const search = new LogSearch(folder)
  const found = await search.find({ filter: parseLogFilter('line'), from: 0, to: 9, limit: 100_000 }, 10_000)
  await search.close()
  assert.deepEqual(found.records.map(({ body }) => body).toSorted(), stored.toSorted())
})

test('a full disk: what a sink has taken is remembered all the same', async (t) => {
  const why = await whyNoNetwork()
  if (why !== undefined) return t.skip(why)
  const disk = memoryFolder(t, '2m')
  const folder = join(disk, 'logs')
  const open = (): LogStore =>
    LogStore.open({ folder, ageMax: Infinity, bytesMax: Infinity, now: Date.now, warn: () => {} })
  const store = open()
  const source = store.log.sourceNumber({ resource: {}, attributes: {} })
  const line = (number: number): string => JSON.stringify({ msg: `m${number}` })
  store.append(
    RecordBatch.of(Array.from({ length: 300 }, (_, number) => jsonParser(line(number), source, 1))),
    {},
  )
  store.close()
  const taken: string[][] = []
  const run = (): SinkRunner =>
    new SinkRunner({
      name: 'test',
      folder,
      placeFile: join(disk, 'place.json'),
      test: null,
      batch: 50,
      timeout: 1_000,
      open: async () => ({
        send: async (records) => {
          taken.push(records.map(({ record }) => record.body))
          return allTaken
        },
        close: async () => {},
      }),
      decoder: new LogDecoder(folder),
      random: () => 0,
    })
  const runner = run()
  fill(join(disk, 'filler'), 0)
  for (let tries = 0; taken.length < 6 && tries < 1_000; tries++) await pause(10)
  await runner.close()
  assert.equal(runner.report().problem, null)
  rmSync(join(disk, 'filler'))
  const more = open()
  more.append(
    RecordBatch.of([jsonParser(line(300), more.log.sourceNumber({ resource: {}, attributes: {} }), 1)]),
    {},
  )
  more.close()
  const again = run()
  for (let tries = 0; taken.flat().at(-1) !== 'm300' && tries < 1_000; tries++) await pause(10)
  await again.close()
  assert.deepEqual(
    taken.flat(),
    Array.from({ length: 301 }, (_, number) => `m${number}`),
  )
})
