import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEpochs } from './epoch-checker.ts'
import type { Attempt, JournalEntry } from './journal.ts'

const wrote = (id: number, epoch: number, at: number): JournalEntry => ({
  id,
  epoch,
  verdict: 'accepted',
  at,
})
const acked = (id: number, epoch: number, sentAt: number): Attempt => ({
  ...{ kind: 'write', id, via: 'gw-east', dueAt: sentAt, sentAt, doneAt: sentAt + 2 },
  ...{ status: 200, epoch, site: 'east', error: '' },
})
const check = (east: readonly JournalEntry[], west: readonly JournalEntry[], attempts: readonly Attempt[]) =>
  checkEpochs({
    journals: new Map([
      ['east', east],
      ['west', west],
    ]),
    attempts,
  })

test('epochs one after the other are well, and what was refused is counted', () => {
  const late: JournalEntry = { id: 3, epoch: 1, verdict: 'refused', at: 25 }
  const found = check([wrote(1, 1, 10)], [wrote(2, 2, 20), late], [acked(1, 1, 9), acked(2, 2, 19)])
  assert.deepEqual(found, {
    violations: [],
    epochs: 2,
    acknowledged: 2,
    accepted: 2,
    refused: 1,
    strays: 0,
    turns: 1,
  })
})

test('a write of the epoch before, accepted after the next one began: broken when acknowledged, else a stray', () => {
  const [east, west] = [[wrote(1, 1, 30)], [wrote(2, 2, 20)]]
  assert.equal(check(east, west, [acked(2, 2, 19)]).strays, 1)
  const [first = ''] = check(east, west, [acked(2, 2, 19), acked(1, 1, 18)]).violations
  assert.match(first, /^two epochs: write 1 was accepted in epoch 1 at east 10\.0 ms after/)
})

test('finds each of the other ways to break it', () => {
  const kinds = (found: { violations: readonly string[] }): string[] =>
    found.violations.map((each) => each.split(':')[0]!)
  assert.deepEqual(kinds(check([wrote(1, 2, 10), wrote(2, 1, 11)], [], [])), ['guard'])
  assert.deepEqual(kinds(check([wrote(1, 1, 10)], [wrote(2, 1, 11)], [])), ['two sites'])
  assert.deepEqual(kinds(check([wrote(1, 1, 10)], [wrote(1, 2, 11)], [])), ['twice'])
  assert.deepEqual(kinds(check([], [], [acked(1, 1, 10)])), ['invented'])
  assert.deepEqual(kinds(check([wrote(1, 1, 10)], [wrote(2, 2, 11)], [acked(2, 2, 10), acked(1, 1, 50)])), [
    'old epoch',
  ])
})
