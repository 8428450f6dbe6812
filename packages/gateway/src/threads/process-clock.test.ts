import assert from 'node:assert/strict'
import { test } from 'node:test'
import { originOf } from './process-clock.ts'

test('a thread that is stopped while it reads the clocks has the right time all the same', () => {
  const zero = 1_000_000
  // Every question takes a microsecond; the thread is stopped for 30 ms at these.
  for (const stops of [[1], [2], [1, 13], [2, 4, 13]]) {
    let at = 0
    let questions = 0
    const asked = (): number => {
      if (stops.includes(questions++)) at += 30
      return (at += 0.001)
    }
    const origin = originOf(() => zero + asked(), asked)
    assert.ok(Math.abs(origin - zero) < 0.01, `stopped at ${stops.join(', ')}: ${origin - zero} ms off`)
  }
})
