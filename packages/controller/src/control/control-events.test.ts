import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExplanationCode } from '@budao/model'
import { noticeEvent } from './control-events.ts'

const kinds: Partial<Record<ExplanationCode, string>> = {
  moved: 'failover.finished',
  'rolled-back': 'failover.rolled-back',
  'no-witness': 'failover.advised',
  'automation-advise': 'failover.advised',
  'rate-limited': 'failover.refused',
  'no-target': 'failover.refused',
  'last-healthy-site': 'failover.refused',
  'standby-failed': 'failover.refused',
  // An alert on refused moves once called people for every site that was lost and had a copy.
  'in-sync-reduced': 'failover.in-sync-reduced',
}

for (const [code, kind] of Object.entries(kinds))
  test(`people are told of ${code} as ${kind}`, () => {
    const what = {
      code: code as ExplanationCode,
      unit: 'shop/east',
      message: 'it is so',
      evidence: { run: 'r' },
    }
    const event = noticeEvent('id', what, true, 'shop')
    assert.deepEqual(
      [event.kind, event.message, event.evidence],
      [kind, 'It is so.', { run: 'r', code, notice: 'id' }],
    )
  })
