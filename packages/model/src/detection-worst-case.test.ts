import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailoverConfig } from './config-failover.ts'
import { detectionFindings } from './config-warnings-failover.ts'
import {
  detectionDefaults,
  detectionWorstCase,
  phiDeviations,
  silenceLimitMs,
  tailLog10,
} from './detection-worst-case.ts'

const failover = { lease: 2500, guard: 250 } as FailoverConfig

test('phi is the negative power of ten of the normal tail', () => {
  // Tails of the standard normal distribution, from tables.
  for (const [z, tail] of [
    [1.281_551_6, 0.1],
    [2.326_347_9, 0.01],
    [3.090_232_3, 0.001],
    [5.612_001_2, 1e-8],
  ] as const) {
    assert.ok(Math.abs(tailLog10(z) - Math.log10(tail)) < 1e-5, `${z}`)
    assert.ok(Math.abs(phiDeviations(-Math.log10(tail)) - z) < 1e-4, `${z}`)
  }
  assert.ok(Math.abs(silenceLimitMs(detectionDefaults) - 1461.2) < 0.1)
})

test('the defaults: 0.3 s for a process, 2.2 s for silence, another site within 2.9 s', () => {
  const rows = detectionWorstCase(detectionDefaults, failover)
  assert.deepEqual(
    rows.map(({ fault, suspectMs, downMs, servingMs }) => [fault, suspectMs, downMs, servingMs]),
    [
      ['process-gone', 50, 300, 450],
      ['silent', 1462, 2212, 2853],
      ['errors', 1000, 1750, 2853],
    ],
  )
})

test('the plain heartbeat alone: three intervals, and a timeout more where nobody refuses', () => {
  const rows = detectionWorstCase({ ...detectionDefaults, mode: 'literal' }, undefined)
  assert.deepEqual(
    rows.map(({ fault, suspectMs, downMs, servingMs }) => [fault, suspectMs, downMs, servingMs]),
    [
      ['process-gone', 3000, 9000, null],
      ['silent', 5000, 11_000, null],
    ],
  )
})

test('the backstop bounds what patience adds', () => {
  const patient = { ...detectionDefaults, beat: 60_000, interval: 1000, timeout: 500 }
  const [, silent] = detectionWorstCase(patient, undefined)
  assert.equal(silent!.downMs, 3 * 1000 + 500 + 50)
})

test('what cannot be held is said: a budget, and a recovery time', () => {
  const literal = { ...detectionDefaults, mode: 'literal' as const }
  assert.deepEqual(detectionFindings({}), [])
  assert.deepEqual(
    detectionFindings({ detection: detectionDefaults, objectives: { rto: 3000 }, failover }),
    [],
  )
  assert.match(detectionFindings({ detection: literal })[0]!.message, /after 11000ms .* budget is 5000ms/)
  assert.match(
    detectionFindings({ objectives: { rto: 2000 }, failover })[0]!.message,
    /may take 2853ms, rto is 2000ms/,
  )
})
