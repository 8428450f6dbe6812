import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells } from './cells.ts'
import { RetryBudget } from './retry-budget.ts'

function withdrawAll(budget: RetryBudget, now: number): number {
  let count = 0
  while (budget.withdraw(now)) count++
  return count
}

test('twenty in a hundred requests may be retried, and three more in every second', () => {
  const budget = new RetryBudget(new LocalCells(RetryBudget.cellsFor()))
  assert.equal(budget.tokens(0), 3)
  assert.equal(withdrawAll(budget, 0), 3)
  assert.equal(withdrawAll(budget, 999), 0)
  assert.equal(withdrawAll(budget, 1_000), 3)
  for (let i = 0; i < 100; i++) budget.deposit()
  assert.equal(budget.tokens(1_000), 20)
  assert.equal(withdrawAll(budget, 1_000), 20)
  assert.equal(budget.tokens(2_000), 3)
})

test('savings are bounded', () => {
  const budget = new RetryBudget(new LocalCells(2), { percent: 100, minPerSecond: 0, capacity: 10 })
  for (let i = 0; i < 1_000; i++) budget.deposit()
  assert.equal(withdrawAll(budget, 0), 10)
})

test('with 0 percent and no floor there is no retry', () => {
  const budget = new RetryBudget(new LocalCells(2), { percent: 0, minPerSecond: 0 })
  for (let i = 0; i < 1_000; i++) budget.deposit()
  assert.equal(withdrawAll(budget, 12_345), 0)
})

test('retries never exceed the share of requests and the floor of the seconds gone by', () => {
  const steps = fc.array(fc.record({ wait: fc.nat(700), requests: fc.nat(40), retries: fc.nat(40) }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(5), steps, (percent, minPerSecond, schedule) => {
      const budget = new RetryBudget(new LocalCells(2), { percent, minPerSecond })
      let now = 0
      let requests = 0
      let retries = 0
      for (const step of schedule) {
        now += step.wait
        for (let i = 0; i < step.requests; i++) budget.deposit()
        requests += step.requests
        for (let i = 0; i < step.retries; i++) if (budget.withdraw(now)) retries++
        const seconds = Math.floor(now / 1_000) + 1
        assert.ok(retries <= (requests * percent) / 100 + minPerSecond * seconds)
      }
    }),
  )
})
