import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatHlc, type MergeRule, type Row } from '@budao/model'
import { rightVersion, type SiteRow } from './right-version.ts'
import type { RowVersion } from './row-version.ts'

const lastWriter: MergeRule = { name: 'last-writer' }
const ownedByWest: MergeRule = { name: 'owner', ownerOf: () => 'west' }

function register(hlc: number, origin: string, row: Row | null): RowVersion {
  return { kind: 'register', seen: { [origin]: hlc }, stamp: { hlc: formatHlc(hlc, 0), origin }, row }
}

function at(site: string, row: Row | null, version: RowVersion | null, isAltered = false): SiteRow {
  return { site, row, version, isAltered }
}

const [a, b] = [{ n: 1 }, { n: 2 }]
const cases: [what: string, rule: MergeRule, east: SiteRow, west: SiteRow, right: Row | null | 'a person'][] =
  [
    [
      'a row that one site lost',
      lastWriter,
      at('east', a, register(1, 'east', a)),
      at('west', null, register(1, 'east', null), true),
      a,
    ],
    [
      'a row that one site lost with all that was known of it',
      lastWriter,
      at('east', a, register(1, 'east', a)),
      at('west', null, null),
      a,
    ],
    ['a row that was added at one site', lastWriter, at('east', null, null), at('west', b, null), b],
    [
      'a copy that was changed',
      lastWriter,
      at('east', a, register(1, 'east', a)),
      at('west', b, register(1, 'east', b)),
      a,
    ],
    [
      'the same, where it is known which',
      lastWriter,
      at('east', b, register(1, 'east', b), true),
      at('west', a, register(1, 'east', a)),
      a,
    ],
    [
      'a tombstone that is missing',
      lastWriter,
      at('east', null, register(3, 'east', null)),
      at('west', b, null),
      null,
    ],
    [
      'a row that stands on its tombstone',
      lastWriter,
      at('east', null, register(3, 'east', null)),
      at('west', b, register(3, 'east', b), true),
      null,
    ],
    [
      'a later write',
      lastWriter,
      at('east', a, register(5, 'east', a)),
      at('west', b, register(4, 'west', b)),
      a,
    ],
    [
      'a later write that was changed since',
      lastWriter,
      at('east', a, register(5, 'east', a), true),
      at('west', b, register(4, 'west', b)),
      'a person',
    ],
    ['rows of before replication', lastWriter, at('east', a, null), at('west', b, null), 'a person'],
    [
      'the owner has another',
      ownedByWest,
      at('east', a, register(9, 'east', a)),
      at('west', b, register(1, 'west', b)),
      b,
    ],
    ['the owner has none', ownedByWest, at('east', a, null), at('west', null, null), null],
    [
      'the owner lost it',
      ownedByWest,
      at('east', a, register(1, 'west', a)),
      at('west', null, register(1, 'west', null), true),
      a,
    ],
    [
      'a later lease than the owner’s',
      ownedByWest,
      at('east', a, { ...register(2, 'east', a), epoch: 7 } as RowVersion),
      at('west', b, { ...register(9, 'west', b), epoch: 6 } as RowVersion),
      a,
    ],
    [
      'two writes that a person decides',
      { name: 'park' },
      at('east', a, register(5, 'east', a)),
      at('west', b, register(4, 'west', b)),
      'a person',
    ],
    [
      'columns beside their versions',
      { name: 'fields' },
      at('east', { n: 9 }, columns(3)),
      at('west', { n: 3 }, columns(3)),
      { n: 3 },
    ],
  ]

function columns(n: number): RowVersion {
  const stamp = { hlc: formatHlc(n, 0), origin: 'east' }
  return {
    kind: 'columns',
    seen: { east: n },
    stamp,
    created: stamp,
    deleted: null,
    columns: { n: { kind: 'value', stamp, value: n } },
  }
}

for (const [what, rule, east, west, expected] of cases) {
  test(`${what}: ${JSON.stringify(expected)} is right, whoever is asked first`, () => {
    for (const [one, other] of [
      [east, west],
      [west, east],
    ] as const) {
      const right = rightVersion('k', one, other, rule)
      assert.deepEqual(right === null ? 'a person' : right.row, expected)
    }
  })
}

test('what is right at both sites is right for good: nothing is left to repair', () => {
  const row = fc.option(fc.record({ n: fc.nat(3) }), { nil: null })
  const side = (site: string): fc.Arbitrary<SiteRow> =>
    fc
      .record({
        row,
        hlc: fc.nat(3),
        origin: fc.constantFrom('east', 'west'),
        isKnown: fc.boolean(),
        isAltered: fc.boolean(),
      })
      .map(({ row: lies, hlc, origin, isKnown, isAltered }) =>
        at(site, lies, isKnown ? register(hlc, origin, lies) : null, isKnown && isAltered),
      )
  for (const rule of [lastWriter, ownedByWest]) {
    fc.assert(
      fc.property(side('east'), side('west'), (east, west) => {
        const right = rightVersion('k', east, west, rule)
        if (right === null) return
        const again = rightVersion(
          'k',
          at('east', right.row, right.version),
          at('west', right.row, right.version),
          rule,
        )
        assert.deepEqual(again === null ? right.row : again.row, right.row)
      }),
      { numRuns: 500 },
    )
  }
})
