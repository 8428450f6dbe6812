import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Alarms } from './alarms.ts'
import { Durability } from './durability.ts'
import { PeerProgress } from './peer-progress.ts'

const at = (offset: number) => ({ logId: 'log', partition: 0, offset })
const never = new AbortController().signal

test('age of what a peer may not have, and lag, are told from its answers by one clock', () => {
  let now = 0
  const peer = new PeerProgress('west', () => now)
  assert.equal(peer.rpoMs, 0)
  peer.appended([at(0)], false)
  now = 30
  peer.appended([at(1)], true)
  peer.appended([at(2)], false)
  now = 100
  assert.equal(peer.rpoMs, 100)
  peer.applied(at(1))
  assert.equal(peer.rpoMs, 70)
  assert.equal(peer.lagMs(0.5), null)
  peer.applied(at(3))
  assert.deepEqual([peer.rpoMs, peer.lagMs(0.5), peer.silentMs], [0, 70, 0])
  assert.equal(peer.has([{ ...at(0), logId: 'another' }]), false)
})

test('a peer that is long away costs little memory, and what it lacks is never said to be younger than it is', () => {
  let now = 0
  const peer = new PeerProgress('west', () => now)
  for (let n = 0; n < 50_000; n++, now += 20) peer.appended([at(n)], false)
  assert.equal(peer.rpoMs, 50_000 * 20)
  peer.applied(at(25_000))
  assert.ok(peer.rpoMs >= 25_000 * 20)
})

test('sync: a write is settled by the peer’s word, and unknown without it', async () => {
  const peer = new PeerProgress('west', () => performance.now())
  const durability = new Durability({
    peers: [peer],
    onPeerLoss: 'block',
    peerTimeoutMs: 30,
    onDegraded: () => {},
  })
  const waiting = durability.settle([at(0)], never)
  peer.applied(at(1))
  assert.equal(await waiting, 'peers')
  assert.equal(await durability.settle([at(5)], never), 'unknown')
})

test('degrade: one write waits for a lost peer, the others do not; it is announced, and over once the peer has all', async () => {
  let silent = 1000
  const peer = new PeerProgress('west', () => silent)
  const told: boolean[] = []
  const durability = new Durability({
    peers: [peer],
    onPeerLoss: 'degrade',
    peerTimeoutMs: 20,
    onDegraded: (_, isOn) => told.push(isOn),
  })
  silent += 5000
  peer.appended([at(0)], false)
  assert.equal(await durability.settle([at(0)], never), 'degraded')
  assert.equal(await durability.settle([at(1)], never), 'degraded')
  durability.look()
  assert.deepEqual([told, [...durability.degraded]], [[true], ['west']])
  peer.applied(at(2))
  durability.look()
  assert.deepEqual([told, durability.degraded.size], [[true, false], 0])
  assert.equal(await durability.settle([at(1)], never), 'peers')
})

test('an alarm is told when it begins and when it ends', () => {
  const told: string[] = []
  const alarms = new Alarms(({ code, subject }, isOn) => told.push(`${code} ${subject} ${isOn}`))
  const alarm = { code: 'origin-silent', subject: 'west', message: '' } as const
  alarms.set([alarm])
  alarms.set([{ ...alarm, message: 'longer' }])
  assert.equal(alarms.all[0]!.message, 'longer')
  alarms.set([])
  assert.deepEqual(told, ['origin-silent west true', 'origin-silent west false'])
})
