import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationBoundsMs, Metrics, MetricsReader, quantileMs } from './metrics.ts'

function buffers(count: number): SharedArrayBuffer[] {
  return Array.from({ length: count }, () => new SharedArrayBuffer(Metrics.bytesFor(3)))
}

test('a reader adds up what the threads have counted, by route', () => {
  const memory = buffers(2)
  const [first, second] = [new Metrics(memory[0]!), new Metrics(memory[1]!)]
  first.exchange(1, 200, 3, 1, 'upstream')
  second.exchange(1, 204, 30, 2, 'upstream')
  second.exchange(1, 301, 1, 1, 'filter')
  second.exchange(1, 429, 1, 0, 'filter')
  second.exchange(1, 504, 99_999, 3, 'gateway')
  second.exchange(1, 200, 1, 1, 'fallback-json')
  second.exchange(1, 499, 1, 1, 'aborted')
  second.exchange(2, 200, 1, 1, 'upstream')
  const reader = new MetricsReader(memory)
  const route = reader.route(1)
  assert.deepEqual(route.status, [3, 1, 1, 1])
  assert.equal(route.requests, 7)
  assert.equal(route.aborted, 1)
  assert.equal(route.retries, 3)
  assert.equal(route.fallbacks, 1)
  assert.equal(
    route.buckets.reduce((sum, count) => sum + count, 0),
    7,
  )
  assert.equal(route.buckets.at(-1), 1)
  assert.equal(reader.route(2).requests, 1)
  assert.equal(reader.route(0).requests, 0)
})

test('what a dead thread had open is forgotten, what it had counted is not', () => {
  const memory = buffers(2)
  const reader = new MetricsReader(memory)
  for (const buffer of memory) {
    const metrics = new Metrics(buffer)
    metrics.accepted()
    metrics.connectionRefused()
    metrics.connections(3, 2, 1)
    metrics.tick(5)
    metrics.refused('bad_header')
    metrics.unrouted(404)
    metrics.http2Stream(1)
    metrics.http2Calmed()
    metrics.tunnel(1)
    metrics.tunnelBytes(3, 4)
    metrics.spans(5, 6)
  }
  reader.forgetGauges(0)
  assert.deepEqual(reader.global(), {
    accepted: 2,
    downstreamOpen: 3,
    upstreamOpen: 2,
    upstreamIdle: 1,
    connectionsRefused: 2,
    http2Streams: 1,
    http2Calmed: 2,
    tunnels: 1,
    tunnelBytesIn: 6,
    tunnelBytesOut: 8,
    spansExported: 10,
    spansDropped: 12,
    refused: new Map([['bad_header', 2]]),
    unrouted: 2,
  })
  assert.deepEqual([reader.tickAt(0), reader.tickAt(1)], [0, 5])
})

function bucketsOf(durations: readonly number[]): number[] {
  const buckets = Array.from<number>({ length: durationBoundsMs.length + 1 }).fill(0)
  for (const duration of durations) {
    const index = durationBoundsMs.findIndex((bound) => duration <= bound)
    buckets[index === -1 ? durationBoundsMs.length : index]!++
  }
  return buckets
}

test('a quantile without samples is none; beyond the last bound it is that bound', () => {
  assert.equal(quantileMs(bucketsOf([]), 0.5), null)
  assert.equal(quantileMs(bucketsOf([50_000, 60_000]), 0.99), 10_000)
})

test('a quantile lies in the bucket where the true one does, and grows with the share', () => {
  const durations = fc.array(fc.double({ min: 0.01, max: 9_999, noNaN: true }), {
    minLength: 1,
    maxLength: 50,
  })
  const share = fc.double({ min: 0.01, max: 1, noNaN: true })
  fc.assert(
    fc.property(durations, share, share, (samples, a, b) => {
      const buckets = bucketsOf(samples)
      const estimate = quantileMs(buckets, a)!
      const truth = samples.toSorted((x, y) => x - y)[Math.ceil(a * samples.length - 1e-9) - 1]!
      const index = durationBoundsMs.findIndex((bound) => truth <= bound)
      assert.ok(
        estimate <= durationBoundsMs[index]! && estimate >= (durationBoundsMs[index - 1] ?? 0),
        `${estimate} for ${truth}`,
      )
      assert.ok(quantileMs(buckets, Math.max(a, b))! >= quantileMs(buckets, Math.min(a, b))!)
    }),
  )
})
