import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { balancerKinds } from './balance/balancers.ts'
import { LocalCells } from './cells.ts'
import type { Cells } from './cells.ts'
import { EndpointFacts } from './endpoint-facts.ts'
import { EndpointSet } from './endpoint-set.ts'
import type { EndpointSetOptions, EndpointSpec } from './endpoint-set-options.ts'
import { SeededRandom } from './seeded-random.ts'

const east1 = 0
const east2 = 1
const west1 = 2
const west2 = 3
const twoSites = ['east', 'east', 'west', 'west'].map((site, i) => ({ id: `${site}-${i}`, site, weight: 1 }))

function setOf(
  options: Partial<EndpointSetOptions> = {},
  endpoints: readonly EndpointSpec[] = twoSites,
  cells: Cells = new LocalCells(EndpointSet.cellsFor(endpoints.length)),
): EndpointSet {
  return new EndpointSet(cells, new SeededRandom(11), endpoints, {
    balance: 'least-request',
    mode: 'active-active',
    sites: [
      { name: 'east', weight: 1 },
      { name: 'west', weight: 1 },
    ],
    localSite: 'west',
    ...options,
  })
}

function picks(set: EndpointSet, now: number, avoid: readonly number[] = [], count = 400): number[] {
  const random = new SeededRandom(5)
  const counts = set.endpoints.map(() => 0)
  for (let n = 0; n < count; n++) {
    const picked = set.pick(random.uint32(), now, avoid)
    if (picked >= 0) counts[picked]!++
  }
  return counts
}

/** Which endpoints got any of many requests. */
function served(set: EndpointSet, now: number, avoid: readonly number[] = []): number[] {
  return picks(set, now, avoid).flatMap((count, i) => (count > 0 ? [i] : []))
}

function fail(set: EndpointSet, index: number, now: number, times = 3): string {
  let last = 'none'
  for (let n = 0; n < times; n++) last = set.record(index, false, now)
  return last
}

test('active-standby serves from the first site, and from the second what the first cannot', () => {
  const set = setOf({ mode: 'active-standby' })
  assert.deepEqual(served(set, 0), [east1, east2])
  set.setHealth(east1, 'unhealthy')
  assert.deepEqual(served(set, 0), [east2, west1, west2])
  assert.deepEqual(set.spread(0).load, [70, 30])
  set.setHealth(east2, 'unhealthy')
  assert.deepEqual(served(set, 0), [west1, west2])
  assert.equal(set.panic(0), false)
  set.setHealth(east1, 'healthy')
  set.setHealth(east2, 'healthy')
  assert.deepEqual(served(set, 0), [east1, east2])
})

test('multi-active serves from the own site, and from the others what it cannot', () => {
  const set = setOf({ mode: 'multi-active' })
  assert.deepEqual(served(set, 0), [west1, west2])
  fail(set, west1, 0)
  fail(set, west2, 0)
  assert.deepEqual(served(set, 0), [east1, east2])
})

test('active-active serves from all sites by weight', () => {
  const sites = [
    { name: 'east', weight: 3 },
    { name: 'west', weight: 1 },
  ]
  const counts = picks(setOf({ sites, balance: 'round-robin' }), 0, [], 800)
  assert.deepEqual(counts, [300, 300, 100, 100])
})

test('three failures eject until the timeout has passed; both changes are seen by another thread', () => {
  const cells = new LocalCells(EndpointSet.cellsFor(4))
  const [a, b] = [setOf({}, twoSites, cells), setOf({}, twoSites, cells)]
  assert.deepEqual(served(b!, 0), [0, 1, 2, 3])
  assert.equal(fail(a!, east1, 5, 3), 'ejected')
  assert.deepEqual(served(b!, 5), [1, 2, 3])
  assert.equal(b!.state(east1, 5), 'ejected')
  assert.equal(b!.ejectedForMs(east1, 5), 30_000)
  assert.deepEqual(served(b!, 30_004), [1, 2, 3])
  assert.deepEqual(served(b!, 30_005), [0, 1, 2, 3])
  assert.equal(b!.state(east1, 30_005), 'usable')
})

test('an endpoint whose checks pass again is not kept ejected', () => {
  const set = setOf()
  fail(set, east1, 0)
  set.setHealth(east1, 'unhealthy')
  assert.equal(set.state(east1, 1), 'unhealthy')
  set.setHealth(east1, 'healthy')
  assert.equal(set.state(east1, 2), 'usable')
  assert.deepEqual(served(set, 2), [0, 1, 2, 3])
})

test('a passing check alone does not end an ejection; an operator can', () => {
  const set = setOf()
  set.setHealth(east1, 'healthy')
  fail(set, east1, 0)
  set.setHealth(east1, 'healthy')
  assert.equal(set.state(east1, 1), 'ejected')
  set.readmit(east1)
  assert.equal(set.state(east1, 1), 'usable')
})

test('the last usable endpoint is not ejected, whatever made it the last', () => {
  for (const size of [1, 2, 3]) {
    const set = setOf({}, twoSites.slice(0, size))
    for (let i = 0; i < size - 1; i++) assert.equal(fail(set, i, 0), 'ejected')
    assert.equal(fail(set, size - 1, 0, 20), 'none')
    assert.equal(set.usable(0), 1)
  }
  const checked = setOf({}, twoSites.slice(0, 2))
  checked.setHealth(0, 'unhealthy')
  assert.equal(fail(checked, 1, 0, 20), 'none')
  const drained = setOf({}, twoSites.slice(0, 2))
  drained.setDraining(0, true)
  assert.equal(fail(drained, 1, 0, 20), 'none')
})

test('of two threads that eject the last two endpoints at once, one takes its ejection back', () => {
  const pair = twoSites.slice(0, 2)
  const memory = new LocalCells(EndpointSet.cellsFor(2))
  const other = setOf({}, pair, memory)
  fail(other, 0, 0, 2)
  fail(other, 1, 0, 2)
  let meanwhile = 'none'
  // The other thread comes in after this one has looked, and before it ejects.
  const cells: Cells = {
    length: memory.length,
    load: (index) => memory.load(index),
    store: (index, value) => memory.store(index, value),
    add: (index, delta) => memory.add(index, delta),
    compareExchange(index, expected, next) {
      meanwhile = other.record(1, false, 1)
      return memory.compareExchange(index, expected, next)
    },
  }
  assert.equal(setOf({}, pair, cells).record(0, false, 1), 'none')
  assert.equal(meanwhile, 'ejected')
  assert.deepEqual([other.state(0, 1), other.state(1, 1)], ['usable', 'ejected'])
  assert.equal(other.ejectedForMs(0, 1), 0)
})

test('an ejection does not count while the rest is down by checks', () => {
  const set = setOf({}, twoSites.slice(0, 2))
  fail(set, 0, 0)
  set.setHealth(1, 'unhealthy')
  assert.equal(set.usable(1), 1)
  assert.equal(set.state(0, 1), 'usable')
  assert.equal(set.ejectedForMs(0, 1), 0)
  assert.deepEqual(served(set, 1), [0])
  set.setHealth(1, 'healthy')
  assert.deepEqual(served(set, 1), [1])
})

test('panic: with less than half healthy all are tried, a retry only those believed good', () => {
  const set = setOf()
  for (const index of [east1, east2, west1]) set.setHealth(index, 'unhealthy')
  assert.equal(set.panic(0), true)
  assert.deepEqual(served(set, 0), [0, 1, 2, 3])
  assert.deepEqual(served(set, 0, [east1]), [west2])
  // The only good one has failed as well: then one that was not tried, bad or not.
  assert.deepEqual(served(set, 0, [west2]), [0, 1, 2])
  assert.equal(set.usable(0), 1)
})

test('a dead site that carries no load is not in panic: its endpoints stay out, also for retries', () => {
  const set = setOf({ mode: 'active-standby' })
  for (const index of [east1, east2, west1]) set.setHealth(index, 'unhealthy')
  assert.deepEqual(set.spread(0).panic, [true, false])
  assert.equal(set.panic(0), false)
  assert.deepEqual(served(set, 0), [west2])
  assert.deepEqual(served(set, 0, [west2]), [west2])
})

test('panic turned off: only usable endpoints, and -1 when there are none', () => {
  const set = setOf({ panicThresholdPct: 0 })
  for (const index of [east1, east2, west1]) set.setHealth(index, 'unhealthy')
  assert.deepEqual(served(set, 0), [west2])
  set.setHealth(west2, 'unhealthy')
  assert.equal(set.pick(0, 0, []), -1)
  assert.equal(set.panic(0), false)
})

test('draining endpoints get nothing, not even in panic', () => {
  const set = setOf()
  set.setDraining(east1, true)
  for (const index of [east2, west1, west2]) set.setHealth(index, 'unhealthy')
  assert.equal(set.isDraining(east1), true)
  assert.deepEqual(served(set, 0), [1, 2, 3])
  for (const index of [east2, west1, west2]) set.setDraining(index, true)
  assert.equal(set.pick(0, 0, []), -1)
  assert.deepEqual(served(setOf({}, []), 0), [])
})

const retries: [mode: EndpointSetOptions['mode'], avoid: number[], next: number[]][] = [
  ['active-active', [east1], [west1, west2]],
  ['active-active', [east1, west1], [east2, west2]],
  ['active-active', [east1, east2, west1], [west2]],
  ['active-active', [east1, east2, west1, west2], [east1, east2, west1, west2]],
  ['multi-active', [west1], [east1, east2]],
  ['multi-active', [west1, east1], [west2]],
  ['active-standby', [east1], [east2]],
  ['active-standby', [east1, east2], [west1, west2]],
  ['active-standby', [east1, east2, west1, west2], [east1, east2]],
]
for (const [mode, avoid, next] of retries) {
  test(`${mode}: after ${avoid.map((i) => twoSites[i]!.id).join()} come ${next.map((i) => twoSites[i]!.id).join()}`, () => {
    for (const balance of balancerKinds)
      assert.deepEqual(served(setOf({ mode, balance }), 0, avoid), next, balance)
  })
}

test('a closed door is walked around, into another site if need be, and answers -1 when all are closed', () => {
  const closed = new Set<number>()
  for (const balance of balancerKinds) {
    closed.clear()
    const set = setOf({ balance, mode: 'active-standby', isClosed: (index) => closed.has(index) })
    closed.add(east1)
    assert.deepEqual(served(set, 0), [east2], balance)
    closed.add(east2)
    assert.deepEqual(served(set, 0), [west1, west2], balance)
    assert.deepEqual(served(set, 0, [west1]), [west2], balance)
    closed.add(west2)
    assert.deepEqual(served(set, 0, [west1]), [west1], balance)
    closed.add(west1)
    assert.equal(set.pick(0, 0, []), -1, balance)
  }
})

test('an endpoint that comes back starts slowly; at the start of the gateway nobody does', () => {
  const set = setOf({ balance: 'random', slowStart: { windowMs: 10_000 } }, twoSites.slice(0, 2))
  const share = (now: number): number => picks(set, now, [], 10_000)[0]! / 10_000
  assert.ok(Math.abs(share(0) - 0.5) < 0.02)
  set.setHealth(0, 'unhealthy')
  assert.equal(share(1_000), 0)
  set.setHealth(0, 'healthy')
  assert.ok(Math.abs(share(2_000) - 0.1 / 1.1) < 0.02)
  assert.ok(Math.abs(share(7_000) - 0.5 / 1.5) < 0.02)
  assert.ok(Math.abs(share(12_000) - 0.5) < 0.02)
})

test('a slow start after an ejection counts from the end of the ejection, not from the next request', () => {
  const set = setOf({ balance: 'random', slowStart: { windowMs: 10_000 } }, twoSites.slice(0, 2))
  picks(set, 0)
  fail(set, 0, 0)
  picks(set, 1)
  const share = picks(set, 35_000, [], 10_000)[0]! / 10_000
  assert.ok(Math.abs(share - 0.5 / 1.5) < 0.02, String(share))
})

test('a consistent hash keeps its endpoint over ejections of others and over two threads', () => {
  for (const balance of ['ring-hash', 'maglev'] as const) {
    const cells = new LocalCells(EndpointSet.cellsFor(4))
    const [a, b] = [setOf({ balance }, twoSites, cells), setOf({ balance }, twoSites, cells)]
    const before = Array.from({ length: 200 }, (_, n) => a!.pick(Math.imul(n, 2654435761) >>> 0, 0, []))
    fail(a!, west1, 0)
    for (const [n, was] of before.entries()) {
      const now = b!.pick(Math.imul(n, 2654435761) >>> 0, 1, [])
      if (was === west1) assert.notEqual(now, west1)
      else assert.equal(now, was)
    }
  }
})

/** Memory by endpoint, as a gateway keeps it: the same for the same id, whatever its place in the set. */
function memoryOf(endpoints: readonly EndpointSpec[], pieces: Map<string, Cells>) {
  return (index: number): Cells => {
    const { id } = endpoints[index]!
    const piece = pieces.get(id) ?? new LocalCells(EndpointFacts.cellsFor())
    pieces.set(id, piece)
    return piece
  }
}

test('with memory by endpoint, those that stay keep verdict, ejection, drain and load, wherever they stand', () => {
  const pieces = new Map<string, Cells>()
  const old = setOf({ memory: memoryOf(twoSites, pieces) })
  old.setHealth(east1, 'unhealthy')
  old.setDraining(west1, true)
  fail(old, west2, 0)
  old.load(east2).enter()
  const moved = [
    twoSites[west2]!,
    twoSites[west1]!,
    { id: 'new', site: 'west', weight: 1 },
    twoSites[east1]!,
    twoSites[east2]!,
  ]
  const next = setOf({ memory: memoryOf(moved, pieces) }, moved)
  assert.deepEqual(
    moved.map((_, index) => next.state(index, 1)),
    ['ejected', 'usable', 'usable', 'unhealthy', 'usable'],
  )
  assert.equal(next.isDraining(1), true)
  assert.deepEqual([next.health(2), next.health(3)], ['unknown', 'unhealthy'])
  assert.equal(next.load(4).inFlight(), 1)
  old.load(east2).leave()
  assert.equal(next.load(4).inFlight(), 0)
})

test('a newcomer starts slowly beside those that stay; they keep their latency and their place in a slow start', () => {
  const slow = {
    slowStart: { windowMs: 10_000 },
    balance: 'random' as const,
    sites: [{ name: 'west', weight: 1 }],
  }
  const pieces = new Map<string, Cells>()
  const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id, site: 'west', weight: 1 }))
  const first = setOf({ ...slow, memory: memoryOf([a!], pieces) }, [a!])
  assert.deepEqual(picks(first, 0), [400])
  first.load(0).observe(80, 0)

  const second = setOf({ ...slow, memory: memoryOf([b!, a!], pieces) }, [b!, a!])
  second.follow(first, 1_000)
  const [newcomer] = picks(second, 1_000)
  assert.ok(newcomer! > 0 && newcomer! < 80, `a tenth of the old one's share, got ${newcomer} of 400`)
  assert.ok(second.load(1).latencyMs(0) === 80)

  // Another one comes nine tenths into b's slow start: b goes on from there, only c begins.
  const third = setOf({ ...slow, memory: memoryOf([a!, b!, c!], pieces) }, [a!, b!, c!])
  third.follow(second, 10_000)
  const [old, growing, fresh] = picks(third, 10_000)
  assert.ok(growing! > old! * 0.7, `${growing} of b beside ${old} of a`)
  assert.ok(fresh! < old! * 0.3, `${fresh} of c beside ${old} of a`)
})

test('an endpoint that is put back after a drain starts slowly too', () => {
  const set = setOf({
    slowStart: { windowMs: 10_000 },
    balance: 'random',
    mode: 'active-active',
  })
  assert.ok(picks(set, 0)[east1]! > 50)
  set.setDraining(east1, true)
  assert.equal(picks(set, 1_000)[east1], 0)
  set.setDraining(east1, false)
  const [undrained, beside] = picks(set, 60_000)
  assert.ok(undrained! > 0 && undrained! < beside! / 3, `${undrained} beside ${beside}`)
  assert.ok(picks(set, 75_000)[east1]! > 50)
})

test('where nobody served before, all start at full weight', () => {
  const slow = { slowStart: { windowMs: 10_000 }, balance: 'round-robin' as const }
  const next = setOf(slow, twoSites)
  next.follow(setOf(slow, []), 1_000)
  assert.deepEqual(picks(next, 1_000), [100, 100, 100, 100])
})

test('a set without endpoints has none to give', () => {
  const empty = setOf({}, [])
  assert.deepEqual([empty.pick(1, 0, []), empty.usable(0), empty.panic(0)], [-1, 0, false])
})

test('what a crashed thread had under way is taken back from every endpoint', () => {
  const cells = new LocalCells(EndpointSet.cellsFor(4, 2))
  const [a, b] = [0, 1].map((worker) => setOf({ workers: 2, worker }, twoSites, cells))
  for (const index of [east1, east1, west2]) a!.load(index).enter()
  b!.load(east1).enter()
  b!.forget(0)
  assert.deepEqual(
    [east1, east2, west1, west2].map((index) => b!.load(index).inFlight()),
    [1, 0, 0, 0],
  )
})

interface Step {
  readonly do: 'fail' | 'pass' | 'unhealthy' | 'healthy' | 'drain' | 'undrain' | 'open' | 'close'
  readonly index: number
  readonly wait: number
  readonly avoid: readonly number[]
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    'fail',
    'fail',
    'fail',
    'pass',
    'unhealthy',
    'healthy',
    'drain',
    'undrain',
    'open',
    'close',
  ),
  index: fc.nat(4),
  wait: fc.constantFrom(0, 0, 0, 1, 20_000, 40_000),
  avoid: fc.uniqueArray(fc.nat(4), { maxLength: 3 }),
})

test('whatever happens, a pick is usable or in panic, untried if it can be, and missing only when nothing is left', () => {
  const endpoints = fc.array(
    fc.record({ site: fc.constantFrom('east', 'west', 'moon'), weight: fc.constantFrom(1, 1, 3, 0) }),
    { minLength: 1, maxLength: 5 },
  )
  const modes = fc.constantFrom('active-standby' as const, 'active-active' as const, 'multi-active' as const)
  fc.assert(
    fc.property(
      endpoints,
      modes,
      fc.constantFrom(...balancerKinds),
      fc.array(step),
      (placed, mode, balance, steps) => {
        const doors = new Set<number>()
        const drained = new Set<number>()
        const down = new Set<number>()
        const specs = placed.map((endpoint, i) => ({ id: `e${i}`, ...endpoint }))
        const set = setOf({ mode, balance, isClosed: (index) => doors.has(index) }, specs)
        const random = new SeededRandom(1)
        let now = 0
        for (const { do: what, index, wait, avoid } of steps) {
          now += wait
          if (index >= specs.length) continue
          if (what === 'fail') {
            const before = set.usable(now)
            if (set.record(index, false, now) === 'ejected') assert.ok(before > 1 || set.usable(now) > 0)
          } else if (what === 'pass') set.record(index, true, now)
          else if (what === 'unhealthy' || what === 'healthy') {
            set.setHealth(index, what)
            if (what === 'unhealthy') down.add(index)
            else down.delete(index)
          } else if (what === 'drain' || what === 'undrain') {
            set.setDraining(index, what === 'drain')
            if (what === 'drain') drained.add(index)
            else drained.delete(index)
          } else if (what === 'close') doors.add(index)
          else doors.delete(index)

          const all = [...specs.keys()]
          const serving = all.filter((i) => specs[i]!.weight > 0 && !drained.has(i))
          const passing = serving.filter((i) => !down.has(i))
          const usable = passing.filter((i) => set.state(i, now) === 'usable')
          assert.equal(set.usable(now), usable.length)
          if (passing.length > 0) assert.ok(usable.length > 0, 'ejected to zero')
          const { panic, load } = set.spread(now)
          const eligible = serving.filter((i) => {
            const priority = set.priority(i)
            return !doors.has(i) && (usable.includes(i) || (panic[priority]! && load[priority]! > 0))
          })

          const picked = set.pick(random.uint32(), now, avoid)
          if (eligible.length === 0) {
            assert.equal(picked, -1)
            continue
          }
          assert.ok(eligible.includes(picked), `picked ${picked} of ${eligible.join()}`)
          if (eligible.some((i) => !avoid.includes(i))) assert.ok(!avoid.includes(picked))
          const good = eligible.filter((i) => usable.includes(i) && !avoid.includes(i))
          if (avoid.length > 0 && good.length > 0) assert.ok(good.includes(picked))
          const sites = new Set(avoid.map((i) => specs[i]?.site))
          if (mode !== 'active-standby' && avoid.length > 0 && good.some((i) => !sites.has(specs[i]!.site))) {
            assert.ok(!sites.has(specs[picked]!.site))
          }
        }
      },
    ),
    { numRuns: 400 },
  )
})

for (const balance of ['round-robin', 'random', 'least-request', 'least-connections'] as const) {
  test(`a slow site keeps a tenth of its weight with ${balance}`, () => {
    const set = setOf({ balance })
    for (const index of [east1, east2]) set.setKept(index, 10)
    const [a, b] = picks(set, 0, [], 4_000) as [number, number, number, number]
    // A tenth against a whole: one eleventh.
    assert.ok(Math.abs((a + b) / 4_000 - 1 / 11) < 0.02, `${a} ${b}`)
    for (const index of [east1, east2]) set.setKept(index, 100)
    const [c, d] = picks(set, 0, [], 4_000) as [number, number, number, number]
    assert.ok(Math.abs((c + d) / 4_000 - 1 / 2) < 0.03, `${c} ${d}`)
  })
}

test('with multi-active a slow site keeps a part of its own load, and the others take the rest as far as they can', () => {
  const set = setOf({ mode: 'multi-active' })
  for (const index of [west1, west2]) set.setKept(index, 10)
  // The overprovisioning counts for what is kept as well: 14 %.
  assert.deepEqual(set.spread(0).load, [14, 86])
  const [, , c, d] = picks(set, 0, [], 4_000) as [number, number, number, number]
  assert.ok(Math.abs((c + d) / 4_000 - 0.14) < 0.03)
  // Half of the other site is enough for 70 % of the load.
  set.setHealth(east1, 'unhealthy')
  assert.deepEqual(
    [set.spread(0).load, set.spread(0).degradedLoad],
    [
      [14, 70],
      [16, 0],
    ],
  )
  assert.equal(set.panic(0), false)
  const shares = picks(set, 0, [], 4_000)
  assert.equal(shares[east1], 0)
  assert.ok(Math.abs((shares[west1]! + shares[west2]!) / 4_000 - 0.3) < 0.03)
})

test('the last usable site sheds nothing, nor does a standby service', () => {
  const set = setOf({ mode: 'multi-active' })
  for (const index of [west1, west2]) set.setKept(index, 10)
  for (const index of [east1, east2]) set.setHealth(index, 'unhealthy')
  assert.deepEqual(served(set, 0), [west1, west2])
  for (const index of [east1, east2]) set.setHealth(index, 'healthy')
  for (const index of [east1, east2]) set.setKept(index, 10)
  assert.deepEqual(set.spread(0).load, [100, 0])
  const standby = setOf({ mode: 'active-standby' })
  for (const index of [east1, east2]) standby.setKept(index, 10)
  assert.deepEqual(served(standby, 0), [east1, east2])
})
