import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { effectivePriority, type Observed, type Tracked } from './priority.ts'

const well = (weight: number, reverse = false): Observed => ({ tracked: { weight, reverse }, well: true })
const failing = (weight: number, reverse = false): Observed => ({ tracked: { weight, reverse }, well: false })

const table: [what: string, base: number, observed: Observed[], priority: number | 'fault'][] = [
  ['nothing tracked', 100, [], 100],
  ['positive weight, well: added', 100, [well(20)], 120],
  ['positive weight, failing: plain base, not less', 100, [failing(20)], 100],
  ['negative weight, well: plain base', 100, [well(-20)], 100],
  ['negative weight, failing: taken away', 100, [failing(-20)], 80],
  ['weight 0, well', 100, [well(0)], 100],
  ['weight 0, failing', 100, [failing(0)], 'fault'],
  ['positive weight reversed, well: taken away', 100, [well(20, true)], 80],
  ['positive weight reversed, failing', 100, [failing(20, true)], 100],
  ['negative weight reversed, well', 100, [well(-20, true)], 100],
  ['negative weight reversed, failing: added', 100, [failing(-20, true)], 120],
  ['weight 0 reversed, well', 100, [well(0, true)], 'fault'],
  ['weight 0 reversed, failing', 100, [failing(0, true)], 100],
  ['several add up', 100, [well(20), failing(-30), failing(40), well(-50)], 90],
  ['the sum is clamped, not each step', 200, [well(100), failing(-100)], 200],
  ['not above 254', 250, [well(20)], 254],
  ['not below 1', 10, [failing(-253)], 1],
  ['an owner stays an owner', 255, [failing(-253)], 255],
  ['an owner can still be in fault', 255, [failing(0)], 'fault'],
  ['one fault is enough', 100, [well(50), failing(0)], 'fault'],
]
for (const [what, base, observed, priority] of table)
  test(what, () => assert.equal(effectivePriority(base, observed), priority))

const tracked: fc.Arbitrary<Tracked> = fc.record({
  weight: fc.integer({ min: -253, max: 253 }),
  reverse: fc.boolean(),
})

test('whatever is tracked, the priority is in range or the node is out', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 254 }),
      fc.array(fc.record({ tracked, well: fc.boolean() }), { maxLength: 8 }),
      (base, observed) => {
        const priority = effectivePriority(base, observed)
        assert.ok(priority === 'fault' || (priority >= 1 && priority <= 254))
      },
    ),
  )
})
