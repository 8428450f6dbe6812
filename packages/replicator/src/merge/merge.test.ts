import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type ChangeEvent,
  type ColumnMerge,
  formatHlc,
  type Json,
  type MergeRule,
  type Row,
} from '@budao/model'
import { sealed } from '../event-hash.ts'
import { joinVersions } from './join.ts'
import { mergeEvent } from './merge-event.ts'
import { rowOf, type RowVersion, sameRow } from './row-version.ts'

const sites = ['east', 'west', 'north'] as const
// One is called as something that every object has.
const columnsOfAll: Readonly<Record<string, ColumnMerge>> = Object.fromEntries(
  Object.entries({ n: 'counter', tags: 'set', top: 'max', low: 'min' } as const).concat([
    ['constructor', 'max' as never],
  ]),
)
const rules: readonly MergeRule[] = [
  { name: 'owner', ownerOf: (key) => (key === 'k' ? 'west' : 'east') },
  { name: 'last-writer' },
  { name: 'fields' },
  { name: 'crdt', columns: columnsOfAll },
  {
    name: 'callback',
    // Neither associative nor commutative.
    merge: ({ row: a }, { row: b }) =>
      a === null || b === null ? (b ?? a) : { ...b, n: Number(a['n']) - Number(b['n']) },
  },
]

/** A site that writes: its events are made upon what it has merged. */
class Site {
  readonly name: string
  readonly rule: MergeRule
  version: RowVersion | null = null
  row: Row | null = null
  seq = 0

  constructor(name: string, rule: MergeRule) {
    this.name = name
    this.rule = rule
  }

  write(wish: Row | null, wallMs: number): ChangeEvent | null {
    if (wish === null && this.row === null) return null
    // Who deleted a key of a crdt table does not make it again.
    if (this.rule.name === 'crdt' && this.row === null && this.version !== null) return null
    const op = wish === null ? 'delete' : this.row === null ? 'create' : 'update'
    const event = sealed({
      id: `${this.name}-${this.seq}`,
      op,
      payload: wish,
      v: 1,
      origin: this.name,
      epoch: 1,
      hlc: formatHlc(wallMs, 0),
      seq: this.seq++,
      key: 'k',
      table: 't',
      schemaVersion: 1,
      txId: `${this.name}-${this.seq}`,
      before: this.row,
      ...(this.version === null ? {} : { knew: this.version.seen }),
    })
    assert.equal(this.take(event), 'merged')
    return event
  }

  take(event: ChangeEvent): string {
    const merge = mergeEvent(this.version, this.row, event, this.rule)
    if (merge.verdict !== 'merged') return merge.verdict
    this.version = merge.version
    this.row = merge.row
    return merge.verdict
  }
}

const wish: fc.Arbitrary<Row | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.record({
      n: fc.integer({ min: -5, max: 5 }),
      tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')) as fc.Arbitrary<Json>,
      top: fc.integer({ min: 0, max: 9 }),
      low: fc.integer({ min: 0, max: 9 }),
      constructor: fc.integer({ min: 0, max: 9 }),
      name: fc.constantFrom('x', 'y', 'z'),
    }) as fc.Arbitrary<Row>,
  },
)
/** Who writes what; and who first takes what it has not seen of whom. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('write' as const), site: fc.nat(2), wish }),
    fc.record({ kind: fc.constant('take' as const), site: fc.nat(2), from: fc.nat(2), again: fc.boolean() }),
  ),
  { maxLength: 40 },
)
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

function live(rule: MergeRule, script: Step): { all: Site[]; versions: RowVersion[] } {
  const all = sites.slice(0).map((name) => new Site(name, rule))
  const logs: ChangeEvent[][] = all.map(() => [])
  const next = all.map(() => all.map(() => 0))
  const versions: RowVersion[] = []
  let wallMs = 1000
  const takeOne = (site: number, from: number): void => {
    all[site]!.take(logs[from]![next[site]![from]!++]!)
  }
  for (const step of script) {
    const site = step.site
    if (step.kind === 'write') {
      // Stamps of different sites may be equal.
      const event = all[site]!.write(step.wish, (wallMs += site === 0 ? 1 : 0) + all[site]!.seq)
      if (event !== null) logs[site]!.push(event)
    } else {
      const from = step.from
      if (from === site || next[site]![from]! >= logs[from]!.length) continue
      takeOne(site, from)
      if (step.again) {
        const { row, version } = all[site]!
        // The whole log again: nothing changes.
        for (const event of logs[from]!.slice(0, next[site]![from]))
          assert.equal(all[site]!.take(event), 'duplicate')
        assert.equal(all[site]!.row, row)
        assert.equal(all[site]!.version, version)
      }
    }
    if (all[site]!.version !== null) versions.push(all[site]!.version)
  }
  for (const [site] of all.entries()) {
    for (const [from] of all.entries()) {
      if (from === site) continue
      const missing = logs[from]!.length - next[site]![from]!
      for (let n = 0; n < missing; n++) takeOne(site, from)
    }
  }
  return { all, versions }
}

for (const rule of rules) {
  test(`${rule.name}: whoever has seen the same changes has the same row, in whatever order they came`, () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { all } = live(rule, script)
        for (const site of all) {
          assert.ok(
            sameRow(site.row, all[0]!.row),
            `${site.name} ${JSON.stringify(all.map(({ row }) => row))}`,
          )
          assert.ok(sameRow(site.row, rowOf(site.version, rule)))
        }
      }),
      { numRuns: 400 },
    )
  })

  test(`${rule.name}: joining versions is commutative, associative and idempotent`, () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), fc.nat(), (script, i, j, k) => {
        const { versions } = live(rule, script)
        if (versions.length === 0) return
        const pick = (n: number): RowVersion => versions[n % versions.length]!
        const [a, b, c] = [pick(i), pick(j), pick(k)]
        const join = (x: RowVersion, y: RowVersion): RowVersion => joinVersions('k', x, y, rule)
        assert.deepEqual(join(a, b), join(b, a))
        assert.deepEqual(join(a, join(b, c)), join(join(a, b), c))
        assert.deepEqual(join(a, a), a)
      }),
      { numRuns: 300 },
    )
  })
}

test('counters add up what both sites did', () => {
  const rule = rules[3]!
  const [east, west] = [new Site('east', rule), new Site('west', rule)]
  west.take(east.write({ n: 10, tags: ['a'], top: 3, low: 3 }, 1)!)
  const e = east.write({ n: 7, tags: ['a', 'b'], top: 9, low: 3 }, 2)!
  const w = west.write({ n: 15, tags: [], top: 4, low: 1 }, 3)!
  east.take(w)
  west.take(e)
  assert.deepEqual(east.row, { n: 12, tags: ['b'], top: 9, low: 1 })
  assert.deepEqual(west.row, east.row)
})

test('fields: changes of different columns both stand', () => {
  const rule: MergeRule = { name: 'fields' }
  const [east, west] = [new Site('east', rule), new Site('west', rule)]
  west.take(east.write({ name: 'x', city: 'y' }, 1)!)
  const e = east.write({ name: 'E', city: 'y' }, 5)!
  west.take(west.write({ name: 'x', city: 'W' }, 2)!)
  const merge = mergeEvent(west.version, west.row, e, rule)
  assert.ok(merge.verdict === 'merged')
  assert.equal(merge.winner, 'merged')
  assert.deepEqual(merge.row, { name: 'E', city: 'W' })
})

for (const name of ['last-writer', 'fields'] as const) {
  test(`${name}: insert, delete, insert: nothing rises from the dead, and the last insert stands`, () => {
    const rule: MergeRule = { name }
    const [east, west] = [new Site('east', rule), new Site('west', rule)]
    const made = east.write({ name: 'first' }, 1)!
    west.take(made)
    const gone = east.write(null, 3)!
    // Written before the tombstone by the clock, and arrives after it.
    const late = west.write({ name: 'late' }, 2)!
    east.take(late)
    assert.equal(east.row, null)
    west.take(gone)
    assert.equal(west.row, null)
    assert.equal(west.take(made), 'duplicate')
    west.take(east.write({ name: 'second' }, 4)!)
    assert.deepEqual([east.row, west.row], [{ name: 'second' }, { name: 'second' }])
  })
}

test('park: a change that did not know of another one waits for a person; one that did is applied', () => {
  const rule: MergeRule = { name: 'park' }
  const [east, west] = [new Site('east', rule), new Site('west', rule)]
  assert.equal(west.take(east.write({ name: 'x' }, 1)!), 'merged')
  const e = east.write({ name: 'e' }, 2)!
  west.write({ name: 'w' }, 3)
  assert.equal(west.take(e), 'park')
})

test('a counter without the row before it waits for a person, and says why', () => {
  const rule = rules[3]!
  const site = new Site('east', rule)
  const { before: _, knew: ___, hash: __, ...blind } = new Site('west', rule).write({ n: 1 }, 1)!
  const merge = mergeEvent(site.version, site.row, sealed({ ...blind, op: 'update' }), rule)
  assert.deepEqual(merge, {
    verdict: 'park',
    detail: 'column n is a counter: expected the row before the change beside the one after it',
  })
})

for (const name of ['last-writer', 'owner'] as const) {
  test(`${name}: who wins is recorded where the loser was`, () => {
    const rule: MergeRule = name === 'owner' ? { name, ownerOf: () => 'west' } : { name }
    const [east, west] = [new Site('east', rule), new Site('west', rule)]
    west.take(east.write({ name: 'x' }, 1)!)
    const w = west.write({ name: 'w' }, 2)!
    const e = east.write({ name: 'e' }, 3)!
    const atEast = mergeEvent(east.version, east.row, w, rule)
    const atWest = mergeEvent(west.version, west.row, e, rule)
    assert.ok(atEast.verdict === 'merged' && atWest.verdict === 'merged')
    const [loser, stands] = name === 'owner' ? ['remote', 'local'] : ['local', 'remote']
    assert.deepEqual([atEast.winner, atWest.winner], [loser, stands])
    assert.deepEqual(atEast.row, atWest.row)
  })
}

test('callback: a change of a row that was there before replication stands, and two of them are merged without it', () => {
  const rule: MergeRule = {
    name: 'callback',
    merge: ({ row: a }, { row: b }) => ({ n: [a?.['n'] ?? 0, b?.['n'] ?? 0] }),
  }
  const [east, west] = [new Site('east', rule), new Site('west', rule)]
  east.row = west.row = { n: 'before' }
  const e = east.write({ n: 'east' }, 1)!
  assert.deepEqual(east.row, { n: 'east' })
  const w = west.write({ n: 'west' }, 2)!
  west.take(e)
  east.take(w)
  assert.deepEqual(east.row, { n: ['east', 'west'] })
  assert.deepEqual(west.row, east.row)
})
