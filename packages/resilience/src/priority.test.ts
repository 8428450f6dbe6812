import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { choosePriority, priorityLoad } from './priority.ts'
import type { PriorityCounts, PriorityLoad } from './priority.ts'

interface Row {
  name: string
  counts: PriorityCounts
  factor?: number
  threshold?: number
  expect: Partial<PriorityLoad>
}

const table: Row[] = [
  {
    name: 'one full priority',
    counts: { healthy: [100], total: [100] },
    expect: { health: [100], load: [100] },
  },
  { name: 'no spill at 72 %', counts: { healthy: [72, 72], total: [100, 100] }, expect: { load: [100, 0] } },
  { name: 'spill below 72 %', counts: { healthy: [71, 71], total: [100, 100] }, expect: { load: [99, 1] } },
  { name: 'half and half', counts: { healthy: [50, 50], total: [100, 100] }, expect: { load: [70, 30] } },
  { name: 'half and more', counts: { healthy: [50, 60], total: [100, 100] }, expect: { load: [70, 30] } },
  {
    name: 'no panic in a weak first priority while the second carries the rest',
    counts: { healthy: [25, 100], total: [100, 100] },
    expect: { normalizedTotal: 100, load: [35, 65], panic: [false, false] },
  },
  {
    name: '5 and 65',
    counts: { healthy: [5, 65], total: [100, 100] },
    expect: { load: [8, 92], panic: [true, false] },
  },
  {
    name: 'total panic: load by count, the remainder to the first',
    counts: { healthy: [25, 25, 20], total: [100, 100, 100] },
    expect: { health: [35, 35, 28], normalizedTotal: 98, load: [34, 33, 33], panic: [true, true, true] },
  },
  {
    name: 'total panic with unequal counts',
    counts: { healthy: [0, 0], total: [1, 2] },
    expect: { load: [34, 66], panic: [true, true] },
  },
  {
    name: 'degraded endpoints after all healthy ones, scaled up to 100',
    counts: { healthy: [10, 20, 10], degraded: [20, 10, 0], total: [100, 100, 100] },
    factor: 100,
    threshold: 0,
    expect: {
      normalizedTotal: 70,
      load: [16, 28, 14],
      degradedLoad: [28, 14, 0],
      panic: [false, false, false],
    },
  },
  {
    name: 'only degraded endpoints: they take the remainder',
    counts: { healthy: [0, 0, 0], degraded: [1, 1, 1], total: [3, 3, 3] },
    factor: 100,
    threshold: 30,
    expect: {
      normalizedTotal: 99,
      load: [0, 0, 0],
      degradedLoad: [34, 33, 33],
      panic: [false, false, false],
    },
  },
  {
    name: 'degraded endpoints count against panic',
    counts: { healthy: [1], degraded: [1], total: [4] },
    expect: { health: [35], degradedHealth: [35], load: [50], degradedLoad: [50], panic: [false] },
  },
  {
    name: 'an empty priority is passed over',
    counts: { healthy: [0, 3], total: [0, 3] },
    expect: { load: [0, 100], panic: [false, false] },
  },
  {
    name: 'an empty priority is in panic when the others do not reach 100',
    counts: { healthy: [0, 2], total: [0, 3] },
    expect: { health: [0, 93], load: [0, 100], panic: [true, false] },
  },
  {
    name: 'no endpoints at all',
    counts: { healthy: [0, 0], total: [0, 0] },
    expect: { load: [100, 0], panic: [true, true] },
  },
  {
    name: 'all down in the second of two, the first empty',
    counts: { healthy: [0, 0], total: [0, 5] },
    expect: { load: [0, 100], panic: [true, true] },
  },
  {
    name: 'panic turned off and all down',
    counts: { healthy: [0, 0], total: [2, 2] },
    threshold: 0,
    expect: { normalizedTotal: 0, load: [100, 0], panic: [false, false] },
  },
  {
    name: 'a threshold above 100 counts as 100',
    counts: { healthy: [7], total: [10] },
    threshold: 500,
    expect: { normalizedTotal: 98, load: [100], panic: [true] },
  },
]

for (const { name, counts, factor = 140, threshold = 50, expect } of table) {
  test(`priorities: ${name}`, () => {
    const seen = priorityLoad(counts, { overprovisioningFactorPct: factor, panicThresholdPct: threshold })
    assert.deepEqual({ ...seen, ...expect }, seen)
  })
}

test('loads are whole percentages that add up to 100, and the choice follows them', () => {
  const priority = fc
    .nat(20)
    .chain((total) =>
      fc
        .nat(total)
        .chain((healthy) => fc.nat(total - healthy).map((degraded) => ({ total, healthy, degraded }))),
    )
  fc.assert(
    fc.property(
      fc.array(priority, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 100, max: 200 }),
      fc.nat(100),
      (priorities, factor, threshold) => {
        const spread = priorityLoad(
          {
            healthy: priorities.map((p) => p.healthy),
            degraded: priorities.map((p) => p.degraded),
            total: priorities.map((p) => p.total),
          },
          { overprovisioningFactorPct: factor, panicThresholdPct: threshold },
        )
        const all = [...spread.load, ...spread.degradedLoad]
        assert.ok(all.every((share) => Number.isInteger(share) && share >= 0))
        const chosen = all.map(() => 0)
        for (let roll = 0; roll < 100; roll++) chosen[choosePriority(spread, roll)]!++
        assert.deepEqual(chosen, all)
        if (spread.normalizedTotal === 100) assert.ok(!spread.panic.includes(true))
      },
    ),
  )
})
