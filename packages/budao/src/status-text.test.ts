import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BudaoEvent, EndpointReport, GatewayReport, ServiceReport } from '@budao/model'
import { sampleEndpoint, sampleService, sampleSite } from '@budao/testkit'
import { createPaint } from './output.ts'
import { formatStatus, isHealthy } from './status-text.ts'

const plain = createPaint({ isTTY: false, write() {} }, {})

function endpoint(address: string, site: string, changes: Partial<EndpointReport> = {}): EndpointReport {
  return sampleEndpoint(address, site, { inFlight: 2, requestsPerSecond: 491.7, latencyMs: 3.44, ...changes })
}

function service(changes: Partial<ServiceReport> = {}): ServiceReport {
  const endpoints = [endpoint('127.0.0.1:7001', 'east'), endpoint('127.0.0.1:7101', 'west')]
  return sampleService(endpoints, { inFlight: 4, requestsPerSecond: 983.4, ...changes })
}

function report(changes: Partial<GatewayReport> = {}): GatewayReport {
  return {
    node: { name: 'gw-1', site: 'east' },
    version: '0.1.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'serving',
    snapshot: { version: 4, appliedAt: '2026-01-01T00:00:00.000Z', source: 'budao.yaml' },
    refused: null,
    workers: [],
    listeners: [],
    certificates: [],
    sites: [
      sampleSite('east', { requestsPerSecond: 983.4 }),
      sampleSite('west', { requestsPerSecond: 0.25 }),
    ],
    services: [service()],
    routes: [],
    names: [],
    drains: [],
    connections: { downstream: 0, upstream: 0, upstreamIdle: 0 },
    rateWindowMs: 5_000,
    requestsPerSecond: 983.4,
    requestsTotal: 12_000,
    ...changes,
  }
}

const westLost = report({
  sites: [
    sampleSite('east', { requestsPerSecond: 983.4 }),
    sampleSite('west', { state: 'down', usable: 0, total: 3, requestsPerSecond: 0 }),
  ],
  services: [
    service({
      state: 'degraded',
      endpoints: [
        endpoint('127.0.0.1:7001', 'east', { requestsTotal: 0, p99Ms: null }),
        endpoint('127.0.0.1:7101', 'west', { state: 'unhealthy', lastCheckError: 'connect ECONNREFUSED' }),
        endpoint('127.0.0.1:7102', 'west', {
          state: 'ejected',
          ejectedForMs: 23_400,
          failuresPerSecond: 2.5,
        }),
        endpoint('127.0.0.1:7103', 'west', {
          state: 'open',
          breaker: { state: 'open', calls: 20, failures: 11, slow: 0 },
        }),
      ],
    }),
  ],
})

const event: BudaoEvent = {
  seq: 1,
  at: '2026-01-01T12:00:00.123Z',
  kind: 'endpoint.unhealthy',
  severity: 'warning',
  subject: '127.0.0.1:7101',
  message: `127.0.0.1:7101 failed 3 checks in a row: ${'long '.repeat(30)}`,
  evidence: {},
}

test('a report as a table', () => {
  assert.equal(
    formatStatus(westLost, [{ ...event, message: '127.0.0.1:7101 failed 3 checks in a row' }], plain),
    `gw-1 at east · serving · snapshot 4 · 983 requests/s

SITE  STATE  USABLE  BUSY  REQ/S  ERR/S
east  up        1/1     1    983      0
west  down      0/3     1      0      0

SERVICE           SITE  STATE      BREAKER  BUSY  REQ/S  ERR/S    P99
shop                    degraded   closed      4    983      0  9.5ms
  127.0.0.1:7001  east  usable     closed      2    492      0      -
  127.0.0.1:7101  west  unhealthy  closed      2    492      0  9.5ms
  127.0.0.1:7102  west  ejected    closed      2    492    2.5  9.5ms
  127.0.0.1:7103  west  open       open        2    492      0  9.5ms

127.0.0.1:7101: connect ECONNREFUSED
127.0.0.1:7102: failed requests, ejected for 24 s more
127.0.0.1:7103: 11 of 20 calls failed

2026-01-01T12:00:00Z  127.0.0.1:7101 failed 3 checks in a row`,
  )
})

test('no line is wider than 80 columns, whatever the names and messages', () => {
  const long = report({
    refused: { at: '2026-01-01T00:00:00.000Z', problems: ['budao.yaml:1 '.repeat(20)] },
    services: [
      service({
        name: 'a-service-with-quite-a-long-name',
        endpoints: [
          endpoint('endpoint-with-a-long-name.internal.example:65535', 'a-long-site-name', {
            state: 'unhealthy',
            lastCheckError: 'x'.repeat(300),
            breaker: { state: 'forced-closed', calls: 1, failures: 0, slow: 0 },
            failuresTotal: 123_456_789,
          }),
        ],
      }),
    ],
  })
  for (const line of formatStatus(long, [event], plain).split('\n')) {
    assert.ok(Array.from(line).length <= 80, line)
  }
})

test('a refused configuration and a crashed worker are told', () => {
  const text = formatStatus(
    report({
      refused: { at: '2026-01-01T00:00:00.000Z', problems: ['budao.yaml:3 drain: expected a duration'] },
      workers: [{ id: 2, state: 'crashed', restarts: 1 }],
    }),
    [],
    plain,
  )
  assert.match(text, /refused at .*; snapshot 4 goes on\n {2}budao\.yaml:3 drain.*\nworker 2 crashed/)
})

const forced = { state: 'forced-open', calls: 0, failures: 0, slow: 0 } as const
const table: [what: string, report: GatewayReport, healthy: boolean][] = [
  ['everything up', report(), true],
  [
    'a site of no endpoints',
    report({ sites: [{ ...report().sites[0]!, state: 'down', usable: 0, total: 0 }] }),
    true,
  ],
  ['a refused configuration while the old one serves', report({ refused: { at: '', problems: [] } }), true],
  ['a site down', westLost, false],
  ['a service degraded', report({ services: [service({ state: 'degraded' })] }), false],
  ['a service kept shut by a person', report({ services: [service({ breaker: forced })] }), false],
  ['draining', report({ state: 'draining' }), false],
]
for (const [what, given, healthy] of table) {
  test(`${what} is ${healthy ? 'healthy' : 'not healthy'}`, () => assert.equal(isHealthy(given), healthy))
}
