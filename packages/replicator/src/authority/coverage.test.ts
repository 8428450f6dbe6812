import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Coverage } from './coverage.ts'

test('what is here is told by one clock: from a mark until the heartbeat that had heard it', () => {
  let now = 100
  const coverage = new Coverage(() => now)
  assert.equal(coverage.lagMs, null)
  const [first, second] = [coverage.mark(), ((now = 300), coverage.mark())]
  now = 350
  coverage.heard(second)
  assert.equal(coverage.lagMs, 50)
  // Out of order, of another life of the process, or made up: never younger than it is.
  for (const mark of [first, new Coverage(() => 1).mark(), 'x', '']) coverage.heard(mark)
  now = 400
  assert.equal(coverage.lagMs, 100)
  coverage.heard(coverage.mark().replace(/ .*/, ' 99999'))
  assert.equal(coverage.lagMs, 0)
})
