import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CircuitBreaker,
  failure,
  ignored,
  LocalCells,
  parseRetryAfter,
  RetryBudget as GatewayBudget,
  success,
} from '@budao/resilience'
import fc from 'fast-check'
import * as breaker from './breaker.ts'
import { retryAfterMs } from './retry-after.ts'
import { RetryBudget } from './retry-budget.ts'

const options = {
  windowMs: breaker.WINDOW_MS,
  buckets: breaker.BUCKETS,
  requestVolumeThreshold: breaker.CALLS_MIN,
  errorThresholdPercentage: breaker.FAILED_PERCENT,
  sleepWindowMs: breaker.SLEEP_MS,
  trialLeaseMs: breaker.TRIAL_LEASE_MS,
}
const outcomes = { good: success, bad: failure, nothing: ignored } as const

test('the phone’s breaker and the gateway’s give the same verdicts, whatever happens', () => {
  const step = fc.record({
    passMs: fc.oneof(fc.nat(50), fc.nat(6_000), fc.nat(70_000)),
    evidence: fc.constantFrom<breaker.Evidence>('good', 'bad', 'bad', 'nothing'),
    /** Whether a call ends before the next begins, or much later. */
    late: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ours = new breaker.Breaker()
      const theirs = new CircuitBreaker(new LocalCells(CircuitBreaker.cellsFor(options)), options)
      const open: [ours: number, theirs: number, evidence: breaker.Evidence][] = []
      let now = 0
      const end = ([our, their, evidence]: (typeof open)[number]): void => {
        ours.record(our, evidence, now)
        theirs.record(their, outcomes[evidence], 1, now)
      }
      for (const { passMs, evidence, late } of steps) {
        now += passMs
        const our = ours.admit(now)
        const their = theirs.admit(now)
        assert.equal(our >= 0, their >= 0, `at ${now} ms`)
        if (our >= 0) open.push([our, their, evidence])
        if (!late) for (const call of open.splice(0)) end(call)
        else if (open.length > 3) end(open.shift()!)
      }
    }),
    { numRuns: 500 },
  )
})

test('the phone’s retry budget and the gateway’s allow the same retries', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.boolean(), { maxLength: 300 }),
      (percent, calls) => {
        const ours = new RetryBudget(percent)
        const theirs = new GatewayBudget(new LocalCells(GatewayBudget.cellsFor()), {
          percent,
          minPerSecond: 0,
          capacity: 10,
        })
        // What a new client has before its calls have earned any.
        let free = 5
        for (const retries of calls) {
          ours.deposit()
          theirs.deposit()
          if (!retries) continue
          const allowed = ours.withdraw()
          const theirsAllows = theirs.withdraw(0)
          if (allowed && !theirsAllows) free--
          else assert.equal(allowed, theirsAllows)
        }
        assert.ok(free >= 0, 'never more than the five it began with')
      },
    ),
  )
})

test('Retry-After means to the phone what it means to the gateway', () => {
  const now = Date.UTC(2026, 10, 26, 12)
  const date = (ms: number): string => new Date(now + ms).toUTCString()
  for (const header of [
    '0',
    '1',
    ' 30 ',
    '99999',
    '',
    'soon',
    '-1',
    '1.5',
    date(5_000),
    date(-5_000),
    date(9e6),
  ])
    assert.equal(retryAfterMs(header, now), parseRetryAfter(header, now) ?? 0, header)
  assert.equal(retryAfterMs(undefined, now), 0)
})
