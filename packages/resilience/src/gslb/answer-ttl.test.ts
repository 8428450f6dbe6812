import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTtlSeconds, type AnswerTtlInput } from './answer-ttl.ts'

const steady: AnswerTtlInput = {
  minMs: 5_000,
  maxMs: 30_000,
  suspect: false,
  changedAt: -Infinity,
  changesAt: Infinity,
  now: 100_000,
}

const cases: readonly [what: string, input: Partial<AnswerTtlInput>, seconds: number][] = [
  ['what has always stood may be kept longest', {}, 30],
  ['while something is suspect, shortest', { suspect: true }, 5],
  ['just after a change, shortest', { changedAt: 100_000 }, 5],
  ['as long as it has stood', { changedAt: 83_400 }, 16],
  ['until a site will be back', { changesAt: 111_900 }, 11],
  ['never shorter than the least', { changesAt: 100_001 }, 5],
  ['never longer than the most', { changedAt: 0 }, 30],
  ['a least of parts of a second is a second', { minMs: 200, suspect: true }, 1],
]

for (const [what, input, seconds] of cases) {
  test(what, () => assert.equal(answerTtlSeconds({ ...steady, ...input }), seconds))
}
