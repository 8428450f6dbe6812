import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteAttempt } from './application.ts'
import { checkTrial, historyOf, type TrialEvidence } from './trial-check.ts'

function attempt(
  id: string,
  outcome: WriteAttempt['outcome'],
  via: WriteAttempt['via'] = 'http',
): WriteAttempt {
  return { id, via, outcome, sentAt: 1, doneAt: 2, error: '' }
}

const good: TrialEvidence = {
  durability: 'sync',
  attempts: {
    east: [attempt('e1', 'acknowledged'), attempt('e2', 'unknown'), attempt('e3', 'refused')],
    west: [attempt('w1', 'acknowledged', 'outbox'), attempt('w2', 'acknowledged', 'register')],
  },
  loss: { site: 'east', survived: ['e1', 'w1'], reported: null },
  rows: { east: ['e1', 'e2', 'w1'], west: ['e1', 'e2', 'w1'] },
  counts: { east: { n: 1, expected: 1 }, west: { n: 1, expected: 1 } },
  converged: true,
}

test('a run in which nothing was lost breaks no rule', () => {
  assert.deepEqual(checkTrial(good), { acknowledged: 3, unknown: 1, refused: 1, lost: [], violations: [] })
})

const broken: readonly [what: string, change: Partial<TrialEvidence>, violation: RegExp][] = [
  [
    'one was at the lost site alone',
    { loss: { ...good.loss!, survived: ['w1'] } },
    /1 acknowledged writes were not at the other/,
  ],
  [
    'one is at one site alone',
    { rows: { ...good.rows, west: ['e2', 'w1'] } },
    /1 acknowledged writes are not at west: "?e1/,
  ],
  ['one is there twice', { rows: { ...good.rows, east: ['e1', 'e1', 'w1'] } }, /1 writes are twice at east/],
  [
    'what was refused is there',
    { rows: { ...good.rows, east: ['e1', 'e3', 'w1'] } },
    /1 writes are at east that were refused/,
  ],
  [
    'nobody made one',
    { rows: { ...good.rows, east: ['e1', 'x', 'w1'] } },
    /1 writes are at east that were refused, or that nobody/,
  ],
  [
    'one was counted twice',
    { counts: { ...good.counts, west: { n: 2, expected: 1 } } },
    /west counts 2 writes, and has the rows of 1/,
  ],
  ['they are not equal', { converged: false }, /did not become equal/],
]
for (const [what, change, violation] of broken) {
  test(`a run is broken where ${what}`, () => {
    assert.match(checkTrial({ ...good, ...change }).violations.join('\n'), violation)
  })
}

test('what is reported lost has to be what was lost, no more and no less', () => {
  const lossy: TrialEvidence = {
    ...good,
    durability: 'async',
    loss: { site: 'east', survived: ['w1'], reported: ['e1', 'e2'] },
    rows: { east: ['e1', 'e2', 'w1'], west: ['w1'] },
    converged: null,
  }
  assert.deepEqual(checkTrial(lossy).lost, ['e1'])
  assert.deepEqual(checkTrial(lossy).violations, [])
  const with_ = (loss: Partial<typeof lossy.loss & {}>): string =>
    checkTrial({ ...lossy, loss: { ...lossy.loss!, ...loss } }).violations.join('\n')
  assert.match(with_({ reported: ['e2'] }), /1 lost writes were not reported: e1/)
  assert.match(with_({ survived: ['e1', 'w1'] }), /1 writes were reported lost that had made it: e1/)
  assert.match(with_({ reported: ['e1', 'e2', 'x'] }), /1 writes were reported lost that nobody made: x/)
})

test('a history has a line for each begin and end, and the last read', () => {
  const history = historyOf(good.attempts['east']!, ['e1'])
  assert.deepEqual(history.map(({ type, f, value }) => [type, f, value]).slice(-2), [
    ['invoke', 'read', null],
    ['ok', 'read', ['e1']],
  ])
  assert.equal(history.length, 8)
})
