import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import {
  type ChangeEvent,
  eventDigestInput,
  type EventLog,
  formatHlc,
  type LogEntry,
  type LogPosition,
  type LogReader,
  LogTruncatedError,
  partitionOf,
} from '@budao/model'

/** One kind of event log, for the suite below. */
export interface EventLogKind {
  readonly name: string
  /** Partitions it can be opened with. */
  readonly partitions: readonly number[]
  /** An empty log. Undefined: the test has been skipped. */
  open(t: TestContext, partitions: number): Promise<OpenEventLog | undefined>
}

export interface OpenEventLog {
  readonly log: EventLog
  /** What the other site reads by. */
  readonly peer: Pick<EventLog, 'bounds' | 'read'>
  /** Takes the log away from the peer; the function it returns brings it back with all it had. */
  takeAway(): Promise<() => Promise<void>>
  /** Removes old entries, so that offset 0 of partition 0 is gone, and some newer one is not. */
  removeOld(): Promise<void>
  /** The log is lost and begins again, empty, under the same name. */
  loseAll(): Promise<void>
  /** Another handle of the writer, as after a restart. */
  reopen(): Promise<EventLog>
}

/** An event as tests need one. */
export function testEvent(n: number, more: Partial<ChangeEvent> = {}): ChangeEvent {
  const { hash: _, ...event }: ChangeEvent = {
    id: `e-${n}`,
    op: 'create',
    payload: { id: n, text: '不倒' },
    v: 1,
    origin: 'east',
    epoch: 1,
    hlc: formatHlc(1_700_000_000_000 + n, 0),
    seq: n,
    key: String(n),
    table: 'orders',
    schemaVersion: 1,
    txId: `t-${n}`,
    hash: '',
    ...more,
  }
  return { ...event, hash: hash('sha256', eventDigestInput(event)).slice(0, 32) }
}

/** Reads until `count` events have been seen. */
export async function takeEvents(reader: LogReader, count: number): Promise<LogEntry[]> {
  const taken: LogEntry[] = []
  let events = 0
  while (events < count) {
    const entries = await reader.next()
    assert.notEqual(entries, null, `the reader ended after ${events} of ${count} events`)
    for (const entry of entries!) {
      taken.push(entry)
      events += entry.events.length
    }
  }
  return taken
}

/** Registers what every event log promises, as tests. */
export function testEventLog({ name, partitions: counts, open }: EventLogKind): void {
  const contract = (
    title: string,
    partitions: number,
    body: (opened: OpenEventLog) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, { timeout: 60_000 }, async (t) => {
      const opened = await open(t, partitions)
      if (opened !== undefined) await body(opened)
    })
  }
  const start = async ({ peer }: OpenEventLog, partition = 0): Promise<LogPosition> => {
    const { logId, first } = await peer.bounds(partition)
    return { logId, partition, offset: first }
  }

  contract('transactions come whole and in order, events with all they had', 1, async (opened) => {
    const whole = [testEvent(2), testEvent(3, { txId: 't-2' }), testEvent(4, { txId: 't-2', before: null })]
    const sent = [[testEvent(1, { unknown: { kept: true } } as object)], whole, [testEvent(5)]]
    const reader = opened.peer.read(await start(opened))
    const [position] = await opened.log.append(sent, 'durable')
    const entries = await takeEvents(reader, 5)
    reader.close()
    assert.deepEqual(
      entries.map(({ events }) => events),
      sent,
    )
    assert.deepEqual(
      entries.map(({ offset }) => offset),
      entries.map(({ offset }) => offset).toSorted((a, b) => a - b),
    )
    const bounds = await opened.peer.bounds(0)
    assert.equal(position!.offset, entries.at(-1)!.offset)
    assert.equal(position!.logId, bounds.logId)
    assert.ok(bounds.end > position!.offset)
  })

  contract('whoever appends at once keeps the own order; a reader may begin anywhere', 1, async (opened) => {
    const writers = ['a', 'b', 'c']
    const append = async (writer: string): Promise<void> => {
      const calls: Promise<unknown>[] = []
      for (let n = 0; n < 100; n++) {
        const ack = n % 3 === 0 ? 'durable' : 'accepted'
        calls.push(opened.log.append([[testEvent(n, { id: `${writer}-${n}`, key: writer })]], ack))
      }
      await Promise.all(calls)
    }
    await Promise.all(writers.map(append))
    const reader = opened.peer.read(await start(opened), { bytesMax: 4096 })
    const entries = await takeEvents(reader, 300)
    reader.close()
    for (const writer of writers) {
      const own = entries.flatMap(({ events }) => events).filter(({ key }) => key === writer)
      assert.deepEqual(
        own.map(({ seq }) => seq),
        Array.from({ length: 100 }, (_, n) => n),
      )
    }
    const { logId } = await opened.peer.bounds(0)
    const late = opened.peer.read({ logId, partition: 0, offset: entries[250]!.offset })
    assert.deepEqual(await takeEvents(late, 50), entries.slice(250))
    late.close()
  })

  contract('a reader at the end waits; closing ends its wait', 1, async (opened) => {
    await opened.log.append([[testEvent(1)]], 'durable')
    const reader = opened.peer.read(await start(opened))
    await takeEvents(reader, 1)
    const waiting = reader.next()
    await opened.log.append([[testEvent(2)]], 'durable')
    assert.equal((await waiting)![0]!.events[0]!.id, 'e-2')
    const last = reader.next()
    reader.close()
    assert.equal(await last, null)
  })

  contract('what was acknowledged as durable is there after a restart', 1, async (opened) => {
    await opened.log.append(
      Array.from({ length: 50 }, (_, n) => [testEvent(n)]),
      'durable',
    )
    const log = await opened.reopen()
    await log.append([[testEvent(50)]], 'durable')
    const reader = log.read(await start(opened))
    const entries = await takeEvents(reader, 51)
    reader.close()
    assert.deepEqual(
      entries.map(({ events }) => events[0]!.seq),
      Array.from({ length: 51 }, (_, n) => n),
    )
  })

  contract('a log that is away delays its reader, and nothing is missing afterwards', 1, async (opened) => {
    const reader = opened.peer.read(await start(opened))
    await opened.log.append([[testEvent(1)]], 'durable')
    await takeEvents(reader, 1)
    const bringBack = await opened.takeAway()
    const waiting = takeEvents(reader, 1)
    await bringBack()
    await opened.log.append([[testEvent(2)]], 'durable')
    assert.equal((await waiting)[0]!.events[0]!.id, 'e-2')
    reader.close()
  })

  contract(
    'a reader whose entries were removed is told, and never goes on behind them',
    1,
    async (opened) => {
      const from = await start(opened)
      await opened.removeOld()
      const { first, end } = await opened.peer.bounds(0)
      assert.ok(first > from.offset && end > first)
      const reader = opened.peer.read(from)
      await assert.rejects(reader.next(), (error) => {
        assert.ok(error instanceof LogTruncatedError)
        assert.equal(error.code, 'log-truncated')
        assert.match(error.message, /already removed; resync/)
        return true
      })
      reader.close()
    },
  )

  contract('a log that comes back empty is another log, and its reader is told', 1, async (opened) => {
    await opened.log.append([[testEvent(1)], [testEvent(2)]], 'durable')
    const from = await start(opened)
    const next = { ...from, offset: from.offset + 2 }
    await opened.loseAll()
    const reader = opened.peer.read(next)
    await assert.rejects(reader.next(), LogTruncatedError)
    reader.close()
  })

  const most = Math.max(...counts)
  if (most > 1) {
    contract('a key stays in its partition, a transaction is whole in each', most, async (opened) => {
      const keys = Array.from({ length: 20 }, (_, n) => `k${n}`)
      const sent = [1, 2, 3].map((round) =>
        keys.map((key, n) => testEvent(n, { id: `${key}-${round}`, key, seq: round, txId: `t-${round}` })),
      )
      const positions = await opened.log.append(sent, 'durable')
      assert.equal(new Set(positions.map(({ partition }) => partition)).size, positions.length)
      for (let partition = 0; partition < most; partition++) {
        const own = keys.filter((key) => partitionOf('orders', key, most) === partition)
        if (own.length === 0) continue
        const reader = opened.peer.read(await start(opened, partition))
        const entries = await takeEvents(reader, own.length * 3)
        reader.close()
        assert.deepEqual(
          entries.map(({ events }) => events.map(({ key, seq }) => `${key} ${seq}`)),
          [1, 2, 3].map((round) => own.map((key) => `${key} ${round}`)),
        )
      }
    })
  }
}
