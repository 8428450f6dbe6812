import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClaimFacts, mayClaim } from './claim-check.ts'

const clean: ClaimFacts = { from: 'east', wasFenced: false, missing: '', diverged: 0, forced: false }
const cases: readonly [string, Partial<ClaimFacts>, RegExp | null][] = [
  ['a site that followed takes over, whatever nobody can say of its own writes', { diverged: null }, null],
  ['one that lacks changes for good does not', { missing: 'log-truncated' }, /missing here: log-truncated/],
  ['one that was fenced and has nothing of its own does', { wasFenced: true }, null],
  ['one with rows of an epoch that is over does not', { wasFenced: true, diverged: 3 }, /^3 writes/],
  ['one of which nobody knows does not', { wasFenced: true, diverged: null }, /none says/],
  ['a person may say so all the same', { wasFenced: true, diverged: 3, missing: 'x', forced: true }, null],
]
for (const [name, facts, expected] of cases)
  test(`claim: ${name}`, () => {
    const why = mayClaim({ ...clean, ...facts })
    if (expected === null) assert.equal(why, null)
    else assert.match(why ?? '', expected)
  })
