import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BudaoEvent, EventDraft } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { EventLog } from './event-log.ts'

const draft: EventDraft = {
  kind: 'endpoint.unhealthy',
  severity: 'warning',
  subject: '127.0.0.1:7001',
  message: '127.0.0.1:7001 failed 3 checks in a row',
  evidence: { misses: 3, lastError: 'connection refused' },
}

const seqs = (events: readonly BudaoEvent[]): number[] => events.map(({ seq }) => seq)

const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter(Boolean)

test('events are numbered without gaps and dated', async () => {
  const log = await EventLog.open({ now: () => new Date(0) })
  assert.equal(log.lastSeq, 0)
  const event = log.append(draft)
  assert.deepEqual(event, { seq: 1, at: '1970-01-01T00:00:00.000Z', ...draft })
  assert.equal(log.append(draft).seq, 2)
  assert.equal(log.lastSeq, 2)
  assert.equal(log.status, null)
})

test('memory holds the newest events and no more', async () => {
  const log = await EventLog.open({ eventsMax: 8 })
  for (let index = 0; index < 100; index++) {
    log.append(draft)
    assert.ok(log.list({ limit: 1000 }).length <= 8)
  }
  assert.deepEqual(seqs(log.list({ limit: 1000 })), [93, 94, 95, 96, 97, 98, 99, 100])
})

test('without a position the newest are meant, after one the next', async () => {
  const log = await EventLog.open()
  for (let index = 0; index < 10; index++)
    log.append({ ...draft, kind: index % 2 ? 'breaker.opened' : draft.kind })
  assert.deepEqual(seqs(log.list({ limit: 3 })), [8, 9, 10])
  assert.deepEqual(seqs(log.list({ after: 3, limit: 3 })), [4, 5, 6])
  assert.deepEqual(seqs(log.list({ after: 3, limit: 3, kind: 'breaker.opened' })), [4, 6, 8])
  assert.deepEqual(seqs(log.list({ after: 10 })), [])
})

test('listeners hear later events in order until they stop; one that throws stops nobody', async () => {
  const failures: string[] = []
  const log = await EventLog.open({ onFailure: (error) => failures.push(error.message) })
  log.append(draft)
  log.subscribe(() => {
    throw new Error('broken listener')
  })
  const heard: number[] = []
  const stop = log.subscribe(({ seq }) => heard.push(seq))
  log.append(draft)
  log.append(draft)
  stop()
  log.append(draft)
  assert.deepEqual(heard, [2, 3])
  assert.deepEqual(failures, ['broken listener', 'broken listener', 'broken listener'])
})

test('every event reaches the file, and numbering goes on after a restart', async (t) => {
  const dir = join(tempDir(t), 'made', 'by', 'us')
  const first = await EventLog.open({ dir })
  const written = [first.append(draft), first.append(draft)]
  await first.close()
  assert.deepEqual(
    lines(join(dir, 'events.ndjson')).map((line) => JSON.parse(line) as BudaoEvent),
    written,
  )

  const second = await EventLog.open({ dir })
  assert.deepEqual(second.list(), written)
  assert.equal(second.append(draft).seq, 3)
  await second.close()
  assert.equal(lines(join(dir, 'events.ndjson')).length, 3)
})

test('a last line torn by a crash is passed over, and does not spoil the next', async (t) => {
  const dir = tempDir(t)
  const path = join(dir, 'events.ndjson')
  const first = await EventLog.open({ dir })
  first.append(draft)
  first.append(draft)
  await first.close()
  truncateSync(path, readFileSync(path).length - 10)

  const second = await EventLog.open({ dir })
  assert.deepEqual(seqs(second.list()), [1])
  assert.equal(second.append(draft).seq, 2)
  await second.close()

  const third = await EventLog.open({ dir })
  assert.deepEqual(seqs(third.list()), [1, 2])
})

test('lines that are not events are passed over', async (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'events.ndjson'), 'garbage\n{}\nnull\n[1]\n"seq"\n')
  const log = await EventLog.open({ dir })
  assert.equal(log.append(draft).seq, 1)
  await log.close()
  appendFileSync(join(dir, 'events.ndjson'), '{"seq":"2"}\n')
  assert.equal((await EventLog.open({ dir })).lastSeq, 1)
})

test('the file is put aside by size, a bounded number is kept, and the newest are found again', async (t) => {
  const dir = tempDir(t)
  const options = { dir, fileBytesMax: 1_000, filesMax: 3 }
  const log = await EventLog.open(options)
  for (let index = 0; index < 50; index++) {
    log.append(draft)
    await log.flush()
  }
  await log.close()
  assert.deepEqual(readdirSync(dir).toSorted(), ['events.1.ndjson', 'events.2.ndjson', 'events.ndjson'])
  for (const name of readdirSync(dir)) assert.ok(readFileSync(join(dir, name)).length <= 1_000)

  const again = await EventLog.open(options)
  const found = seqs(again.list({ limit: 1_000 }))
  assert.ok(found.length > lines(join(dir, 'events.ndjson')).length, 'older files are read too')
  assert.deepEqual(
    found,
    found.map((_, index) => 50 - found.length + index + 1),
  )
})

test('a folder that cannot be written is reported once, counted, and never in the way', async (t) => {
  const dir = join(tempDir(t), 'file')
  writeFileSync(dir, 'not a folder')
  const failures: Error[] = []
  const log = await EventLog.open({ dir, onFailure: (error) => failures.push(error) })
  log.append(draft)
  await log.flush()
  log.append(draft)
  await log.flush()
  assert.deepEqual(seqs(log.list()), [1, 2])
  assert.equal(failures.length, 1)
  assert.ok((log.status?.failures ?? 0) >= 2)
  assert.equal(log.status?.pending, 2)
  assert.match(log.status.lastError ?? '', /EEXIST|ENOTDIR/)

  rmSync(dir)
  await log.close()
  assert.equal(log.status?.pending, 0)
  assert.equal(log.status.lastError, null)
  assert.deepEqual(lines(join(dir, 'events.ndjson')).length, 2)
})

test('what waits for a broken disk is bounded, and what is lost is counted', async (t) => {
  const dir = join(tempDir(t), 'file')
  writeFileSync(dir, 'not a folder')
  const log = await EventLog.open({ dir })
  for (let index = 0; index < 2_500; index++) log.append(draft)
  await log.flush()
  assert.equal(log.status?.pending, 2_000)
  assert.equal(log.status.dropped, 500)
  await log.close()
})
