import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adoption } from './adoption.ts'
import type { Adoption, Found } from './adoption.ts'
import { emptyRecord } from './process-record.ts'
import { stopOrder } from './start-order.ts'

const record = { ...emptyRecord('shop'), boot: 'b1', started: 'h1', start: 's1', pid: 7, identity: '100' }
const running: Found = { record, wanted: true, boot: 'b1', started: 'h1', alive: true, remains: true }

const cases: [what: string, found: Partial<Found>, becomes: Adoption][] = [
  ['it runs as it is to run', {}, 'adopt'],
  ['it runs with other settings', { started: 'h2' }, 'replace'],
  ['it runs and is not to', { wanted: false }, 'end'],
  ['it runs and is not configured', { started: null }, 'end'],
  ['it has ended', { alive: false, remains: false }, 'nothing'],
  ['it has ended, and what it had started has not', { alive: false }, 'clear'],
  ['the machine was started anew, and the id is somebody else’s', { boot: 'b2' }, 'nothing'],
  ['it was never started', { record: { ...record, start: '' } }, 'nothing'],
]

for (const [what, found, becomes] of cases) {
  test(`an agent that begins finds that ${what}: ${becomes}`, () => {
    assert.equal(adoption({ ...running, ...found }), becomes)
  })
}

test('who is needed by nobody is stopped first', () => {
  const processes = {
    db: { after: [] },
    shop: { after: ['db'] },
    web: { after: ['shop', 'db'] },
    lone: { after: [] },
  }
  assert.deepEqual(stopOrder(processes), [['web', 'lone'], ['shop'], ['db']])
})

test('a circle that the configuration would have refused is stopped all at once', () => {
  assert.deepEqual(stopOrder({ a: { after: ['b'] }, b: { after: ['a'] } }), [['a', 'b']])
})
