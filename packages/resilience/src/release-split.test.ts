import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hash32 } from './hash.ts'
import { compareVersions, releaseAt, splitPoint, WHOLE_BP } from './release-split.ts'
import { SeededRandom } from './seeded-random.ts'

const salt = hash32('checkout-2')
const USERS = 100_000
const points = Array.from({ length: USERS }, (_, n) => splitPoint(`oUser${n}`, salt))

const canary = (basisPoints: number): { release: string; basisPoints: number } => ({
  release: 'canary',
  basisPoints,
})

/** Users of the release at these shares. */
function users(
  basisPoints: number,
  others: readonly { release: string; basisPoints: number }[] = [],
): Set<number> {
  const found = new Set<number>()
  for (const [user, point] of points.entries())
    if (releaseAt(point, others, canary(basisPoints)) === 'canary') found.add(user)
  return found
}

for (const basisPoints of [1, 100, 1_000, 5_000]) {
  test(`${basisPoints / 100} % of users and of draws lie within binomial bounds`, () => {
    const share = basisPoints / WHOLE_BP
    // Five standard deviations: less than one run in a million is outside.
    const within = (hits: number, of: number): void => {
      const sigma = Math.sqrt(of * share * (1 - share))
      assert.ok(Math.abs(hits - of * share) <= 5 * sigma + 1, `${hits} of ${of}`)
    }
    within(users(basisPoints).size, USERS)
    const random = new SeededRandom(7)
    let drawn = 0
    for (let i = 0; i < 1_000_000; i++)
      if (releaseAt(random.next() * WHOLE_BP, [], canary(basisPoints)) !== null) drawn++
    within(drawn, 1_000_000)
  })
}

test('raising the share of 100 000 users moves only the added ones, and lowering it only those back', () => {
  let before = users(0)
  assert.equal(before.size, 0)
  for (const basisPoints of [100, 500, 2_000, 5_000, 10_000]) {
    const now = users(basisPoints, [{ release: 'beta', basisPoints: 300 }])
    assert.deepEqual(
      [...before].filter((user) => !now.has(user)),
      [],
    )
    before = now
  }
  assert.equal(before.size, USERS)
})

test('nobody of another release is moved by the rolling one while both fit', () => {
  const share = fc.integer({ min: 0, max: WHOLE_BP })
  fc.assert(
    fc.property(
      share,
      share,
      share,
      fc.double({ min: 0, max: 9_999.99, noNaN: true }),
      (beta, a, b, point) => {
        fc.pre(beta + Math.max(a, b) <= WHOLE_BP)
        const others = [{ release: 'beta', basisPoints: beta }]
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        const before = releaseAt(point, others, canary(low))
        const after = releaseAt(point, others, canary(high))
        if (before !== after) assert.deepEqual([before, after], [null, 'canary'])
      },
    ),
  )
})

test('another salt chooses others', () => {
  const again = Array.from({ length: USERS }, (_, n) => splitPoint(`oUser${n}`, hash32('checkout-3')))
  const both = points.filter((point, user) => point < 1_000 && again[user]! < 1_000).length
  assert.ok(both > 850 && both < 1_150, `${both}: 1 % of 100 000 are in both tenths by chance`)
})

const versions: [a: string, b: string, sign: number][] = [
  ['3.2.0', '3.2', 0],
  ['3.10.0', '3.9.9', 1],
  ['3.2.1', '3.2.2', -1],
  ['devtools', '0.0.1', -1],
  ['', '1', -1],
]
for (const [a, b, sign] of versions) {
  test(`version ${JSON.stringify(a)} against ${b}`, () =>
    assert.equal(Math.sign(compareVersions(a, b)), sign))
}
