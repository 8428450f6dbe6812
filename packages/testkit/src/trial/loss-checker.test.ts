import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditRecord } from '@budao/model'
import { checkLosses, dataBefore, reportedLosses } from './loss-checker.ts'

const move = (lossMs: number | null, epoch = 2) => ({ epoch, site: 'west', lossMs, claimedAfter: 1_000 })
const acknowledged = [100, 700, 950].map((at, index) => ({ id: index + 1, epoch: 1, at }))
const lost = (lossMs: number | null, ...has: number[]) =>
  checkLosses([move(lossMs)], acknowledged, () => new Set(has))

test('what is younger than a move said may be lost, and is counted; what is older may not', () => {
  assert.deepEqual(lost(400, 1), { violations: [], lost: 2, reported: 1, unknown: 0 })
  assert.match(
    lost(400, 2, 3).violations.join(),
    /write 1 of epoch 1 was acknowledged 900 ms before west took epoch 2/,
  )
  assert.equal(lost(0, 1, 2).violations.length, 1)
  assert.deepEqual(lost(null), { violations: [], lost: 3, reported: 0, unknown: 1 })
  assert.deepEqual(lost(0, 1, 2, 3), { violations: [], lost: 0, reported: 1, unknown: 0 })
})

test('a write is lost once, by the move that lost it', () => {
  const moves = [move(950), { ...move(0, 3), claimedAfter: 5_000 }]
  assert.deepEqual(
    checkLosses(moves, acknowledged, () => new Set()),
    {
      violations: [],
      lost: 3,
      reported: 2,
      unknown: 0,
    },
  )
})

test('what a site had is its log before its first write of the epoch, cuts included', () => {
  const log = ['+1 1', '+2 1', '+3 1', '=1', '+9 1', '+10 2', '+11 2']
  assert.deepEqual([...dataBefore(log, 2)!], [1, 9])
  assert.equal(dataBefore(log, 3), null)
})

test('what was said is read off the audit logs', () => {
  const record = (action: string, at: string, epoch: number, detail: object) =>
    ({ action, at, epoch, detail }) as unknown as AuditRecord
  const records = [
    record('run.step', '2026-11-27T00:00:01.000Z', 1, { step: 'fencing' }),
    record('run.step', '2026-11-27T00:00:02.000Z', 2, { step: 'claiming' }),
    record('run.finished', '2026-11-27T00:00:03.000Z', 2, { to: 'west', lossMs: 40 }),
  ]
  const zero = Date.parse('2026-11-27T00:00:00Z')
  assert.deepEqual(
    reportedLosses(records, (wall) => wall - zero),
    [{ epoch: 2, site: 'west', lossMs: 40, claimedAfter: 2_000 }],
  )
})
