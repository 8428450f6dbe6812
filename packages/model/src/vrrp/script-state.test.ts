import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptAfter, scriptAtStart } from './script-state.ts'

/** `+` a good result, `-` a bad one; what it then counts as: `u` well, `d` failing. */
const table: [what: string, rise: number, fall: number, results: string, states: string, failed?: boolean][] =
  [
    ['one bad result is enough by default', 1, 1, '+-+', 'udu'],
    ['fall counts results in a row', 1, 3, '+--+--+---', 'uuuuuuuuud'],
    ['rise counts results in a row', 3, 1, '+-++-+++', 'uddddddu'],
    ['one success is enough at the start, whatever rise says', 3, 2, '+', 'u'],
    ['at the start too it fails only after fall results', 1, 2, '--', 'ud'],
    ['after a first bad result the start is over', 2, 2, '--+', 'udd'],
    ['init_fail: failing until rise successes', 2, 2, '++', 'du', true],
    ['init_fail: a failure starts the count again', 2, 2, '+-++', 'dddu', true],
  ]
for (const [what, rise, fall, results, states, failed] of table) {
  test(what, () => {
    let state = scriptAtStart(failed)
    const seen = [...results].map((result) => {
      state = scriptAfter(state, result === '+', { rise, fall })
      return state.well ? 'u' : 'd'
    })
    assert.equal(seen.join(''), states)
  })
}
