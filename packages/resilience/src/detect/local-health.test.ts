import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalHealth } from './local-health.ts'

test('who was stopped for more than half a second abstains until beats are heard anew', () => {
  const health = new LocalHealth(0)
  assert.equal(health.turn(100), false)
  assert.equal(health.turn(700), true)
  assert.equal(health.abstains(700), 'paused')
  assert.equal(health.abstains(2_200), null)
})

test('who is late with timers, or sees most of the world fail, abstains while it lasts', () => {
  const health = new LocalHealth(0)
  health.loopDelay(101, 0)
  assert.equal(health.abstains(0), 'loop-delay')
  health.loopDelay(100, 10)
  assert.equal(health.abstains(10), null)
  assert.equal(health.domains(2, 3, 20), null)
  assert.equal(health.abstains(20), 'isolated')
})

test('who was cut off is told since when, and abstains until beats are heard anew', () => {
  const health = new LocalHealth(0)
  health.domains(2, 3, 5_000)
  assert.equal(health.domains(1, 3, 9_000), 3_500)
  assert.equal(health.domains(1, 3, 9_100), null)
  assert.equal(health.abstains(10_400), 'isolated')
  assert.equal(health.abstains(10_500), null)
})

test('a pause and late timers make silence, not refusals; being cut off makes both', () => {
  const health = new LocalHealth(0)
  health.turn(700)
  assert.deepEqual([health.abstains(800), health.abstains(800, true)], ['paused', null])
  health.loopDelay(101, 900)
  assert.deepEqual([health.abstains(9_000), health.abstains(9_000, true)], ['loop-delay', null])
  health.domains(2, 3, 9_100)
  assert.equal(health.abstains(9_100, true), 'isolated')
})

test('who has only just begun knows nobody yet: it abstains, and is no more patient for that', () => {
  const health = new LocalHealth(0)
  health.domains(2, 3, 0)
  assert.deepEqual([health.abstains(0), health.stretch], ['isolated', 1])
  health.domains(1, 3, 2_000)
  health.domains(2, 3, 4_000)
  assert.equal(health.stretch, 2)
})

test('patience grows up to eight times, and comes back one by one', () => {
  const health = new LocalHealth(0)
  for (let now = 1_000; now <= 12_000; now += 1_000) health.turn(now)
  assert.equal(health.stretch, 8)
  for (let now = 12_100; now <= 17_100; now += 100) health.turn(now)
  assert.equal(health.stretch, 7)
  for (let now = 17_200; now <= 60_000; now += 100) health.turn(now)
  assert.equal(health.stretch, 1)
})
