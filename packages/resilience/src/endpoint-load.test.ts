import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalCells } from './cells.ts'
import { SharedEndpointLoad } from './endpoint-load.ts'

test('threads count in one memory, and what a crashed one had under way is taken back', () => {
  const cells = new LocalCells(SharedEndpointLoad.cellsFor(2))
  const [a, b] = [0, 1].map((worker) => new SharedEndpointLoad(cells, { workers: 2, worker }))
  a!.enter()
  a!.enter()
  b!.enter()
  b!.countFailure(0)
  assert.deepEqual([a!.inFlight(), b!.inFlight(), a!.requests, a!.failures], [3, 3, 3, 1])
  a!.leave()
  b!.forget(0)
  assert.deepEqual([a!.inFlight(), b!.inFlight(), b!.requests], [1, 1, 3])
  b!.leave()
  assert.equal(b!.inFlight(), 0)
})

test('a peak counts at once, a better latency gradually', () => {
  const load = new SharedEndpointLoad(new LocalCells(SharedEndpointLoad.cellsFor()))
  load.observe(20, 0)
  load.observe(100, 1)
  assert.equal(load.latencyMs(1), 100)
  load.observe(20, 1_001)
  // One tenth of the decay time has passed: e^-0.1 of the old value remains.
  assert.ok(Math.abs(load.latencyMs(1_001) - (100 * Math.exp(-0.1) + 20 * (1 - Math.exp(-0.1)))) < 1e-9)
  assert.ok(Math.abs(load.lastLatencyMs - load.latencyMs(1_001)) < 0.001)
})

test('without observations the latency sinks to 1/e in the decay time', () => {
  const load = new SharedEndpointLoad(new LocalCells(SharedEndpointLoad.cellsFor()), { decayMs: 500 })
  load.observe(80, 1_000)
  assert.ok(Math.abs(load.latencyMs(1_500) - 80 / Math.E) < 1e-9)
  // A clock read a little earlier by another part of the thread does not raise it.
  assert.equal(load.latencyMs(900), 80)
})

test('an untried endpoint costs nothing while idle, the default while tried, and is not free after a failure', () => {
  const load = new SharedEndpointLoad(new LocalCells(SharedEndpointLoad.cellsFor()))
  assert.equal(load.latencyMs(0), 0)
  load.enter()
  assert.equal(load.latencyMs(0), 10)
  load.leave()
  load.countFailure(0)
  assert.equal(load.latencyMs(0), 10)
})
