import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BudaoEvent, EventKind } from '@budao/model'
import { drillReport } from './drill-report.ts'
import type { DrillEvidence } from './drill-report.ts'
import type { Outcome, Sample } from './load.ts'

const killWallMs = Date.parse('2026-11-23T08:00:00.000Z')

test('nothing was disturbed: passed, recovered at once', () => {
  const report = drillReport(evidence({ samples: steady(0, 100) }))
  assert.equal(report.passed, true)
  assert.deepEqual(report.requests, { sent: 100, ok: 100, degraded: 0, failed: 0, slow: 0 })
  assert.equal(report.recoverMs, 0)
  assert.equal(report.longestGapMs, 10)
  assert.deepEqual(report.detect, {
    firstMs: null,
    allOutMs: null,
    endpoints: [
      { address: 'a:1', ms: null, by: null },
      { address: 'a:2', ms: null, by: null },
    ],
  })
})

test('failures are counted by kind, and the gap spans them', () => {
  const report = drillReport(
    evidence({
      samples: [
        ...steady(0, 50),
        sample(500, 510, 'reset'),
        sample(510, 530, 'status 503'),
        sample(520, 525, 'status 503'),
        sample(530, 532, 'degraded'),
        ...steady(540, 46),
      ],
    }),
  )
  assert.equal(report.passed, false)
  assert.deepEqual(report.failures, { reset: 1, 'status 503': 2 })
  assert.deepEqual(report.requests, { sent: 100, ok: 96, degraded: 1, failed: 3, slow: 0 })
  assert.equal(report.longestGapMs, 545 - 495)
  assert.equal(report.longestGapAtMs, -5)
  assert.equal(report.recoverMs, 32)
})

test('no success at all: the gap is the whole run', () => {
  const report = drillReport(evidence({ samples: [sample(0, 5, 'connect'), sample(10, 15, 'connect')] }))
  assert.equal(report.longestGapMs, 1000)
  assert.equal(drillReport(evidence({ samples: [] })).passed, false)
})

test('a slow answer is a disturbance; one from before the kill or after the return is none', () => {
  const slow = [100, 600, 820].map((dueMs) => sample(dueMs, dueMs + 150, 'ok'))
  const samples = [...slow, ...steady(0, 10)]
  assert.equal(drillReport(evidence({ samples })).recoverMs, 470)
  assert.equal(drillReport(evidence({ samples, returnedMs: 300 })).recoverMs, 250)
  assert.equal(drillReport(evidence({ samples })).requests.slow, 3)
})

test('detection: each endpoint by its first event after the kill, by any of the three ways out', () => {
  const events = [
    event(-2000, 'endpoint.ejected', 'a:2'),
    event(3, 'endpoint.ejected', 'b:1', 'west'),
    event(5, 'endpoint.ejected', 'a:1'),
    event(9, 'breaker.opened', 'a:2'),
    event(1200, 'endpoint.unhealthy', 'a:1'),
  ]
  const { detect, events: shown } = drillReport(evidence({ samples: steady(0, 100), events }))
  assert.equal(detect.firstMs, 5)
  assert.equal(detect.allOutMs, 9)
  assert.deepEqual(detect.endpoints, [
    { address: 'a:1', ms: 5, by: 'endpoint.ejected' },
    { address: 'a:2', ms: 9, by: 'breaker.opened' },
  ])
  assert.deepEqual(
    shown.map(({ ms, subject }) => [ms, subject]),
    [
      [5, 'a:1'],
      [9, 'a:2'],
      [1200, 'a:1'],
    ],
  )
})

test('what the drill itself left in the gateway’s events explains nothing', () => {
  const events = [event(0, 'drill.started', 'east'), event(400, 'drill.finished', 'east')]
  assert.deepEqual(drillReport(evidence({ samples: steady(0, 100), events })).events, [])
})

test('one endpoint was never taken out: no time for all', () => {
  const events = [event(5, 'endpoint.ejected', 'a:1')]
  const { detect } = drillReport(evidence({ samples: steady(0, 100), events }))
  assert.equal(detect.firstMs, 5)
  assert.equal(detect.allOutMs, null)
})

test('an event dated within the millisecond of the kill counts', () => {
  const events = [event(-1, 'endpoint.ejected', 'a:1'), event(0, 'endpoint.ejected', 'a:2')]
  assert.equal(drillReport(evidence({ samples: steady(0, 100), events })).detect.allOutMs, 0)
})

test('latency: a request under way at the kill is measured as during it', () => {
  const samples = [
    sample(100, 110, 'ok'),
    sample(490, 700, 'ok'),
    sample(550, 552, 'ok'),
    sample(600, 603, 'ok'),
  ]
  const events = [event(60, 'endpoint.ejected', 'a:1'), event(100, 'endpoint.ejected', 'a:2')]
  const { latency } = drillReport(evidence({ samples, events, slowMs: 1000 }))
  assert.deepEqual(latency.before, { requests: 1, p50: 10, p99: 10, max: 10 })
  assert.deepEqual(latency.during, { requests: 2, p50: 2, p99: 210, max: 210 })
  assert.deepEqual(latency.after, { requests: 1, p50: 3, p99: 3, max: 3 })
})

function evidence(changes: Partial<DrillEvidence>): DrillEvidence {
  return {
    site: 'east',
    samples: [],
    startMs: 0,
    endMs: 1000,
    killMs: 500,
    killWallMs,
    killed: [{ pid: 1, name: 'shop-east-1' }],
    forceReason: null,
    endpoints: ['a:1', 'a:2'],
    events: [],
    slowMs: 100,
    longestPauseMs: 1,
    retries: 0,
    fallbacks: 0,
    returnedMs: null,
    returnWithinMs: 0,
    ...changes,
  }
}

/** `count` good answers, due every 10 ms from `fromMs`, each after 5 ms. */
function steady(fromMs: number, count: number): Sample[] {
  return Array.from({ length: count }, (_, index) =>
    sample(fromMs + index * 10, fromMs + index * 10 + 5, 'ok'),
  )
}

function sample(dueMs: number, endMs: number, outcome: Outcome): Sample {
  return { dueMs, endMs, outcome }
}

function event(ms: number, kind: EventKind, subject: string, site = 'east'): BudaoEvent {
  const at = new Date(killWallMs + ms).toISOString()
  return { seq: 1, at, kind, severity: 'warning', subject, site, message: `${kind} ${subject}`, evidence: {} }
}
