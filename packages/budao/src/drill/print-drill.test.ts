import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DrillReport } from './drill-report.ts'
import { formatDrill } from './print-drill.ts'

const report: DrillReport = {
  schema: 1,
  id: '20261126T031500000Z-site-loss-east',
  scenario: 'site-loss',
  site: 'east',
  at: '2026-11-26T03:15:00.000Z',
  gateway: { node: 'gw-east', version: '0.1.0' },
  verdict: 'passed',
  passed: true,
  invariants: [
    { name: 'no-read-failed', holds: true, measured: 0, limit: 0 },
    { name: 'within-rto', holds: true, measured: 41, limit: 5_000 },
    { name: 'no-write-lost', holds: null, measured: null, limit: 0 },
  ],
  advice: [],
  ended: 'completed',
  endedBecause: null,
  hit: ['shop-east-1 (12)'],
  restoredAfterMs: null,
  restored: true,
  objectives: { rtoMs: 5_000, rpoMs: null, configured: false },
  outage: null,
  writes: null,
  dns: null,
  dnsSilenceMs: null,
  series: { everyMs: 200, reads: [], writes: null },
  forceReason: null,
  durationMs: 15_000,
  killedAfterMs: 5_001.2,
  requests: { sent: 15_000, ok: 14_990, degraded: 10, failed: 0, slow: 0 },
  slowMs: 500,
  failures: {},
  longestGapMs: 12.34,
  longestGapAtMs: 9_000,
  longestPauseMs: 4.04,
  detect: {
    firstMs: 3,
    allOutMs: 41,
    endpoints: [{ address: '127.0.0.1:7001', ms: 3, by: 'endpoint.ejected' }],
  },
  recoverMs: 41,
  latency: {
    before: { requests: 5000, p50: 1.234, p99: 9.99, max: 20 },
    during: { requests: 40, p50: 2, p99: 41, max: 41 },
    after: { requests: 0, p50: null, p99: null, max: null },
  },
  retries: 9,
  fallbacks: 0,
  returnedMs: 8_120,
  returnWithinMs: 60_000,
  moves: null,
  home: null,
  away: [],
  events: Array.from({ length: 20 }, (_, index) => ({
    ms: index * 1000,
    kind: 'endpoint.ejected',
    subject: '127.0.0.1:7001',
    message: 'a long story '.repeat(10),
    evidence: {},
  })),
}

const plain = (_: string, text: string): string => text

test('fits 80 columns, whatever the gateway tells', () => {
  for (const line of formatDrill(report, plain).split('\n')) assert.ok(Array.from(line).length <= 80, line)
})

test('the figures a person looks for are there', () => {
  const text = formatDrill(report, plain)
  for (const figure of [
    /^PASSED  site-loss of east: no read failed, 10 reads got the fallback$/m,
    /^reads +15000 sent in 15\.0 s, fault after 5\.0 s$/m,
    /^ +yes  recovered within the objective: 41 ms of 5000 ms$/m,
    /^answered +14990 by a backend, 10 by the fallback \(degraded\)$/m,
    /^longest gap +12 ms without a success from \+9000 ms on \(own pauses: 4\.0 ms\)$/m,
    /^detected +first after 3\.0 ms, all 1 endpoints out after 41 ms$/m,
    /^came back +8\.1 s after the fault, every endpoint usable$/m,
    /^before +5000 +1\.2 ms +10\.0 ms +20 ms$/m,
    /^after +0 +– +– +–$/m,
    /^… and 6 more: --json has them all$/m,
  ]) {
    assert.match(text, figure)
  }
})

test('failures are told by kind, the most frequent first', () => {
  const failed = {
    ...report,
    passed: false,
    verdict: 'failed' as const,
    failures: { reset: 1, 'status 503': 20 },
    requests: { ...report.requests, failed: 21 },
  }
  assert.match(formatDrill(failed, plain), /^FAILED  site-loss of east: 21 reads failed$/m)
  assert.match(formatDrill(failed, plain), /^failed +21 {2}status 503: 20 {2}reset: 1$/m)
})
