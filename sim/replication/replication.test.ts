import assert from 'node:assert/strict'
import { test } from 'node:test'
import { live } from './world.ts'

test('two sites through crashes, cuts, repeats, skewed clocks and moves: no promise is broken', async () => {
  let [crashes, conflicts, moves, lost] = [0, 0, 0, 0]
  for (let seed = 1; seed <= 12; seed++) {
    const outcome = await live(seed)
    assert.deepEqual(outcome.violations, [], `npm run sim -- replication --seed ${seed} --runs 1`)
    crashes += outcome.crashes
    conflicts += outcome.conflicts
    moves += outcome.moves
    lost += outcome.lost
  }
  // Lives in which nothing happens prove nothing.
  for (const count of [crashes, conflicts, moves, lost]) assert.ok(count > 0)
})

test('one seed is one life', async () => {
  const [one, other] = [await live(7, true), await live(7, true)]
  assert.deepEqual(one.story, other.story)
})
