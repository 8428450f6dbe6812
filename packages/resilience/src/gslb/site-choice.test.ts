import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hash32, mix32 } from '../hash.ts'
import { allSites, chooseSite, type SiteCandidates } from './site-choice.ts'

const seeds = ['east', 'west', 'north'].map((name) => hash32(name))
const three: SiteCandidates = { sites: [0, 1, 2], weights: [1, 1, 2], seeds }
const nobody = { nearness: [0, 0, 0], key: 0 }

test('failover takes the first, all-active all', () => {
  assert.equal(chooseSite('failover', { ...three, sites: [2, 0] }, nobody), 2)
  assert.equal(chooseSite('all-active', three, nobody), allSites)
  assert.equal(chooseSite('all-active', { ...three, sites: [1] }, nobody), 1)
})

test('nearest takes the nearest that stands', () => {
  const client = { nearness: [2, 6, 1], key: 0 }
  assert.equal(chooseSite('nearest', three, client), 1)
  assert.equal(chooseSite('nearest', { ...three, sites: [0, 2] }, client), 0)
})

test('of equally near ones the weights decide', () => {
  const counts = [0, 0, 0]
  for (let key = 0; key < 10_000; key++)
    counts[chooseSite('nearest', three, { nearness: [1, 0, 1], key: mix32(key) })]!++
  assert.equal(counts[1], 0)
  assert.ok(Math.abs(counts[0]! / 10_000 - 1 / 3) < 0.03, String(counts))
})

test('shares are those of the weights', () => {
  const counts = [0, 0, 0]
  for (let key = 0; key < 20_000; key++)
    counts[chooseSite('weighted', three, { ...nobody, key: mix32(key) })]!++
  for (const [site, share] of [0.25, 0.25, 0.5].entries())
    assert.ok(Math.abs(counts[site]! / 20_000 - share) < 0.02, String(counts))
})

test('a site without weight gets only what nobody else can take', () => {
  const weights = [0, 1, 0]
  for (let key = 0; key < 1_000; key++)
    assert.equal(chooseSite('weighted', { ...three, weights }, { ...nobody, key }), 1)
  assert.equal(chooseSite('weighted', { ...three, weights, sites: [0, 2] }, nobody), 0)
})

test('when a site leaves, only its clients move; when it is back, the same come back', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(0, 1, 2), (key, gone) => {
      const client = { ...nobody, key }
      const before = chooseSite('weighted', three, client)
      const left = chooseSite(
        'weighted',
        { ...three, sites: [0, 1, 2].filter((site) => site !== gone) },
        client,
      )
      if (before === gone) assert.notEqual(left, gone)
      else assert.equal(left, before)
    }),
  )
})
