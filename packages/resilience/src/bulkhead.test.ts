import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Bulkhead } from './bulkhead.ts'
import { LocalCells } from './cells.ts'

test('admits up to its limit, and again when one leaves', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.array(fc.boolean(), { maxLength: 100 }), (max, arrivals) => {
      const bulkhead = new Bulkhead(new LocalCells(Bulkhead.cellsFor()), { max })
      let inside = 0
      for (const arrives of arrivals) {
        if (arrives) {
          assert.equal(bulkhead.enter(), inside < max)
          inside = Math.min(max, inside + 1)
        } else if (inside > 0) {
          bulkhead.leave()
          inside--
        }
        assert.equal(bulkhead.inFlight, inside)
      }
    }),
  )
})

test('a limit that is no whole number is refused', () => {
  for (const max of [-1, 1.5, Number.NaN, Infinity])
    assert.throws(() => new Bulkhead(new LocalCells(1), { max }), /max/)
})
