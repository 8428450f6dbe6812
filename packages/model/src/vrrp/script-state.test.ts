import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshScript, scriptAfter } from './script-state.ts'

/** `+` a good result, `-` a bad one; what it then counts as: `u` well, `d` failing. */
const table: [what: string, rise: number, fall: number, results: string, states: string][] = [
  ['one bad result is enough by default', 1, 1, '+-+', 'udu'],
  ['fall counts results in a row', 1, 3, '+--+--+---', 'uuuuuuuuud'],
  ['rise counts results in a row', 3, 1, '+-++-+++', 'uddddddu'],
  ['one success is enough at the start, whatever rise says', 3, 2, '+', 'u'],
  ['one failure is enough at the start, whatever fall says', 1, 4, '-', 'd'],
  ['after a first bad result the start is over', 2, 2, '-+-++', 'ddddu'],
]
for (const [what, rise, fall, results, states] of table) {
  test(what, () => {
    let state = freshScript
    const seen = [...results].map((result) => {
      state = scriptAfter(state, result === '+', { rise, fall })
      return state.well ? 'u' : 'd'
    })
    assert.equal(seen.join(''), states)
  })
}
