import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { OverloadLevel } from './overload-level.ts'

/** The level after each of these pressures, one every 100 ms. */
function levels(...pressures: number[]): number[] {
  const overload = new OverloadLevel()
  return pressures.map((pressure, i) => {
    overload.observe(pressure, i * 100)
    return overload.level
  })
}

test('each half more of pressure sheds another class, one at a time, and never the best', () => {
  assert.deepEqual(levels(0.99, 1, 1.49, 1.5, 2), [0, 1, 1, 2, 3])
  assert.deepEqual(levels(9, 9, 9, 9, 9), [1, 2, 3, 3, 3])
})

test('within a rise nothing changes: its effect is awaited', () => {
  const overload = new OverloadLevel()
  assert.equal(overload.observe(9, 0), true)
  assert.equal(overload.observe(9, 99), false)
  assert.equal(overload.observe(9, 100), true)
  assert.equal(overload.level, 2)
})

test('a class returns when pressure was low for a second, the next a second later', () => {
  const overload = new OverloadLevel()
  overload.observe(2, 0)
  overload.observe(2, 100)
  assert.equal(overload.level, 2)
  const seen: [number, number][] = []
  for (let now = 200; now <= 3_000; now += 100)
    if (overload.observe(0.2, now)) seen.push([now, overload.level])
  assert.deepEqual(seen, [
    [1_100, 1],
    [2_100, 0],
  ])
})

test('pressure between the two thresholds keeps a level', () => {
  const overload = new OverloadLevel()
  overload.observe(1, 0)
  for (let now = 100; now <= 10_000; now += 100) assert.equal(overload.observe(0.8, now), false)
  assert.equal(overload.level, 1)
})

test('whatever the pressure, the level moves by one and stays within its bounds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double({ min: 0, max: 5, noNaN: true }), fc.nat(2_000))), (steps) => {
      const overload = new OverloadLevel()
      let now = 0
      for (const [pressure, passes] of steps) {
        const before = overload.level
        now += passes
        const moved = overload.observe(pressure, now)
        assert.equal(Math.abs(overload.level - before), moved ? 1 : 0)
        assert.ok(overload.level >= 0 && overload.level <= 3)
        if (overload.level > before) assert.ok(pressure >= 1)
      }
    }),
  )
})
