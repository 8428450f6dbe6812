import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeEndpoints } from './site-priority.ts'
import type { SiteMode } from './site-priority.ts'

const sites = ['east', 'west', 'north'].map((name, i) => ({ name, weight: i + 1 }))
const endpoints = ['west', 'east', 'north', 'moon'].map((site) => ({ site, weight: 10 }))

const table: [mode: SiteMode, localSite: string, priorities: number[]][] = [
  ['active-standby', 'west', [1, 0, 2, 3]],
  ['active-active', 'west', [0, 0, 0, 0]],
  ['multi-active', 'west', [0, 1, 1, 1]],
  ['multi-active', 'mars', [0, 0, 0, 0]],
]
for (const [mode, localSite, priorities] of table) {
  test(`${mode} seen from ${localSite}: west, east, north, moon have priorities ${priorities.join()}`, () => {
    const placed = placeEndpoints(endpoints, mode, sites, localSite)
    assert.deepEqual(
      placed.map(({ priority }) => priority),
      priorities,
    )
    assert.deepEqual(
      placed.map(({ weight }) => weight),
      [20, 10, 30, 10],
    )
  })
}

test('a site without endpoints takes up no priority', () => {
  const placed = placeEndpoints(
    [
      { site: 'north', weight: 1 },
      { site: 'west', weight: 1 },
    ],
    'active-standby',
    sites,
    'east',
  )
  assert.deepEqual(
    placed.map(({ priority }) => priority),
    [1, 0],
  )
})

test('an endpoint of a higher rank comes after all of lower ranks, whatever their sites', () => {
  const placed = placeEndpoints(
    [
      { site: 'west', weight: 1, rank: 1 },
      { site: 'east', weight: 1 },
      { site: 'west', weight: 1 },
      { site: 'east', weight: 1, rank: 7 },
    ],
    'multi-active',
    sites,
    'west',
  )
  assert.deepEqual(
    placed.map(({ priority }) => priority),
    [2, 1, 0, 3],
  )
})
