import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnitReport } from '@budao/model'
import { MoveWatch } from './moves.ts'

const unit = (name: string, sites: readonly string[], owner: string): UnitReport =>
  ({ unit: name, sites, owner, epoch: 1, run: null }) as unknown as UnitReport

/** What is said of units: before the fault, and from then on. */
function watched(before: readonly UnitReport[], after: readonly UnitReport[]): MoveWatch {
  let looks = 0
  return new MoveWatch({ units: async () => (looks++ === 0 ? before : after) }, async () => {})
}

test('a unit is home where it was before the fault, or at the site that it prefers', async () => {
  const [east, west] = [
    ['east', 'west'],
    ['west', 'east'],
  ]
  const before = [unit('shop/east', east!, 'east'), unit('shop/west', west!, 'east')]
  for (const [after, away] of [
    [[unit('shop/east', east!, 'east'), unit('shop/west', west!, 'east')], []],
    [[unit('shop/east', east!, 'east'), unit('shop/west', west!, 'west')], []],
    [[unit('shop/east', east!, 'west'), unit('shop/west', west!, 'west')], ['shop/east']],
    [[unit('shop/west', west!, 'west')], ['shop/east']],
  ] as const) {
    const moves = watched(before, after)
    await moves.begin()
    await moves.end()
    assert.deepEqual(moves.away, away)
    assert.equal(moves.home, away.length === 0)
  }
})
