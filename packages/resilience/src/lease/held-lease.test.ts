import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LocalCells } from '../cells.ts'
import { HeldLease } from './held-lease.ts'
import { sightLease, surelyEndedAt } from './lease-sighting.ts'

const terms = { ttlMs: 2500, guardMs: 250 }
const fresh = (): HeldLease => new HeldLease(new LocalCells(HeldLease.cellsFor()))

test('nothing is held before it is claimed', () => {
  assert.equal(fresh().mayWrite(1, 0), 'not-held')
  assert.equal(fresh().remainingMs(0), 0)
})

test('a lease holds from the moment its renewal was sent, without the guard', () => {
  const lease = fresh()
  lease.renewed(7, 1_000, terms)
  assert.equal(lease.mayWrite(7, 3_249), 'accept')
  assert.equal(lease.mayWrite(7, 3_250), 'ended')
  assert.equal(lease.remainingMs(3_000), 250)
})

test('other epochs are refused, and told apart', () => {
  const lease = fresh()
  lease.renewed(7, 0, terms)
  assert.equal(lease.mayWrite(6, 1), 'stale-epoch')
  assert.equal(lease.mayWrite(8, 1), 'unknown-epoch')
})

test('what was given up stays so, whatever answer comes late', () => {
  const lease = fresh()
  lease.renewed(7, 0, terms)
  lease.stop(7)
  lease.renewed(7, 100, terms)
  assert.equal(lease.mayWrite(7, 101), 'not-held')
  lease.renewed(8, 200, terms)
  assert.equal(lease.mayWrite(8, 201), 'accept')
  lease.renewed(7, 300, terms)
  assert.equal(lease.epoch, 8)
})

test('an answer that comes late never shortens what a later one gave', () => {
  const lease = fresh()
  lease.renewed(7, 1_000, terms)
  lease.renewed(7, 500, terms)
  assert.equal(lease.mayWrite(7, 3_200), 'accept')
})

test('a whole and a fenced holder never overlap, whatever the clocks and delays are', () => {
  const rate = fc.double({ min: 1 - 4.9e-4, max: 1 + 4.9e-4, noNaN: true })
  const ms = fc.double({ min: 0, max: 5_000, noNaN: true })
  fc.assert(
    fc.property(rate, rate, ms, ms, ms, (holderRate, fencerRate, sentAt, storedAfter, seenAfter) => {
      const lease = fresh()
      lease.renewed(1, sentAt * holderRate, terms)
      const seenAt = sentAt + storedAfter + seenAfter
      const sighting = sightLease(null, { epoch: 1, renewal: 1 }, seenAt * fencerRate)
      const nextAt = surelyEndedAt(sighting, terms) / fencerRate
      assert.notEqual(lease.mayWrite(1, nextAt * holderRate), 'accept')
    }),
  )
})

test('only a renewal not seen before counts as seen now', () => {
  const first = sightLease(null, { epoch: 3, renewal: 9 }, 100)
  assert.equal(sightLease(first, { epoch: 3, renewal: 9 }, 900), first)
  assert.deepEqual(sightLease(first, { epoch: 3, renewal: 10 }, 900), { epoch: 3, renewal: 10, at: 900 })
  assert.equal(surelyEndedAt(first, terms), 2_853)
})
