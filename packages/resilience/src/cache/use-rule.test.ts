import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { parseCacheControl } from './cache-control.ts'
import { ageMs, judgeUse, mayServeOnError, type KeptAnswer, type UseVerdict } from './use-rule.ts'

const kept: KeptAnswer = {
  receivedAt: 100_000,
  initialAgeMs: 5_000,
  freshMs: 10_000,
  whileRevalidateMs: 4_000,
  ifErrorMs: 6_000,
  fallbackMs: 0,
  noStale: false,
  explicit: false,
  keepMs: 20_000,
}

const uses: [sinceMs: number, asked: string, verdict: UseVerdict, change?: Partial<KeptAnswer>][] = [
  [0, '', 'fresh'],
  [9_999, '', 'fresh'],
  [10_000, '', 'stale'],
  [13_999, '', 'stale'],
  [14_000, '', 'revalidate'],
  [10_000, '', 'revalidate', { noStale: true }],
  [0, 'no-cache', 'revalidate'],
  [0, 'max-age=5', 'fresh'],
  [1, 'max-age=5', 'revalidate'],
  [0, 'min-fresh=9', 'fresh'],
  [0, 'min-fresh=10', 'revalidate'],
  [20_000, 'max-stale', 'stale'],
  [20_000, 'max-stale=10', 'stale'],
  [20_001, 'max-stale=10', 'revalidate'],
  [20_000, 'max-stale', 'revalidate', { noStale: true }],
  [-50_000, '', 'fresh'],
]
for (const [sinceMs, asked, verdict, change] of uses) {
  test(`${sinceMs} ms later, asked with ${asked || 'nothing'}${change === undefined ? '' : `, ${JSON.stringify(change)}`}: ${verdict}`, () => {
    assert.equal(judgeUse({ ...kept, ...change }, parseCacheControl(asked), 100_000 + sinceMs), verdict)
  })
}

test('a clock that was set back makes nothing younger than it arrived', () => {
  assert.equal(ageMs(kept, 50_000), 5_000)
  assert.equal(ageMs(kept, 101_000), 6_000)
})

const errors: [sinceMs: number, asked: string, may: boolean, change?: Partial<KeptAnswer>][] = [
  [16_000, '', true],
  [16_001, '', false],
  [20_000, 'stale-if-error=10', true],
  [20_000, 'stale-if-error=10', false, { noStale: true }],
  [0, '', false, { noStale: true }],
  [9_000, '', true, { noStale: true, fallbackMs: 9_000 }],
  [9_001, '', false, { noStale: true, fallbackMs: 9_000 }],
  [0, '', false, { ifErrorMs: 0 }],
]
for (const [sinceMs, asked, may, change] of errors) {
  test(`an error ${sinceMs} ms later, ${JSON.stringify([asked, change ?? {}])}: ${may}`, () => {
    assert.equal(mayServeOnError({ ...kept, ...change }, parseCacheControl(asked), 100_000 + sinceMs), may)
  })
}
