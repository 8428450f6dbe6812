import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells } from '../cells.ts'
import { SharedEndpointLoad } from '../endpoint-load.ts'
import { SeededRandom } from '../seeded-random.ts'
import { balancerKinds, createBalancer } from './balancers.ts'
import type { BalancerKind } from './balancers.ts'
import type { Balancer } from './balancer.ts'

function endpointsOf(weights: readonly number[]) {
  return weights.map((weight, i) => ({
    id: `10.0.0.${i}:80`,
    weight,
    load: new SharedEndpointLoad(new LocalCells(SharedEndpointLoad.cellsFor())),
  }))
}

function shares(balancer: Balancer, size: number, picks: number, seed = 3): number[] {
  const random = new SeededRandom(seed)
  const counts = Array.from<number>({ length: size }).fill(0)
  for (let n = 0; n < picks; n++) counts[balancer.pick({ hash: random.uint32(), now: n, avoid: [] })]!++
  return counts.map((count) => count / picks)
}

function assertShares(seen: readonly number[], weights: readonly number[], tolerance: number): void {
  const sum = weights.reduce((a, b) => a + b)
  for (const [i, weight] of weights.entries()) {
    const message = `endpoint ${i} of weights ${weights.join()} got ${seen.join()}`
    assert.ok(Math.abs(seen[i]! - weight / sum) <= tolerance, message)
  }
}

const byWeight: [kind: BalancerKind, tolerance: number][] = [
  ['round-robin', 0.001],
  ['random', 0.02],
  ['least-request', 0.02],
  ['least-connections', 0.02],
  ['ring-hash', 0.07],
  ['maglev', 0.02],
]
for (const [kind, tolerance] of byWeight) {
  test(`${kind}: idle endpoints get requests by weight`, () => {
    for (const weights of [[1], [1, 1], [1, 3], [5, 1, 1], [0.5, 0, 1.5], [2, 3, 5, 10]]) {
      const balancer = createBalancer(kind, endpointsOf(weights), new SeededRandom(1))
      assertShares(shares(balancer, weights.length, 20_000), weights, tolerance)
    }
  })

  if (kind === 'ring-hash' || kind === 'maglev') continue
  test(`${kind}: new weights are followed`, () => {
    const balancer = createBalancer(kind, endpointsOf([1, 1, 1]), new SeededRandom(1))
    shares(balancer, 3, 100)
    balancer.reweigh([3, 0, 1])
    assertShares(shares(balancer, 3, 20_000), [3, 0, 1], tolerance)
  })
}

for (const kind of balancerKinds) {
  test(`${kind}: never one without weight; an avoided one only when there is no other`, () => {
    const weights = fc.array(fc.constantFrom(0, 1, 2.5, 7), { maxLength: 6 })
    fc.assert(
      fc.property(
        weights,
        weights,
        fc.array(fc.nat(5), { maxLength: 6 }),
        fc.nat(),
        (built, now, avoid, seed) => {
          const random = new SeededRandom(seed)
          const balancer = createBalancer(kind, endpointsOf(built), random)
          // A consistent hash has no place for what had no weight when it was built.
          const weight = built.map((atFirst, i) => (atFirst > 0 ? (now[i] ?? 0) : 0))
          balancer.reweigh(weight)
          const candidates = [...weight.keys()].filter((i) => weight[i]! > 0)
          const preferred = candidates.filter((i) => !avoid.includes(i))
          const allowed = preferred.length > 0 ? preferred : candidates
          for (let n = 0; n < 20; n++) {
            const picked = balancer.pick({ hash: random.uint32(), now: n, avoid })
            if (allowed.length === 0) assert.equal(picked, -1)
            else assert.ok(allowed.includes(picked), `picked ${picked} of ${allowed.join()}`)
          }
        },
      ),
    )
  })
}

test('round-robin: any run of one cycle gives each endpoint its weight, and the heavy one no long runs', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(weights, fc.nat(), (weight, seed) => {
      const balancer = createBalancer('round-robin', endpointsOf(weight), new SeededRandom(seed))
      const cycle = weight.reduce((a, b) => a + b)
      const picks = Array.from({ length: 3 * cycle }, () => balancer.pick({ hash: 0, now: 0, avoid: [] }))
      for (let from = 0; from <= 2 * cycle; from++) {
        const run = picks.slice(from, from + cycle)
        assert.deepEqual(
          weight.map((_, i) => run.filter((picked) => picked === i).length),
          weight,
        )
      }
    }),
  )
  const balancer = createBalancer('round-robin', endpointsOf([5, 1, 1]), { next: () => 0 })
  const cycle = Array.from({ length: 7 }, () => balancer.pick({ hash: 0, now: 0, avoid: [] }))
  assert.deepEqual(cycle, [0, 0, 1, 0, 2, 0, 0])
})

test('round-robin: threads with different randomness begin at different endpoints', () => {
  const starts = new Set(
    Array.from({ length: 30 }, (_, seed) =>
      createBalancer('round-robin', endpointsOf([1, 1, 1]), new SeededRandom(seed)).pick({
        hash: 0,
        now: 0,
        avoid: [],
      }),
    ),
  )
  assert.equal(starts.size, 3)
})

for (const kind of ['least-request', 'peak-ewma', 'least-connections'] as const) {
  test(`${kind}: the busiest of equals gets nothing, wherever it stands`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.nat(5), fc.nat(), (size, at, seed) => {
        const endpoints = endpointsOf(Array.from<number>({ length: size }).fill(2))
        const busiest = at % size
        for (const { load } of endpoints) load.observe(5, 0)
        for (let n = 0; n < 3; n++) endpoints[busiest]!.load.enter()
        const balancer = createBalancer(kind, endpoints, new SeededRandom(seed))
        for (let n = 0; n < 20; n++) assert.notEqual(balancer.pick({ hash: 0, now: 0, avoid: [] }), busiest)
      }),
    )
  })
}

test('least-request: unequal weights count by weight / (under way + 1)', () => {
  const endpoints = endpointsOf([3, 1])
  for (let n = 0; n < 5; n++) endpoints[0]!.load.enter()
  const balancer = createBalancer('least-request', endpoints, new SeededRandom(9))
  assertShares(shares(balancer, 2, 20_000), [3 / 6, 1], 0.02)
})

test('least-connections: under load each endpoint carries requests by its weight', () => {
  const endpoints = endpointsOf([1, 2, 4])
  const balancer = createBalancer('least-connections', endpoints, new SeededRandom(9))
  for (let n = 0; n < 70; n++) endpoints[balancer.pick({ hash: 0, now: 0, avoid: [] })]!.load.enter()
  assert.deepEqual(
    endpoints.map(({ load }) => load.inFlight()),
    [10, 20, 40],
  )
})

test('peak-ewma: a slow endpoint is left alone, then tried again', () => {
  const endpoints = endpointsOf([1, 1])
  const balancer = createBalancer('peak-ewma', endpoints, new SeededRandom(4))
  endpoints[0]!.load.observe(1000, 0)
  endpoints[1]!.load.observe(10, 0)
  assert.equal(balancer.pick({ hash: 0, now: 0, avoid: [] }), 1)
  for (let now = 0; now <= 50_000; now += 1000) endpoints[1]!.load.observe(10, now)
  assert.equal(balancer.pick({ hash: 0, now: 50_000, avoid: [] }), 0)
})

test('peak-ewma: an endpoint never tried gets a request, but not a second one before the first has ended', () => {
  const endpoints = endpointsOf([1, 1])
  const balancer = createBalancer('peak-ewma', endpoints, new SeededRandom(4))
  endpoints[0]!.load.observe(1, 0)
  assert.equal(balancer.pick({ hash: 0, now: 0, avoid: [] }), 1)
  endpoints[1]!.load.enter()
  assert.equal(balancer.pick({ hash: 0, now: 0, avoid: [] }), 0)
})

for (const kind of ['ring-hash', 'maglev'] as const) {
  const hashes = Array.from({ length: 5_000 }, (_, n) => Math.imul(n, 2654435761) >>> 0)
  const ids = (balancer: Balancer, endpoints: readonly { id: string }[]): string[] =>
    hashes.map((hash) => endpoints[balancer.pick({ hash, now: 0, avoid: [] })]!.id)

  test(`${kind}: same hash, same endpoint, in whatever order the list is and on any thread`, () => {
    const endpoints = endpointsOf([1, 2, 1, 3, 1])
    const turned = [3, 0, 4, 2, 1].map((i) => endpoints[i]!)
    assert.deepEqual(
      ids(createBalancer(kind, endpoints, new SeededRandom(1)), endpoints),
      ids(createBalancer(kind, turned, new SeededRandom(2)), turned),
    )
  })

  test(`${kind}: an endpoint that is out moves only its own requests, to all others, and gets them back`, () => {
    const endpoints = endpointsOf([1, 1, 1, 1, 1])
    const balancer = createBalancer(kind, endpoints, new SeededRandom(1))
    const before = ids(balancer, endpoints)
    balancer.reweigh([1, 1, 0, 1, 1])
    const during = ids(balancer, endpoints)
    const takers = new Set<string>()
    for (const [n, id] of before.entries()) {
      if (id === endpoints[2]!.id) takers.add(during[n]!)
      else assert.equal(during[n], id)
    }
    assert.equal(takers.size, 4)
    balancer.reweigh([1, 1, 1, 1, 1])
    assert.deepEqual(ids(balancer, endpoints), before)
  })

  test(`${kind}: when one of ten leaves the list, about a tenth of the requests move`, () => {
    const endpoints = endpointsOf(Array.from<number>({ length: 10 }).fill(1))
    const before = ids(createBalancer(kind, endpoints, new SeededRandom(1)), endpoints)
    const rest = endpoints.filter((_, i) => i !== 4)
    const after = ids(createBalancer(kind, rest, new SeededRandom(1)), rest)
    const own = before.filter((id) => id === endpoints[4]!.id).length
    const moved = before.filter((id, n) => id !== after[n]).length
    assert.ok(moved >= own && moved - own <= hashes.length * 0.05, `${moved} moved, ${own} had to`)
    if (kind === 'ring-hash') assert.equal(moved, own)
  })

  test(`${kind}: an avoided endpoint's requests go to the same other one each time`, () => {
    const endpoints = endpointsOf([1, 1, 1])
    const balancer = createBalancer(kind, endpoints, new SeededRandom(1))
    for (const hash of hashes.slice(0, 200)) {
      const first = balancer.pick({ hash, now: 0, avoid: [] })
      const second = balancer.pick({ hash, now: 0, avoid: [first] })
      assert.notEqual(second, first)
      assert.equal(balancer.pick({ hash, now: 0, avoid: [first] }), second)
    }
  })
}

test('maglev: the lightest endpoint has a place even beside a very heavy one', () => {
  const endpoints = endpointsOf([1_000_000, 1])
  const balancer = createBalancer('maglev', endpoints, new SeededRandom(1))
  balancer.reweigh([0, 1])
  assert.equal(balancer.pick({ hash: 77, now: 0, avoid: [] }), 1)
})
