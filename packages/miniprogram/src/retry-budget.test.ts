import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANSWERED, RetryBudget } from './retry-budget.ts'

/** Retries that a hundred calls are allowed when so many of them are answered. */
function retries(answered: number): number {
  const budget = new RetryBudget(10)
  // What a new client has is spent first.
  while (budget.withdraw());
  let made = 0
  for (let call = 0; call < 100; call++) {
    budget.deposit()
    if (call % 100 < answered) budget.deposit(ANSWERED)
    while (budget.withdraw()) made++
  }
  return made
}

test('a site that answers nobody is asked a tenth more than once a call; answers earn what a weak network costs', () => {
  assert.equal(retries(0), 10)
  assert.equal(retries(100), 100)
})

test('a budget of nothing stays one, whatever is answered', () => {
  const budget = new RetryBudget(0)
  for (let n = 0; n < 100; n++) budget.deposit(ANSWERED)
  assert.equal(budget.withdraw(), false)
})
