import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Applier, ApplyBatch, LogEntry } from '@budao/model'
import { testEvent } from '@budao/testkit'
import { Incoming } from './incoming.ts'

/** Events of each entry of the one batch that is read. */
const sizes = [1, 1, 5, 1, 1, 1, 2]

async function batchesOf(eventsMax?: number): Promise<ApplyBatch[]> {
  let n = 0
  const entries: LogEntry[] = sizes.map((size, offset) => ({
    offset,
    events: Array.from({ length: size }, () => testEvent(n++)),
  }))
  const given: ApplyBatch[] = []
  const end = Promise.withResolvers<null>()
  const done = Promise.withResolvers<void>()
  const applier: Applier = {
    ...(eventsMax !== undefined && { eventsMax }),
    watermark: async () => ({ logId: 'log', partition: 0, offset: 0 }),
    apply: async (batch) => {
      given.push(batch)
      return { applied: 0, duplicates: 0, conflicts: 0, parked: [] }
    },
    close: async () => {},
  }
  let read = false
  const incoming = new Incoming({
    ...{ origin: 'east', partition: 0, applier, onState: () => {}, now: () => 0 },
    log: {
      bounds: async () => ({ logId: 'log', first: 0, end: entries.length }),
      read: () => ({
        next: async () => (read ? end.promise : ((read = true), entries)),
        close: () => end.resolve(null),
      }),
    },
    onApplied: (next) => next.offset === entries.length && done.resolve(),
  })
  await done.promise
  await incoming.close()
  return given
}

test('an applier that holds the thread is given whole entries of about as many events as it wants, with their watermark', async () => {
  const batches = await batchesOf(3)
  assert.deepEqual(
    batches.map(({ entries, next }) => [entries.map(({ offset }) => offset), next.offset]),
    [
      [[0, 1, 2], 3],
      [[3, 4, 5], 6],
      [[6], 7],
    ],
  )
})

test('any other is given all that was read', async () => {
  assert.deepEqual(
    (await batchesOf()).map(({ entries, next }) => [entries.length, next.offset]),
    [[sizes.length, sizes.length]],
  )
})
