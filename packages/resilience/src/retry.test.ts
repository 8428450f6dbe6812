import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { backoffMs, isIdempotentMethod, mayRetry } from './retry.ts'
import type { FailedAttempt, RetryVerdict } from './retry.ts'
import { SeededRandom } from './seeded-random.ts'

const first: FailedAttempt = {
  method: 'GET',
  kind: 'reset',
  on: ['connect-failure', 'reset-before-request', 'reset', 'timeout', '502', '503', '504'],
  retries: 0,
  retriesMax: 1,
  bodyKept: true,
  deadlineAt: 3_000,
  now: 100,
}

const table: [attempt: Partial<FailedAttempt>, verdict: RetryVerdict][] = [
  [{}, 'retry'],
  [{ kind: '503' }, 'retry'],
  [{ kind: '500' }, 'kind-not-listed'],
  [{ kind: 'timeout', on: ['502'] }, 'kind-not-listed'],
  [{ method: 'POST' }, 'method-not-idempotent'],
  [{ method: 'POST', kind: 'timeout' }, 'method-not-idempotent'],
  [{ method: 'POST', kind: '502' }, 'method-not-idempotent'],
  [{ method: 'POST', kind: 'connect-failure' }, 'retry'],
  [{ method: 'POST', kind: 'reset-before-request' }, 'retry'],
  [{ method: 'POST', kind: 'reset-before-request', bodyKept: false }, 'body-gone'],
  [{ method: 'PUT', bodyKept: false }, 'body-gone'],
  [{ retries: 1 }, 'attempts-used'],
  [{ retriesMax: 0 }, 'attempts-used'],
  [{ now: 3_000 }, 'deadline-passed'],
  [{ now: 2_999 }, 'retry'],
  [{ deadlineAt: Infinity, now: 1e12 }, 'retry'],
]
for (const [attempt, verdict] of table) {
  test(`${JSON.stringify(attempt)} -> ${verdict}`, () =>
    assert.equal(mayRetry({ ...first, ...attempt }), verdict))
}

test('methods are idempotent as RFC 9110 lists them, in capitals only', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
    assert.ok(isIdempotentMethod(method), method)
  for (const method of ['POST', 'PATCH', 'CONNECT', 'get', 'LOCK', ''])
    assert.ok(!isIdempotentMethod(method), method)
})

test('backoff is drawn evenly below a ceiling that doubles up to ten times the base', () => {
  const random = new SeededRandom(1)
  for (const [retries, ceiling] of [25, 50, 100, 200, 250, 250, 250].entries()) {
    const draws = Array.from({ length: 2_000 }, () => backoffMs(retries, random))
    assert.ok(draws.every((ms) => ms >= 0 && ms < ceiling))
    const mean = draws.reduce((sum, ms) => sum + ms) / draws.length
    assert.ok(Math.abs(mean / ceiling - 0.5) < 0.03, `${mean} of ${ceiling}`)
  }
  assert.ok(backoffMs(2_000, random, { baseMs: 10, maxMs: 40 }) < 40)
})
