import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells } from './cells.ts'
import { Outlier } from './outlier.ts'
import type { OutlierOptions } from './outlier.ts'

function outlierOf(options: OutlierOptions = {}) {
  return new Outlier(new LocalCells(Outlier.cellsFor()), options)
}

const results: [
  name: string,
  options: OutlierOptions,
  events: [now: number, ok: boolean][],
  ejectedAt: number | null,
][] = [
  [
    'three failures in a row',
    {},
    [
      [0, false],
      [1, false],
      [2, false],
    ],
    2,
  ],
  [
    'two are not enough',
    {},
    [
      [0, false],
      [1, false],
    ],
    null,
  ],
  [
    'a success in between ends the row',
    {},
    [
      [0, false],
      [1, false],
      [2, true],
      [3, false],
      [4, false],
    ],
    null,
  ],
  [
    'failures just within the timeout',
    {},
    [
      [0, false],
      [30_000, false],
      [60_000, false],
    ],
    60_000,
  ],
  [
    'a gap longer than the timeout begins anew',
    {},
    [
      [0, false],
      [1, false],
      [30_002, false],
      [30_003, false],
    ],
    null,
  ],
  ['the first of one', { maxFails: 1 }, [[7, false]], 7],
  [
    'off',
    { maxFails: 0 },
    [
      [0, false],
      [1, false],
      [2, false],
      [3, false],
    ],
    null,
  ],
  [
    'a time with a fraction',
    { maxFails: 2 },
    [
      [0.25, false],
      [0.5, false],
    ],
    0.5,
  ],
]
for (const [name, options, events, ejectedAt] of results) {
  test(`outlier: ${name} -> ${ejectedAt === null ? 'stays' : `ejected at ${ejectedAt}`}`, () => {
    const outlier = outlierOf(options)
    const ejections = events.filter(([now, ok]) => outlier.record(ok, now) === 'ejected').map(([now]) => now)
    assert.deepEqual(ejections, ejectedAt === null ? [] : [ejectedAt])
    if (ejectedAt === null) return
    assert.equal(outlier.isEjected(ejectedAt), true)
    assert.equal(outlier.ejectedUntil(ejectedAt), Math.floor(ejectedAt) + 30_000)
    assert.equal(outlier.isEjected(ejectedAt + 29_999), true)
    assert.equal(outlier.isEjected(Math.floor(ejectedAt) + 30_000), false)
    assert.equal(outlier.ejectedUntil(ejectedAt + 30_000), 0)
  })
}

test('results of requests that were under way at the ejection change nothing', () => {
  const outlier = outlierOf()
  for (let now = 0; now < 3; now++) outlier.record(false, now)
  assert.equal(outlier.record(false, 100), 'none')
  assert.equal(outlier.record(true, 200), 'none')
  assert.equal(outlier.ejectedUntil(300), 30_002)
  // The success did not end probation either.
  assert.equal(outlier.record(false, 30_010), 'ejected')
})

test('after its return one failure ejects again, one success clears it, and so does time', () => {
  assert.equal(returned().record(false, 30_002), 'ejected')

  const cleared = returned()
  cleared.record(true, 30_002)
  assert.equal(cleared.record(false, 30_003), 'none')

  assert.equal(returned().record(false, 60_003), 'none')
})

test('while it must not eject, the row stays one short; the next failure ejects', () => {
  const outlier = outlierOf()
  for (let now = 0; now < 10; now++) assert.equal(outlier.record(false, now, false), 'none')
  assert.equal(outlier.isEjected(10), false)
  assert.equal(outlier.record(false, 10), 'ejected')
})

test('clear ends an ejection at once and forgets the row', () => {
  const outlier = outlierOf()
  for (let now = 0; now < 3; now++) outlier.record(false, now)
  outlier.clear()
  assert.equal(outlier.isEjected(3), false)
  assert.equal(outlier.record(false, 3), 'none')
})

test('the time of day does not matter: ejections work around every wrap of 32 bits', () => {
  const origin = fc.oneof(
    fc.nat(2 ** 52),
    fc
      .tuple(fc.nat(1000), fc.integer({ min: -40_000, max: 40_000 }))
      .map(([n, d]) => Math.max(0, n * 2 ** 31 + d)),
  )
  fc.assert(
    fc.property(origin, fc.constantFrom(1, 1000, 30_000, 3_600_000), (t, failTimeoutMs) => {
      const outlier = outlierOf({ failTimeoutMs })
      assert.deepEqual(
        [outlier.record(false, t), outlier.record(false, t), outlier.record(false, t)],
        ['none', 'none', 'ejected'],
      )
      // The one end that would be kept as 0, which means none, is put off by a millisecond.
      const end = t + failTimeoutMs + ((t + failTimeoutMs) % 2 ** 32 === 0 ? 1 : 0)
      assert.equal(outlier.ejectedUntil(t), end)
      assert.equal(outlier.isEjected(end - 1), true)
      assert.equal(outlier.isEjected(end), false)
    }),
  )
})

test('an ejection nobody looked at for weeks is over', () => {
  const day = 86_400_000
  const outlier = outlierOf()
  for (let now = 0; now < 3; now++) outlier.record(false, now)
  for (const days of [1, 24, 25, 30, 49, 50, 100])
    assert.equal(outlier.isEjected(days * day), false, `${days} days`)
})

/** Ejected at 2, back at 30 002. */
function returned(): Outlier {
  const outlier = outlierOf()
  for (let now = 0; now < 3; now++) outlier.record(false, now)
  return outlier
}
