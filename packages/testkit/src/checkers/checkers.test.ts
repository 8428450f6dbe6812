import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBank, checkConvergence, checkMonotonicReads } from './bank.ts'
import { History } from './history.ts'
import { checkRegisters } from './register.ts'
import { checkSet } from './set-full.ts'

type Step = readonly [process: number, type: 'invoke' | 'ok' | 'fail' | 'info', f: string, value: unknown]

function history(...steps: readonly Step[]): History {
  const made = new History()
  for (const [at, [process, type, f, value]] of steps.entries()) made.add(at, process, type, f, value)
  return made
}

test('a history is written as Jepsen writes it', () => {
  assert.equal(
    history([0, 'invoke', 'add', 7], [0, 'ok', 'add', 7]).toJson(),
    '{"index":0,"time":0,"process":0,"type":"invoke","f":"add","value":7}\n' +
      '{"index":1,"time":1000000,"process":0,"type":"ok","f":"add","value":7}',
  )
})

test('set-full finds what was lost, made up, doubled and taken back', () => {
  const { ops } = history(
    ...[1, 2, 3].flatMap((n): Step[] => [
      [0, 'invoke', 'add', n],
      [0, 'ok', 'add', n],
    ]),
    [0, 'invoke', 'add', 4],
    [0, 'info', 'add', 4],
    [0, 'invoke', 'add', 5],
    [0, 'fail', 'add', 5],
    [1, 'invoke', 'read', null],
    [1, 'ok', 'read', [1, 2]],
    [1, 'invoke', 'read', null],
    [1, 'ok', 'read', [1, 3, 3, 4, 5]],
  )
  assert.deepEqual(checkSet(ops), {
    acknowledged: 3,
    lost: [2],
    unexpected: [5],
    duplicated: [3],
    vanished: [2],
  })
})

test('the bank finds money that was made', () => {
  const read = (value: object): Step[] => [
    [0, 'invoke', 'read', null],
    [0, 'ok', 'read', value],
  ]
  assert.deepEqual(checkBank(history(...read({ a: 4, b: 6 })).ops, 10), [])
  assert.match(checkBank(history(...read({ a: 5, b: 6 })).ops, 10)[0]!, /total of 10, found 11/)
})

test('reads that go back are found, of each process for itself', () => {
  const read = (process: number, value: number): Step[] => [
    [process, 'invoke', 'read', ['k', null]],
    [process, 'ok', 'read', ['k', value]],
  ]
  assert.deepEqual(checkMonotonicReads(history(...read(0, 2), ...read(1, 1), ...read(0, 3)).ops), [])
  assert.equal(checkMonotonicReads(history(...read(0, 2), ...read(0, 1)).ops).length, 1)
})

test('sites that differ are named with the row', () => {
  const east = new Map([
    ['a', '1'],
    ['b', '2'],
  ])
  assert.deepEqual(checkConvergence({ east, west: new Map(east) }), [])
  assert.deepEqual(checkConvergence({ east, west: new Map([['a', '1']]) }), ['b: east has 2, west has none'])
})

const w = (process: number, value: number): Step[] => [
  [process, 'invoke', 'write', ['k', value]],
  [process, 'ok', 'write', ['k', value]],
]
const r = (process: number, value: number | null): Step[] => [
  [process, 'invoke', 'read', ['k', null]],
  [process, 'ok', 'read', ['k', value]],
]
const registers: readonly [what: string, steps: readonly Step[], linearizable: boolean][] = [
  ['one after the other', [...r(0, null), ...w(0, 1), ...r(1, 1), ...w(1, 2), ...r(0, 2)], true],
  ['a read of what was overwritten', [...w(0, 1), ...w(0, 2), ...r(1, 1)], false],
  ['a lost write', [...w(0, 1), ...r(1, null)], false],
  [
    'two writes at once: the reads decide which came first',
    [
      [0, 'invoke', 'write', ['k', 1]],
      [1, 'invoke', 'write', ['k', 2]],
      [0, 'ok', 'write', ['k', 1]],
      [1, 'ok', 'write', ['k', 2]],
      ...r(2, 1),
    ],
    true,
  ],
  [
    'but not differently for two readers',
    [
      [0, 'invoke', 'write', ['k', 1]],
      [1, 'invoke', 'write', ['k', 2]],
      [0, 'ok', 'write', ['k', 1]],
      [1, 'ok', 'write', ['k', 2]],
      ...r(2, 1),
      ...r(3, 2),
      ...r(2, 1),
    ],
    false,
  ],
  [
    'a write nobody knows of may come late',
    [[0, 'invoke', 'write', ['k', 1]], [0, 'info', 'write', ['k', 1]], ...r(1, null), ...r(1, 1)],
    true,
  ],
  ['or never', [[0, 'invoke', 'write', ['k', 1]], [0, 'info', 'write', ['k', 1]], ...r(1, null)], true],
  [
    'but not come and go',
    [[0, 'invoke', 'write', ['k', 1]], [0, 'info', 'write', ['k', 1]], ...r(1, 1), ...r(1, null)],
    false,
  ],
  [
    'one that surely failed is not there',
    [[0, 'invoke', 'write', ['k', 1]], [0, 'fail', 'write', ['k', 1]], ...r(1, 1)],
    false,
  ],
]
for (const [what, steps, expected] of registers) {
  test(`registers: ${what}`, () => assert.equal(checkRegisters(history(...steps).ops).length === 0, expected))
}
