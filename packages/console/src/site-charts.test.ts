import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicationStatus, SeriesReport } from '@budao/model'
import { textOf } from './element.ts'
import type { Element, Node } from './element.ts'
import { replication } from './replication-view.ts'
import { pathOf, roundUp, siteCharts } from './site-charts.ts'
import { languages } from './words.ts'

const words = languages.en
const now = new Date('2026-01-01T12:00:00Z')

test('a line has gaps where nothing is known, and a point alone is a dot', () => {
  assert.equal(pathOf([0, 10], 10), 'M0 79L600 1')
  assert.equal(pathOf([0, null, 10, null], 10), 'M0 79h0.1M400 1h0.1')
  assert.equal(pathOf([null, null], 10), '')
})

test('the top of a chart is round', () => {
  assert.deepEqual([0, 0.3, 1, 1.1, 4, 7, 99, 1_200].map(roundUp), [1, 0.5, 1, 2, 5, 10, 100, 2_000])
})

test('the last minutes of each site are drawn, and said in words', () => {
  const series: SeriesReport = {
    stepMs: 5_000,
    at: now.getTime(),
    sites: [
      { name: 'east', requestsPerSecond: [10, 20], failuresPerSecond: [0, 1.5], p99Ms: [null, 12] },
      { name: 'west', requestsPerSecond: [5, null], failuresPerSecond: [0, null], p99Ms: [null, null] },
    ],
  }
  const shown = siteCharts(series, now, words)!
  const said = find([shown], 'aria-label').map(({ attributes }) => attributes['aria-label'])
  assert.deepEqual(said, [
    'Requests/s: east: now 20, between 10 and 20; west: now no numbers, between 5 and 5',
    'Failures/s: east: now 1.5, between 0 and 1.5; west: now no numbers, between 0 and 0',
    'p99 of the slowest endpoint: east: now 12 ms, between 12 ms and 12 ms; west: no numbers',
  ])
  assert.equal(siteCharts({ ...series, sites: [] }, now, words), null)
  assert.equal(siteCharts(null, now, words), null)
})

const status = (changes: Partial<ReplicationStatus> = {}): ReplicationStatus => ({
  url: 'http://127.0.0.1:9910',
  ageMs: 400,
  problem: '',
  report: {
    site: 'east',
    outgoing: { state: 'running', why: '', events: 90, backlog: 2, outboxPercent: 1, logPercent: 12 },
    peers: [
      {
        ...{ site: 'west', behind: 4, rpoMs: 1_500, lagP50Ms: 6, lagP99Ms: 14, silentMs: 80 },
        ...{ degraded: true, refused: 3 },
      },
    ],
    incoming: [
      {
        ...{ state: 'stopped', why: 'the log has a gap', site: 'west', silentMs: 9_000, lagMs: 8_800 },
        ...{ applied: 1_234, duplicates: 1, conflicts: 2, parked: 5 },
      },
    ],
    deadLetters: 5,
    ended: [{ origin: 'west', count: 3, ids: [] }],
    conflicts: 2,
    paused: { orders: 'a person is waited for' },
    alarms: [{ code: 'stopped', subject: 'west', message: 'changes are missing' }],
    resync: {
      ...{ kind: 'restore', from: 'west', phase: 'diverged', rows: 10, rowsTotal: 10 },
      ...{
        lost: [{ id: 'a', table: 'orders', key: 'k' }],
        undone: 1,
        different: 2,
        undecided: 0,
        why: 'row k',
      },
      ...{ startedAt: '', endedAt: null },
    },
  },
  ...changes,
})

test('of data between the sites each direction says how far it is, what may be lost, and why it stands', () => {
  const shown = replication(status(), words)!
  const rows = find([shown], 'data-direction').map((each) => textOf(each))
  assert.equal(
    rows[0],
    'east → west✓running▲sync writes go on without it3 writes refused: their epoch had ended4 entrieswrites of the last 1.5 s6 ms / 14 ms80 ms–––',
  )
  assert.equal(rows[1], 'west → east✕stoppedthe log has a gapall before 8.8 s ago is here––9 s1\u202f23425')
  assert.match(
    textOf(shown),
    /west: changes are missing.*5 changes could not be applied.*3 writes of west.*table orders is paused.*restore from west: diverged.*2 rows differ.*row k.*2 events not in the log yet; outbox 1 % full, log 12 % full/s,
  )
})

test('a replicator that does not answer is said, with what it said last', () => {
  assert.match(
    textOf(replication(status({ problem: 'refused' }), words)!),
    /does not answer: refused.*east → west/s,
  )
  assert.match(textOf(replication(status({ report: null }), words)!), /has not answered yet/)
  assert.equal(replication(null, words), null)
})

function find(nodes: readonly Node[], attribute: string): Element[] {
  return nodes.flatMap((node) =>
    typeof node === 'string'
      ? []
      : [...(attribute in node.attributes ? [node] : []), ...find(node.children, attribute)],
  )
}
