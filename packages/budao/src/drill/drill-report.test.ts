import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BudaoEvent, EventKind } from '@budao/model'
import { drillReport } from './drill-report.ts'
import type { DrillEvidence, DrillReport } from './drill-report.ts'
import type { Outcome, Sample } from './load.ts'
import { scenarios } from './scenarios.ts'
import type { WriteFate } from './writes.ts'

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

const holds = (report: DrillReport): Record<string, boolean | null> =>
  Object.fromEntries(report.invariants.map((one) => [one.name, one.holds]))

test('a hang may fail requests until the objective is over, and not longer', () => {
  const hang = (failedMs: number): DrillReport => {
    const failed = [sample(510, 520, 'timeout'), sample(500 + failedMs - 10, 500 + failedMs, 'timeout')]
    return drillReport(evidence({ samples: [...steady(0, 100), ...failed], scenario: scenarios.hang }))
  }
  const inTime = hang(400)
  assert.deepEqual(inTime.outage, { firstFailureMs: 10, firstSuccessMs: 15, rtoMs: 390, failed: 2 })
  assert.deepEqual([inTime.verdict, inTime.passed, holds(inTime)['no-read-failed']], ['passed', true, null])
  const late = hang(470)
  assert.deepEqual([late.verdict, holds(late)['within-rto']], ['failed', false])
  assert.ok(late.advice.includes('slow-recovery'))
})

test('a drill that was ended early was not passed, whatever it measured', () => {
  for (const ended of ['aborted', 'interrupted'] as const) {
    const report = drillReport(evidence({ samples: steady(0, 100), ended, endedBecause: 'why' }))
    assert.deepEqual([report.verdict, report.passed, report.endedBecause], [ended, false, 'why'])
  }
})

test('acknowledged writes that are gone: how many, and how old the oldest was at the fault', () => {
  const samples = [sample(100, 110, 'ok'), sample(300, 310, 'ok'), sample(520, 530, 'timeout')]
  const fate = (ackMs: number, what: WriteFate['fate']): WriteFate => ({
    dueMs: ackMs - 10,
    ackMs,
    fate: what,
  })
  const written = (...fates: WriteFate[]): DrillReport =>
    drillReport(
      evidence({ samples: steady(0, 100), writes: { samples, fates, startMs: 0, endMs: 1000, through: [] } }),
    )
  const lost = written(fate(110, 'lost'), fate(310, 'kept'))
  assert.deepEqual(
    [lost.writes?.lost, lost.writes?.keptElsewhere, lost.writes?.checked, lost.writes?.rpoMs],
    [1, 1, 2, 390],
  )
  assert.deepEqual([lost.verdict, holds(lost)['no-write-lost']], ['failed', false])
  assert.equal(lost.advice[0], 'writes-lost')
  const kept = written(fate(110, 'seen'), fate(310, 'seen'))
  assert.deepEqual([kept.writes?.rpoMs, holds(kept)['no-write-lost']], [0, true])
  const unseen = written()
  assert.deepEqual([unseen.writes?.rpoMs, holds(unseen)['no-write-lost']], [null, null])
  assert.ok(unseen.advice.includes('no-read-back'))
})

test('a write in an older epoch is only wrong when the newer one was acknowledged before it was sent', () => {
  const write = (dueMs: number, endMs: number, epoch: number): Sample => ({
    dueMs,
    endMs,
    outcome: 'ok',
    epoch,
  })
  const older = (...samples: Sample[]): boolean | null | undefined =>
    drillReport(
      evidence({
        samples: steady(0, 100),
        writes: { samples, fates: [], startMs: 0, endMs: 1000, through: [] },
      }),
    ).writes?.olderEpochAccepted
  assert.equal(older(write(1, 2, 7), write(3, 4, 8), write(5, 6, 8)), false)
  assert.equal(older(write(1, 5, 7), write(2, 4, 8)), false)
  assert.equal(older(write(1, 2, 7), write(3, 4, 8), write(5, 6, 7)), true)
  assert.equal(older(sample(1, 2, 'ok')), null)
})

test('the run is drawn in stretches: every request is in one of them', () => {
  const samples = [...steady(0, 90), sample(700, 1400, 'timeout'), sample(710, 900, 'degraded')]
  const { series } = drillReport(evidence({ samples }))
  assert.equal(series.everyMs, 50)
  assert.equal(series.reads.length, 20)
  const sum = (key: 'ok' | 'degraded' | 'failed'): number =>
    series.reads.reduce((total, bucket) => total + bucket[key], 0)
  assert.deepEqual([sum('ok'), sum('degraded'), sum('failed')], [90, 1, 1])
  assert.equal(series.reads.at(-1)?.failed, 1)
})

function evidence(changes: Partial<DrillEvidence>): DrillEvidence {
  return {
    id: '20261123T080000000Z-site-loss-east',
    scenario: scenarios['site-loss'],
    site: 'east',
    gateway: { node: 'gw-east', version: '0.1.0' },
    samples: [],
    writes: null,
    dns: null,
    dnsSilenceMs: null,
    moves: null,
    home: null,
    away: [],
    startMs: 0,
    endMs: 1000,
    killMs: 500,
    killWallMs,
    hit: ['shop-east-1 (12)'],
    restoreMs: null,
    ended: 'completed',
    endedBecause: null,
    forceReason: null,
    endpoints: ['a:1', 'a:2'],
    events: [],
    slowMs: 100,
    longestPauseMs: 1,
    retries: 0,
    fallbacks: 0,
    returnedMs: null,
    returnWithinMs: 0,
    restored: null,
    objectives: { rtoMs: 400, rpoMs: null, configured: true },
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
