import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicationStatus } from '@budao/model'
import { dataIsHealthy, formatDataWhy, formatReplication } from './replication-text.ts'

const plain = (_: string, text: string): string => text
const status: ReplicationStatus = {
  url: 'http://127.0.0.1:9910',
  ageMs: 10,
  problem: '',
  report: {
    site: 'west',
    outgoing: { state: 'running', why: '', events: 5, backlog: 0, outboxPercent: 0, logPercent: 0 },
    peers: [
      {
        site: 'east',
        behind: 0,
        rpoMs: 0,
        lagP50Ms: 12,
        lagP99Ms: 40,
        silentMs: 100,
        degraded: false,
        refused: 0,
      },
    ],
    incoming: [
      {
        ...{ site: 'east', state: 'running', why: '', silentMs: 90, lagMs: 270, applied: 1 },
        ...{ duplicates: 0, conflicts: 0, parked: 2 },
      },
    ],
    deadLetters: 2,
    ended: [],
    conflicts: 0,
    paused: {},
    alarms: [],
  },
}

test('status: a line for each direction; healthy while no alarm is on', () => {
  assert.ok(dataIsHealthy(status))
  assert.ok(dataIsHealthy(null))
  assert.match(
    formatReplication(status, plain, 80),
    /west → east +running +12ms +40ms +0ms +0\neast → west +running +270ms/,
  )
  assert.equal(formatReplication(null, plain, 80), '')
})

test('status: writes that did not make it are counted, and named where somebody asks why', () => {
  const ended = [{ origin: 'east', count: 2, ids: ['order-1', 'order-2'] }]
  const alarms = [{ code: 'writes-ended', subject: 'east', message: '2 writes wait' }] as const
  const lost = { ...status, report: { ...status.report!, ended, alarms } }
  assert.equal(dataIsHealthy(lost), false)
  assert.match(formatReplication(lost, plain, 80), /2 writes of east were not applied at west/)
  assert.doesNotMatch(formatReplication(lost, plain, 80), /order-1/)
  assert.match(formatDataWhy(lost, plain, 80), /\n {2}order-1\n {2}order-2$/)
})

test('status: a replicator that does not answer is not healthy, and says where it should be', () => {
  const away = { ...status, report: null, problem: 'fetch failed' }
  assert.equal(dataIsHealthy(away), false)
  assert.match(formatReplication(away, plain, 80), /9910 does not answer: fetch failed/)
})
