import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { paceEveryMs, SlowSites, type SitePace } from './slow-sites.ts'
import type { SlownessOptions } from './slowness.ts'

const everyMs = paceEveryMs(10_000)

/** Three sites that are looked at each two seconds: `trafficMs` by site, or null where nobody asks there. */
class Watch {
  now = 0
  readonly sites: SlowSites
  readonly #names: readonly string[]

  constructor(names: readonly string[] = ['east', 'west', 'north'], options: Partial<SlownessOptions> = {}) {
    this.#names = names
    this.sites = new SlowSites(names, options)
  }

  /** For so many seconds; says how many seconds passed until the slow ones were others, and which those are. */
  run(seconds: number, trafficMs: readonly (number | null)[], probeMs: readonly number[] = []): string {
    const before = this.slow
    const from = this.now
    let changed = ''
    while (this.now < from + seconds * 1_000) {
      this.now += everyMs
      const paces = this.#names.map((name, index): [string, SitePace] => [
        name,
        { traffic: trafficMs[index] ?? null, probes: probeMs[index] ?? null },
      ])
      this.sites.observe(new Map(paces), this.now)
      if (changed === '' && this.slow !== before) changed = `${(this.now - from) / 1_000} s: ${this.slow}`
    }
    return changed
  }

  get slow(): string {
    return this.#names.filter((name) => this.sites.isSlow(name)).join(' ')
  }
}

test('ten times slower than the others and than before, for ten seconds, is slow; fast again for thirty is not', () => {
  const watch = new Watch()
  assert.equal(watch.run(60, [100, 90, 110]), '')
  assert.equal(watch.run(8, [1000, 90, 110]), '')
  assert.equal(watch.run(20, [1000, 90, 110]), '2 s: east')
  assert.deepEqual(watch.sites.evidence('east'), { by: 'traffic', ms: 1000, usualMs: 100 })
  assert.equal(watch.run(26, [100, 90, 110]), '')
  assert.equal(watch.run(20, [100, 90, 110]), '4 s: ')
})

test('between well and slow nothing changes: three times is slow, twice is well', () => {
  const watch = new Watch()
  watch.run(60, [100, 100, 100])
  assert.equal(watch.run(60, [290, 100, 100]), '')
  watch.run(20, [450, 100, 100])
  assert.equal(watch.run(120, [280, 100, 100]), '')
  assert.equal(watch.slow, 'east')
  assert.equal(watch.run(60, [190, 100, 100]), '30 s: ')
})

const neverSlow: readonly [what: string, before: (number | null)[], after: (number | null)[]][] = [
  ['slow everywhere is nobody’s fault', [100, 90, 110], [1000, 900, 1100]],
  ['less than 50 ms is not worth it', [2, 2, 2], [40, 2, 2]],
  ['who answers nonsense fast makes nobody else slow', [100, 100, 100], [100, 1, 1]],
  ['what was always slower has not become worse', [500, 90, 110], [510, 90, 110]],
  ['with nobody to compare nothing is slow', [100, null, null], [2000, null, null]],
  ['where nobody asks nothing is slow', [100, 90, 110], [null, 90, 110]],
]
for (const [what, before, after] of neverSlow) {
  test(what, () => {
    const watch = new Watch()
    watch.run(60, before)
    assert.equal(watch.run(120, after), '')
  })
}

test('one slow request in ten seconds is no slowness', () => {
  const watch = new Watch()
  watch.run(60, [100, 100, 100])
  for (let n = 0; n < 20; n++) {
    assert.equal(watch.run(2, [5000, 100, 100]), '')
    assert.equal(watch.run(8, [100, 100, 100]), '')
  }
})

test('probes are compared with probes: a fast question says nothing against slow answers', () => {
  const watch = new Watch(['east', 'west'])
  watch.run(60, [200, 200], [5, 5])
  assert.equal(watch.run(20, [null, 200], [300, 5]), '10 s: east')
  assert.equal(watch.sites.evidence('east')!.by, 'probes')
})

test('a site that is slow is no measure: the last one that is well never becomes slow', () => {
  const watch = new Watch(['east', 'west'])
  watch.run(60, [100, 100])
  watch.run(20, [1000, 100])
  // All requests go to west now, which becomes slower by it, and east has little to do.
  assert.equal(watch.run(28, [20, 900]), '')
  assert.equal(watch.run(60, [20, 900]), '2 s: ')
})

test('what is heard no more stays slow for five minutes', () => {
  const watch = new Watch()
  watch.run(60, [100, 100, 100])
  watch.run(20, [1000, 100, 100])
  assert.equal(watch.run(280, [null, 100, 100]), '')
  assert.equal(watch.run(60, [null, 100, 100]), '20 s: ')
})

test('who becomes slow three times in a row waits until the penalty has gone down', () => {
  const watch = new Watch(undefined, { stableMs: 10_000 })
  watch.run(60, [100, 100, 100])
  for (let relapse = 0; relapse < 3; relapse++) {
    if (relapse > 0) assert.equal(watch.run(10, [100, 100, 100]), '10 s: ')
    assert.equal(watch.run(10, [1000, 100, 100]), '10 s: east')
  }
  assert.equal(watch.run(500, [100, 100, 100]), '')
  assert.match(watch.run(100, [100, 100, 100]), /s: $/)
})

test('an observer that was away begins to count anew, and keeps what it found', () => {
  const watch = new Watch()
  watch.run(60, [100, 100, 100])
  watch.run(8, [1000, 100, 100])
  watch.now += 20_000
  watch.sites.skip(watch.now)
  assert.equal(watch.run(20, [1000, 100, 100]), '10 s: east')
  watch.sites.skip(watch.now)
  assert.equal(watch.slow, 'east')
})

test('however latencies go, one site is never slow, and of several never all become it at once', () => {
  const paces = fc.array(
    fc.array(fc.option(fc.integer({ min: 0, max: 5_000 })), { minLength: 3, maxLength: 3 }),
    {
      maxLength: 200,
    },
  )
  fc.assert(
    fc.property(paces, fc.integer({ min: 1, max: 3 }), (rows, count) => {
      const watch = new Watch(['east', 'west', 'north'].slice(0, count))
      for (const row of rows) watch.run(2, row)
      return watch.slow.split(' ').filter(Boolean).length < count
    }),
    { numRuns: 300 },
  )
})
