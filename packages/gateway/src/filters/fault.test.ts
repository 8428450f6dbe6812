import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultAbort, FaultConfig } from '@budao/model'
import { LocalCells } from '@budao/resilience'
import { faultCells, FaultFilter } from './fault.ts'
import { TestRequest, TestResponse, testEnv } from './test-exchange.test.ts'

function filterWith(config: Partial<FaultConfig>): { filter: FaultFilter; counts: () => number[] } {
  const cells = new LocalCells(faultCells)
  const filter = new FaultFilter({ headers: {}, ...config }, testEnv('.', { cells }))
  return { filter, counts: () => [0, 1, 2].map((place) => cells.load(place)) }
}
const abort = (basisPoints: number): FaultAbort => ({ basisPoints, status: 503 })

test('a share of the requests is answered with the status, and marked', () => {
  const { filter, counts } = filterWith({ abort: abort(2_500), seed: 1 })
  let aborted = 0
  for (let i = 0; i < 10_000; i++) {
    const request = new TestRequest()
    const reply = filter.onRequest(request)
    if (reply === undefined) {
      assert.deepEqual(request.marks, [])
      continue
    }
    aborted++
    assert.ok(!(reply instanceof Promise))
    assert.equal(reply.status, 503)
    assert.match(reply.body, /"error":"fault_injected"/)
    assert.deepEqual(reply.headers.at(-1), ['X-Budao-Fault', 'abort'])
    assert.deepEqual(request.marks, ['fault-abort'])
  }
  // Five standard deviations.
  assert.ok(Math.abs(aborted - 2_500) < 220, String(aborted))
  assert.deepEqual(counts(), [0, aborted, 0])
})

test('one seed draws the same each time; 0 never, 10 000 always', () => {
  const drawn = (basisPoints: number, seed: number): string => {
    const { filter } = filterWith({ abort: abort(basisPoints), seed })
    return Array.from({ length: 50 }, () => (filter.onRequest(new TestRequest()) === undefined ? 0 : 1)).join(
      '',
    )
  }
  assert.equal(drawn(5_000, 3), drawn(5_000, 3))
  assert.notEqual(drawn(5_000, 3), drawn(5_000, 4))
  assert.equal(drawn(0, 3), '0'.repeat(50))
  assert.equal(drawn(10_000, 3), '1'.repeat(50))
})

test('only requests with the headers are meant', () => {
  const { filter } = filterWith({ abort: abort(10_000), headers: { 'x-drill': { exact: 'on' } } })
  assert.equal(filter.onRequest(new TestRequest()), undefined)
  assert.equal(filter.onRequest(new TestRequest({ headers: { 'x-drill': 'off' } })), undefined)
  assert.ok(filter.onRequest(new TestRequest({ headers: { 'x-drill': 'on' } })))
})

test('a delayed request waits, then goes on or fails; both are marked', async () => {
  const delay = { basisPoints: 10_000, fixed: 1, concurrency: 2 }
  const { filter } = filterWith({ delay })
  const request = new TestRequest()
  assert.equal(await filter.onRequest(request), undefined)
  const response = new TestResponse()
  filter.onResponse(request, response)
  assert.equal(response.header('x-budao-fault'), 'delay')
  const both = filterWith({ delay, abort: abort(10_000) })
  const other = new TestRequest()
  assert.equal((await both.filter.onRequest(other))?.status, 503)
  assert.deepEqual(other.marks, ['fault-abort', 'fault-delay'])
  const untouched = new TestResponse()
  filter.onResponse(new TestRequest(), untouched)
  assert.equal(untouched.header('x-budao-fault'), undefined)
})

test('no more wait than may, and closing lets them go', async () => {
  const { filter, counts } = filterWith({
    delay: { basisPoints: 10_000, fixed: 3_600_000, concurrency: 2 },
  })
  const wait = async (): Promise<unknown> => filter.onRequest(new TestRequest())
  const waiting = [wait(), wait()]
  assert.equal(filter.onRequest(new TestRequest()), undefined)
  assert.deepEqual(counts(), [2, 0, 1])
  filter.close()
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined])
})
