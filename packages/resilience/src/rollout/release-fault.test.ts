import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../seeded-random.ts'
import { meetFault, type ReleaseFaultKind } from './release-fault.ts'

const shares: [kind: ReleaseFaultKind, outcome: 'fails' | 'late', share: number][] = [
  ['errors', 'fails', 0.3],
  ['slow', 'late', 0.6],
  ['crashing', 'fails', 0.75],
  ['subtle', 'fails', 0.06],
]
for (const [kind, outcome, share] of shares) {
  test(`${kind}: ${100 * share} of 100 requests meet it, the others nothing`, () => {
    const random = new SeededRandom(3)
    const seen = { well: 0, fails: 0, late: 0 }
    for (let ms = 0; ms < 40_000; ms++) seen[meetFault(kind, random.next(), ms)]++
    assert.ok(Math.abs(seen[outcome] / 40_000 - share) < 0.01, JSON.stringify(seen))
    assert.equal(seen.well + seen[outcome], 40_000)
  })
}

test('what crashes is away at once, and comes back', () => {
  assert.deepEqual(
    [0, 2_999, 3_000, 3_999, 4_000].map((ms) => meetFault('crashing', 0.5, ms)),
    ['fails', 'fails', 'well', 'well', 'fails'],
  )
})
