import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventDraft } from '@budao/model'
import { SheddingWatch, type SheddingService } from './shedding-watch.ts'

test('shedding begins with the first refusal seen, and ends after ten seconds without one', () => {
  const events: EventDraft[] = []
  const watch = new SheddingWatch((event) => events.push(event))
  let counts = [0, 0, 5, 7]
  const service: SheddingService = {
    name: 'shop',
    shedCounts: () => counts,
    loadFacts: () => ({ inFlight: 10, limit: 10, waiting: 3 }),
  }
  let now = 0
  const seconds = (count: number): void => {
    for (let i = 0; i < count; i++) watch.look(service, (now += 1_000))
  }
  seconds(3)
  assert.deepEqual(events, [])
  counts = [0, 0, 5, 9]
  seconds(1)
  counts = [0, 0, 6, 20]
  seconds(1)
  assert.deepEqual(
    events.map(({ kind, subject, evidence }) => [kind, subject, evidence]),
    [
      [
        'service.shedding',
        'shop',
        { critical: 0, high: 0, normal: 0, low: 2, inFlight: 10, limit: 10, waiting: 3 },
      ],
    ],
  )
  seconds(9)
  counts = [0, 0, 6, 21]
  seconds(1)
  seconds(9)
  assert.equal(events.length, 1)
  seconds(1)
  assert.deepEqual(
    events.slice(1).map(({ kind, evidence }) => [kind, evidence['normal'], evidence['low']]),
    [['service.shedding-ended', 1, 14]],
  )
  counts = [1, 0, 6, 21]
  seconds(1)
  assert.equal(events.length, 3)
})

test('each service is on its own', () => {
  const events: EventDraft[] = []
  const watch = new SheddingWatch((event) => events.push(event))
  const counts = { a: [0, 0, 0, 0], b: [0, 0, 0, 0] }
  const service = (name: 'a' | 'b'): SheddingService => ({
    name,
    shedCounts: () => counts[name],
    loadFacts: () => ({}),
  })
  for (const name of ['a', 'b'] as const) watch.look(service(name), 0)
  counts.b = [0, 1, 0, 0]
  for (const name of ['a', 'b'] as const) watch.look(service(name), 1_000)
  assert.deepEqual(
    events.map(({ subject }) => subject),
    ['b'],
  )
})
