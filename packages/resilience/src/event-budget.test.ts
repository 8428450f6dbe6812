import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { EventBudget } from './event-budget.ts'

test('a burst is allowed once, and earned again over the time', () => {
  const budget = new EventBudget(0, { events: 3, perMs: 300 })
  assert.deepEqual(
    [0, 0, 0, 0].map((now) => budget.spend(now)),
    [true, true, true, false],
  )
  assert.equal(budget.spend(99), false)
  assert.equal(budget.spend(100), true)
  assert.equal(budget.spend(199), false)
})

test('a costly event takes more', () => {
  const budget = new EventBudget(0, { events: 10, perMs: 1_000 })
  assert.equal(budget.spend(0, 8), true)
  assert.equal(budget.spend(0, 3), false)
  assert.equal(budget.spend(0, 2), true)
})

test('over any time at most the burst and what was earned is spent', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ pause: fc.nat(50), cost: fc.integer({ min: 1, max: 5 }) })),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 1_000 }),
      (events, burst, perMs) => {
        const budget = new EventBudget(0, { events: burst, perMs })
        let now = 0
        let spent = 0
        for (const { pause, cost } of events) {
          now += pause
          if (budget.spend(now, cost)) spent += cost
        }
        assert.ok(spent <= burst + (now * burst) / perMs + 1e-6)
      },
    ),
  )
})

test('options out of range are refused', () => {
  assert.throws(() => new EventBudget(0, { events: 0, perMs: 1 }), /expected at least 1/)
  assert.throws(() => new EventBudget(0, { events: 1, perMs: 0 }), /more than 0/)
})
