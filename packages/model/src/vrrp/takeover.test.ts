import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { judgeTakeover, leastBackupPriority, takesOver, type VrrpMember } from './takeover.ts'
import { masterDownMs, skewMs } from './timing.ts'

const node = (priority: number, weight: number, more: Partial<VrrpMember> = {}): VrrpMember => ({
  priority,
  tracked: [{ weight }],
  preempts: true,
  ...more,
})

const table: [what: string, master: VrrpMember, backup: VrrpMember, verdict: string, numbers?: string][] = [
  ['weight 2 over a gap of 10', node(100, 2), node(90, 2), 'gap', '102 100 92'],
  ['weight 20 over a gap of 10', node(100, 20), node(90, 20), 'outvoted', '120 100 110'],
  ['weight -20 over a gap of 10', node(100, -20), node(90, -20), 'outvoted', '100 80 90'],
  ['weight 10 over a gap of 10 is a tie, and a tie keeps the master', node(100, 10), node(90, 10), 'gap'],
  ['weight -10 over a gap of 10 too', node(100, -10), node(90, -10), 'gap', '100 90 90'],
  ['weight 0 needs no gap', node(100, 0), node(1, 0), 'fault', '100 fault 1'],
  ['a backup with nopreempt', node(100, -20), node(90, -20, { preempts: false }), 'never-preempts'],
  [
    'nopreempt of the master alone does no harm',
    node(100, -20, { preempts: false }),
    node(90, -20),
    'outvoted',
  ],
  ['nopreempt does not matter to a fault', node(100, 0), node(90, 0, { preempts: false }), 'fault'],
  ['an owner', node(255, -20), node(90, -20), 'owner', '255 255 90'],
  ['beyond the range either way', node(254, 20), node(200, 20), 'saturated', '254 254 220'],
  ['both at the top, the failing one falls', node(250, 20), node(240, 20), 'outvoted', '254 250 254'],
  ['reverse raises', node(100, -20, { tracked: [{ weight: -20, reverse: true }] }), node(90, -20), 'raised'],
  [
    'a backup that is in fault takes nothing',
    node(100, 0),
    node(90, 0, { tracked: [{ weight: 0, reverse: true }] }),
    'gap',
  ],
]
for (const [what, master, backup, verdict, numbers] of table) {
  test(`${what}: ${verdict}`, () => {
    const judged = judgeTakeover(master, 0, backup)
    assert.equal(judged.verdict, verdict)
    const { well, failing } = judged.master
    if (numbers !== undefined) assert.equal(`${well} ${failing} ${judged.backup.well}`, numbers)
  })
}

test('with equal settings a weight moves the service exactly where it is larger than the gap', () => {
  const weights = fc.integer({ min: -100, max: 100 }).filter((weight) => weight !== 0)
  fc.assert(
    fc.property(
      weights,
      fc.integer({ min: 102, max: 153 }),
      fc.integer({ min: 1, max: 100 }),
      (weight, a, gap) => {
        const { verdict } = judgeTakeover(node(a, weight), 0, node(a - gap, weight))
        assert.equal(takesOver(verdict), Math.abs(weight) > gap)
      },
    ),
  )
})

const least: [member: VrrpMember, priority: number | undefined][] = [
  [node(100, 2), 99],
  [node(100, -20), 81],
  [node(100, 20), 81],
  [node(100, 0), 1],
  [node(100, -1), undefined],
  [node(100, -20, { preempts: false }), undefined],
  [node(255, -20), undefined],
]
for (const [member, priority] of least) {
  const { weight } = member.tracked[0]!
  test(`${member.priority}, weight ${weight}, preempts ${member.preempts}: a backup from ${priority} on`, () =>
    assert.equal(leastBackupPriority(member, 0), priority))
}

const times: [priority: number, version: 2 | 3, advertMs: number, down: number, skew: number][] = [
  [100, 2, 1000, 3609.375, 609.375],
  [90, 2, 1000, 3648.4375, 648.4375],
  [254, 2, 1000, 3007.8125, 7.8125],
  [100, 3, 1000, 3609.375, 609.375],
  [100, 3, 100, 360.9375, 60.9375],
  [100, 2, 2000, 6609.375, 609.375],
]
for (const [priority, version, advertMs, down, skew] of times) {
  test(`version ${version}, adverts every ${advertMs} ms, priority ${priority}: ${down} ms`, () => {
    assert.equal(masterDownMs(priority, { version, advertMs }), down)
    assert.equal(skewMs(priority, { version, advertMs }), skew)
  })
}
