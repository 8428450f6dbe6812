import assert from 'node:assert/strict'
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { LogFullError, type LogPosition } from '@budao/model'
import { takeEvents, tempDir, testEvent, testEventLog } from '@budao/testkit'
import { HttpFront } from '../http/http-front.ts'
import { logRoutes } from './log-routes.ts'
import { RemoteLog } from './remote-log.ts'
import { SegmentLog, type SegmentLogOptions } from './segment-log.ts'

const token = 'between-sites'

testEventLog({
  name: 'embedded log',
  partitions: [1],
  open: async (t) => {
    const folder = tempDir(t)
    let now = 1_000_000
    const options: SegmentLogOptions = { folder, segmentBytes: 2000, keepMs: 60_000, now: () => now }
    let log = await SegmentLog.open(options)
    let front = await HttpFront.listen({ host: '127.0.0.1', port: 0, token, handlers: logRoutes(log) })
    const { port } = front
    const listen = async (): Promise<void> => {
      front = await HttpFront.listen({ host: '127.0.0.1', port, token, handlers: logRoutes(log) })
    }
    t.after(async () => {
      await front.close()
      await log.close()
    })
    return {
      log,
      peer: new RemoteLog({ url: `http://127.0.0.1:${port}`, token }),
      takeAway: async () => {
        await front.close()
        return listen
      },
      removeOld: async () => {
        for (let n = 0; n < 20; n++) await log.append([[testEvent(n)]], 'durable')
        now += 60_001
        await log.append([[testEvent(20)]], 'durable')
        await log.clean()
      },
      loseAll: async () => {
        await front.close()
        await log.close()
        rmSync(folder, { recursive: true })
        log = await SegmentLog.open(options)
        await listen()
      },
      reopen: async () => {
        await front.close()
        await log.close()
        log = await SegmentLog.open(options)
        await listen()
        return log
      },
    }
  },
})

test('the peer is asked for its token', async (t) => {
  const log = await openLog(t, tempDir(t))
  const front = await HttpFront.listen({ host: '127.0.0.1', port: 0, token, handlers: logRoutes(log) })
  t.after(() => front.close())
  const asked = new RemoteLog({ url: `http://127.0.0.1:${front.port}`, token: 'another' })
  await assert.rejects(asked.bounds(), /answers 401/)
})

// Every place where a crash can end the file.
test('whatever is left of the last entry, the log opens with all before it and goes on', async (t) => {
  const folder = tempDir(t)
  const whole = await openLog(t, folder)
  await whole.append([[testEvent(0)]], 'durable')
  const keep = statSync(segment(folder)).size
  await whole.append([[testEvent(1)]], 'durable')
  await whole.close()
  const bytes = readFileSync(segment(folder))
  for (let length = keep; length < bytes.length; length += 7) {
    writeFileSync(segment(folder), bytes.subarray(0, length))
    const log = await SegmentLog.open({ folder })
    assert.equal((await log.bounds()).end, 1)
    await log.append([[testEvent(9)]], 'durable')
    assert.deepEqual(await idsOf(log, 2), ['e-0', 'e-9'])
    await log.close()
  }
})

test('garbage behind the last entry is cut off', async (t) => {
  const folder = tempDir(t)
  const before = await openLog(t, folder)
  await before.append([[testEvent(0)]], 'durable')
  await before.close()
  appendFileSync(segment(folder), 'BUD1 nothing of ours')
  const log = await openLog(t, folder)
  assert.deepEqual(await idsOf(log, 1), ['e-0'])
})

test('a broken entry that had been on the disk is no torn tail: the log does not open', async (t) => {
  const folder = tempDir(t)
  const before = await openLog(t, folder)
  for (let n = 0; n < 3; n++) await before.append([[testEvent(n)]], 'durable')
  await before.close()
  const bytes = readFileSync(segment(folder))
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
  writeFileSync(segment(folder), bytes)
  await assert.rejects(SegmentLog.open({ folder }), /entry 0 at byte 0 is broken, and was whole before entry/)
})

test('a broken entry of an older file is told to its reader, not passed over', async (t) => {
  const folder = tempDir(t)
  const log = await openLog(t, folder, { segmentBytes: 300 })
  for (let n = 0; n < 3; n++) await log.append([[testEvent(n)]], 'durable')
  const bytes = readFileSync(segment(folder))
  bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60)
  writeFileSync(segment(folder), bytes)
  await assert.rejects(idsOf(log, 1), /broken at byte 0: restore it or resync/)
})

test('beyond its limit the log refuses, unless the peers have read what is old; the alarm is at 80 %', async (t) => {
  const told: number[] = []
  const folder = tempDir(t)
  const log = await openLog(t, folder, {
    segmentBytes: 1000,
    bytesMax: 5000,
    onFill: (percent) => told.push(Math.round(percent)),
  })
  let n = 0
  const fill = async (): Promise<void> => {
    for (;;) await log.append([[testEvent(n++)]], 'durable')
  }
  await assert.rejects(fill(), LogFullError)
  assert.equal(told.length, 1)
  assert.ok(told[0]! >= 80 && told[0]! < 100)
  log.release(n - 1)
  // Files are removed behind a write, before the next one.
  for (let i = 0; i < 2; i++) await log.append([[testEvent(n + i)]], 'durable')
  assert.equal(told.length, 2)
  assert.ok((await log.bounds()).first > 0)
})

test('an entry larger than a read is read all the same', async (t) => {
  const log = await openLog(t, tempDir(t))
  const large = testEvent(1, { payload: { text: 'x'.repeat(600_000) } })
  await log.append([[testEvent(0)], [large], [testEvent(2)]], 'durable')
  assert.deepEqual(await idsOf(log, 3, 1000), ['e-0', 'e-1', 'e-2'])
})

test('once the disk fails nothing is acknowledged any more', async (t) => {
  const folder = tempDir(t)
  const log = await openLog(t, folder, { segmentBytes: 10 })
  await log.append([[testEvent(0)]], 'durable')
  // The next file cannot be made.
  writeFileSync(join(folder, '0000000000000001.log'), '')
  await assert.rejects(log.append([[testEvent(1)]], 'durable'), /EEXIST/)
  await assert.rejects(log.append([[testEvent(2)]], 'durable'), /EEXIST/)
  truncateSync(join(folder, '0000000000000001.log'))
})

async function openLog(
  t: TestContext,
  folder: string,
  options: Partial<SegmentLogOptions> = {},
): Promise<SegmentLog> {
  const log = await SegmentLog.open({ folder, ...options })
  t.after(() => log.close())
  return log
}

async function idsOf(log: SegmentLog, count: number, bytesMax?: number): Promise<string[]> {
  const { logId, first } = await log.bounds()
  const from: LogPosition = { logId, partition: 0, offset: first }
  const reader = log.read(from, bytesMax === undefined ? {} : { bytesMax })
  try {
    return (await takeEvents(reader, count)).flatMap(({ events }) => events.map(({ id }) => id))
  } finally {
    reader.close()
  }
}

function segment(folder: string): string {
  return join(folder, readdirSync(folder).toSorted()[0]!)
}
