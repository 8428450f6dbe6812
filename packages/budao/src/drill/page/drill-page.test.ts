import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drillScenarios, type DrillScenario } from '@budao/model'
import { drillReport } from '../drill-report.ts'
import type { DrillEvidence, DrillReport } from '../drill-report.ts'
import type { Outcome, Sample } from '../load.ts'
import { scenarios } from '../scenarios.ts'
import { drillPage } from './drill-page.ts'

const sample = (dueMs: number, endMs: number, outcome: Outcome = 'ok'): Sample => ({ dueMs, endMs, outcome })
const steady = Array.from({ length: 100 }, (_, index) => sample(index * 100, index * 100 + 5))

function report(name: DrillScenario, changes: Partial<DrillEvidence> = {}): DrillReport {
  return drillReport({
    id: `20261126T031500000Z-${name}-east`,
    scenario: scenarios[name],
    site: 'east',
    gateway: { node: 'gw-east', version: '0.1.0' },
    samples: [...steady, sample(5_100, 8_100, 'timeout'), sample(5_200, 5_300, 'degraded')],
    writes: {
      samples: [sample(100, 200), sample(5_100, 8_200, 'status 504'), sample(9_000, 9_010)],
      fates: [
        { dueMs: 100, ackMs: 200, fate: 'lost' },
        { dueMs: 9_000, ackMs: 9_010, fate: 'seen' },
      ],
      startMs: 0,
      endMs: 10_000,
      through: ['127.0.0.1:8080'],
    },
    dns: null,
    dnsSilenceMs: null,
    moves: null,
    home: null,
    away: [],
    startMs: 0,
    endMs: 10_000,
    killMs: 5_000,
    killWallMs: Date.parse('2026-11-26T03:15:00Z'),
    hit: ['shop-east-1 (12)'],
    restoreMs: 9_000,
    ended: 'completed',
    endedBecause: null,
    forceReason: null,
    endpoints: ['127.0.0.1:7001', '127.0.0.1:7002'],
    events: [],
    slowMs: 500,
    longestPauseMs: 3,
    retries: 4,
    fallbacks: 1,
    returnedMs: 4_500,
    returnWithinMs: 60_000,
    restored: true,
    objectives: { rtoMs: 5_000, rpoMs: 0, configured: true },
    ...changes,
  })
}

test('a page of every scenario needs nothing from outside and leaves no figure out', () => {
  for (const name of drillScenarios) {
    const page = drillPage(report(name))
    assert.doesNotMatch(page, /(?:src|href)="(?!#)|url\(|@import|https?:/, name)
    assert.doesNotMatch(page, /undefined|NaN|Infinity|\[object/, name)
    assert.equal(page.split('<span lang="en">').length, page.split('<span lang="zh-CN">').length)
    assert.match(page, /<svg [^>]*>.*<rect class="failed"/s)
  }
})

test('the verdict, the recovery time and the loss stand on top, against the objectives', () => {
  const page = drillPage(report('hang'))
  assert.match(page, /<section class="verdict failed">/)
  assert.match(
    page,
    /1 of 102 reads failed.* 1 of 3 writes failed, over 3\.10 s\. 1 of 2 acknowledged ones are gone/s,
  )
  assert.match(page, /已确认的 2 个写入中有 1 个丢失/)
  assert.match(page, /tile good"><h3>.*Recovery time.*<p class="value">3\.10 s/s)
  assert.match(page, /tile bad"><h3>.*Data lost.*<p class="value">4\.80 s/s)
})

test('a run without requests, writes or a fault that was taken back has a page, too', () => {
  const empty = report('site-loss', {
    samples: [],
    writes: null,
    restoreMs: null,
    returnedMs: null,
    restored: null,
  })
  assert.match(drillPage(empty), /nobody looked for writes/)
  assert.doesNotMatch(drillPage(empty), /undefined|NaN|Infinity/)
})

test('what comes from outside is text and never markup', () => {
  const hostile = '<script>alert(1)</script>"\''
  const page = drillPage(
    report('hang', {
      site: hostile,
      hit: [hostile],
      forceReason: hostile,
      endedBecause: hostile,
      gateway: { node: hostile, version: hostile },
      events: [
        {
          seq: 1,
          at: '2026-11-26T03:15:01Z',
          kind: 'service.panic',
          severity: 'warning',
          subject: hostile,
          message: hostile,
          evidence: {},
        },
      ],
    }),
  )
  assert.equal(page.split('<script>').length, 2, 'only the page’s own')
  assert.ok(page.includes('&#60;script&#62;alert(1)'))
})
