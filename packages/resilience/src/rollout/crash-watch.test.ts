import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrashWatch, isCrashing } from './crash-watch.ts'

test('ends are counted one by one, for a minute, of whoever ended most often', () => {
  const watch = new CrashWatch()
  for (const [at, a, b] of [
    [0, true, true],
    [1_000, false, true],
    [2_000, false, false],
    [3_000, true, true],
    [4_000, false, true],
  ] as const) {
    watch.see('a', a, null, at)
    watch.see('b', b, null, at)
  }
  assert.equal(watch.worst(4_000), 2)
  assert.equal(watch.worst(61_500), 1, 'the first is forgotten')
  assert.equal(watch.worst(70_000), 0)
})

test('what is down when it is first seen has not ended, and restarts between two looks all count', () => {
  const watch = new CrashWatch()
  watch.see('a', false, 7, 0)
  assert.equal(watch.worst(0), 0)
  watch.see('a', true, 7, 500)
  watch.see('a', true, 9, 1_000)
  assert.equal(watch.worst(1_000), 2)
  watch.see('a', true, 0, 1_500)
  assert.equal(watch.worst(1_500), 2, 'an agent that began anew says nothing')
  watch.see('a', false, 0, 2_000)
  watch.see('a', true, 1, 2_500)
  assert.equal(watch.worst(2_500), 3, 'checks and the agent saw one end, not two')
})

for (const [canary, stable, crashing] of [
  [1, 0, false],
  [2, 0, true],
  [2, 1, true],
  [9, 2, false],
] as const)
  test(`${canary} ends, ${stable} of stable: ${crashing}`, () =>
    assert.equal(isCrashing(canary, stable), crashing))
