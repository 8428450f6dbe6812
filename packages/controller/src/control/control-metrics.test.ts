import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { NodesReport, WatchedReport } from '@budao/model'
import { controlMetrics } from './control-metrics.ts'

const nodes: NodesReport = {
  self: 'east',
  leader: { node: 'east', term: 3, self: true, admin: null },
  store: { type: 'sqlite', reachable: true, answeredMs: 1 },
  nodes: [
    {
      node: 'west',
      site: 'west',
      domain: 'west',
      roles: ['observer'],
      address: '127.0.0.1:1',
      admin: null,
      link: 'silent',
      sinceMs: 1,
      answeredMs: 1,
      roundTripMs: 2.5,
      why: '',
      abstains: 'paused',
    },
  ],
}

const watched: readonly WatchedReport[] = [
  {
    service: 'shop',
    verdicts: [
      { service: 'shop', site: 'east', state: 'up', code: 'agreed', votes: [] },
      {
        service: 'shop',
        site: 'west',
        state: 'degraded',
        code: 'slow',
        votes: [],
        slow: { by: 'traffic', ms: 412, usualMs: 40 },
      },
    ],
  },
]

test('docs/reference/metrics.md has a row for every family of failover with its type, and no others', () => {
  const docs = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const documented = [...docs.matchAll(/^\| `(budao_(?:link|failover)_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  const text = controlMetrics(nodes, [], watched, { 'link.up': 2 }, { writable: false, lost: 7 })
  const written = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
  assert.deepEqual(documented, written)
  for (const line of [
    'budao_link_up{node="west"} 0',
    'budao_link_round_trip_seconds{node="west"} 0.0025',
    'budao_failover_observer_abstains{node="west"} 1',
    'budao_failover_term 3',
    'budao_failover_site_slow{service="shop",site="east"} 0',
    'budao_failover_site_slow{service="shop",site="west"} 1',
    'budao_failover_site_latency_seconds{service="shop",site="west",by="traffic"} 0.412',
    'budao_failover_events_total{kind="link.up"} 2',
    'budao_failover_audit_writable 0',
    'budao_failover_audit_lost_total 7',
  ])
    assert.ok(text.includes(`\n${line}\n`), line)
})
