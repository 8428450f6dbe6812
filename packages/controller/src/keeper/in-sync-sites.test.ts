import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantedLease, type WriteLease } from '@budao/model'
import { InSyncSites } from './in-sync-sites.ts'

const terms = { unit: 'shop', ttlMs: 3_000, guardMs: 300 }
const lease = (inSync: readonly string[], epoch = 1): WriteLease => ({
  ...grantedLease('shop', 'east', null, terms),
  epoch,
  inSync,
})

/** The holder stores what it names, and a controller takes it away at once. */
function takenAt(sites: InSyncSites, now: number): void {
  sites.seen(lease(sites.next(lease([]), ['west'], 'east', now)), now)
  sites.seen(lease([]), now)
}

test('who was taken away comes back after a while though the data never stopped waiting for it, each time later', () => {
  const sites = new InSyncSites()
  sites.seen(lease([]), 0)
  takenAt(sites, 0)
  const named = (now: number): readonly string[] => sites.next(lease([]), ['west'], 'east', now)
  assert.deepEqual([named(9_999), named(10_000)], [[], ['west']])
  takenAt(sites, 10_000)
  assert.deepEqual([named(29_999), named(30_000)], [[], ['west']])
  let now = 30_000
  for (let times = 0; times < 8; times++) {
    takenAt(sites, now)
    now += 300_000
    assert.deepEqual(named(now), ['west'], `after ${times + 3} times`)
  }
})

test('the data stops waiting and begins again: it is back at once, and the next time is the first', () => {
  const sites = new InSyncSites()
  sites.seen(lease([]), 0)
  takenAt(sites, 0)
  takenAt(sites, 10_000)
  assert.deepEqual(sites.next(lease([]), [], 'east', 11_000), [])
  assert.deepEqual(sites.next(lease([]), ['west'], 'east', 11_001), ['west'])
  takenAt(sites, 11_001)
  assert.deepEqual(sites.next(lease([]), ['west'], 'east', 21_001), ['west'])
})

test('a new epoch knows nothing of it', () => {
  const sites = new InSyncSites()
  sites.seen(lease([]), 0)
  takenAt(sites, 0)
  sites.seen(lease([], 2), 1)
  assert.deepEqual(sites.next(lease([], 2), ['west'], 'east', 1), ['west'])
})
