import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DrillReport } from './drill-report.ts'
import { formatDrill } from './print-drill.ts'

const report: DrillReport = {
  site: 'east',
  passed: true,
  killed: [{ pid: 12, name: 'shop-east-1' }],
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
    /^PASSED  east died, no request failed, 10 requests got the fallback$/m,
    /^requests +15000 sent in 15\.0 s, killed after 5\.0 s$/m,
    /^answered +14990 by a backend, 10 by the fallback \(degraded\)$/m,
    /^longest gap +12 ms without a success from \+9000 ms on \(own pauses: 4\.0 ms\)$/m,
    /^detected +first after 3\.0 ms, all 1 endpoints out after 41 ms$/m,
    /^came back +8\.1 s after the kill, every endpoint usable$/m,
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
    failures: { reset: 1, 'status 503': 20 },
    requests: { ...report.requests, failed: 21 },
  }
  assert.match(formatDrill(failed, plain), /^FAILED  21 requests failed when east died$/m)
  assert.match(formatDrill(failed, plain), /^failed +21 {2}status 503: 20 {2}reset: 1$/m)
})
