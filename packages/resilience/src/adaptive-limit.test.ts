import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AdaptiveLimit, type AdaptiveLimitOptions } from './adaptive-limit.ts'
import { LocalCells } from './cells.ts'
import { SeededRandom } from './seeded-random.ts'

const seeds = [1, 2, 3, 4, 5]

function limitOf(
  options: AdaptiveLimitOptions = {},
  cells = new LocalCells(AdaptiveLimit.cellsFor()),
): AdaptiveLimit {
  return new AdaptiveLimit(cells, new SeededRandom(1), options)
}

/** Traffic for a while, and what the service behind the limit is like meanwhile. */
interface Phase {
  readonly ms: number
  /** Requests a second, arriving at random and independent of the answers. */
  readonly rate: number
  /** Requests it works on at once; others wait in it, in order. */
  readonly slots: number
  /** Mean time for one. */
  readonly serviceMs: number
}

interface Job {
  readonly at: number
  doneAt: number
}

/** A service with a queue, in simulated time, behind a limit. */
class Simulation {
  readonly limit: AdaptiveLimit
  now = 1_000
  readonly #random: SeededRandom
  readonly #queue: Job[] = []
  readonly #running: Job[] = []
  #nextAt = 1_000
  #limits: number[] = []

  constructor(seed: number, options: AdaptiveLimitOptions = {}) {
    this.#random = new SeededRandom(seed)
    this.limit = new AdaptiveLimit(new LocalCells(AdaptiveLimit.cellsFor()), this.#random, options)
  }

  /** Answers a second, as a share of what the service can give, in the second half of the phase. */
  run({ ms, rate, slots, serviceMs }: Phase): number {
    const [halfAt, end] = [this.now + ms / 2, this.now + ms]
    let answered = 0
    this.#limits = []
    while (this.now < end) {
      const done = this.#running.reduce<Job | null>(
        (a, b) => (a === null || b.doneAt < a.doneAt ? b : a),
        null,
      )
      this.now = Math.min(this.#nextAt, done?.doneAt ?? Infinity)
      if (done !== null && done.doneAt <= this.#nextAt) {
        this.#running.splice(this.#running.indexOf(done), 1)
        this.limit.observe(this.now - done.at, this.#inFlight + 1, this.now)
        if (this.now > halfAt) answered++
      } else {
        this.#nextAt = this.now - (Math.log(1 - this.#random.next()) * 1_000) / rate
        if (this.now > halfAt) this.#limits.push(this.limit.limit)
        if (this.#inFlight >= this.limit.limit) this.limit.denied()
        else this.#queue.push({ at: this.now, doneAt: 0 })
      }
      while (this.#queue.length > 0 && this.#running.length < slots) {
        const job = this.#queue.shift()!
        job.doneAt = this.now + serviceMs * (0.5 + this.#random.next())
        this.#running.push(job)
      }
    }
    return answered / (ms / 2) / (slots / serviceMs)
  }

  /** In the second half of the last phase: now and then it is halved to measure. */
  get medianLimit(): number {
    return this.#limits.toSorted((a, b) => a - b)[this.#limits.length >> 1]!
  }

  get #inFlight(): number {
    return this.#queue.length + this.#running.length
  }
}

/** What is asked of the limit once it has settled before a service that is asked for more than it can. */
function assertSettled(
  { limit, medianLimit }: Simulation,
  goodput: number,
  { slots, serviceMs }: Phase,
): void {
  assert.ok(goodput > 0.95, `goodput ${goodput}`)
  assert.ok(medianLimit >= slots && medianLimit <= slots * 2 + 5, `limit ${medianLimit} for ${slots} slots`)
  assert.ok(limit.latencyMs < serviceMs * 3, `latency ${limit.latencyMs} ms for ${serviceMs} ms`)
  assert.ok(limit.baseMs < serviceMs * 1.6 && limit.baseMs > serviceMs * 0.5, `base ${limit.baseMs} ms`)
}

for (const slots of [4, 10, 100]) {
  test(`three times too many requests: ${slots} slots are kept busy, with a short queue`, () => {
    for (const seed of slots === 100 ? [1] : seeds) {
      const simulation = new Simulation(seed)
      const phase = { ms: 20_000, rate: (3 * slots * 1_000) / 10, slots, serviceMs: 10 }
      assertSettled(simulation, simulation.run(phase), phase)
    }
  })
}

test('a service that becomes slower, faster, smaller and larger is followed', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed)
    for (const [slots, serviceMs] of [
      [10, 10],
      [10, 40],
      [10, 5],
      [3, 10],
      [30, 10],
    ] as const) {
      const phase = { ms: 80_000, rate: 3_000 * (slots / 10), slots, serviceMs }
      assertSettled(simulation, simulation.run(phase), phase)
    }
  }
})

test('with half load nothing is ever turned away, and the limit does not grow unused', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed)
    const goodput = simulation.run({ ms: 120_000, rate: 500, slots: 10, serviceMs: 10 })
    assert.ok(goodput > 0.45, `goodput ${goodput}`)
    assert.equal(simulation.limit.limit, 100)
  }
})

test('when the overload ends everything passes again', () => {
  for (const seed of seeds) {
    const simulation = new Simulation(seed)
    simulation.run({ ms: 60_000, rate: 3_000, slots: 10, serviceMs: 10 })
    const goodput = simulation.run({ ms: 20_000, rate: 700, slots: 10, serviceMs: 10 })
    assert.ok(goodput > 0.65, `goodput ${goodput}`)
  }
})

test('one slow answer changes nothing, nor two in five', () => {
  for (const [slow, of] of [
    [1, 1_000],
    [1, 50],
    [2, 5],
  ] as const) {
    const limit = limitOf()
    for (let i = 0; i < 1_000; i++) limit.observe(10, 5, i * 10)
    const before = limit.limit
    for (let i = 0; i < 1_000; i++) limit.observe(i % of < slow ? 5_000 : 10, 5, 10_000 + i * 10)
    assert.equal(limit.limit, before)
  }
})

test('a stall of everything halves the limit at most with each window, and passes', () => {
  const limit = limitOf({ initial: 100 })
  let now = 0
  const second = (latencyMs: number): void => {
    for (let i = 0; i < 100; i++) limit.observe(latencyMs, limit.limit, (now += 10))
  }
  for (let i = 0; i < 5; i++) second(10)
  const before = limit.limit
  for (let i = 0; i < 60; i++) limit.observe(2_000, limit.limit, (now += 10))
  assert.ok(limit.limit >= before / 4 && limit.limit < before, `${before} → ${limit.limit}`)
  for (let i = 0; i < 60; i++) second(10)
  assert.equal(limit.limit, before)
})

test('threads share one limit through the cells', () => {
  const cells = new LocalCells(AdaptiveLimit.cellsFor())
  const [a, b] = [limitOf({}, cells), limitOf({}, cells)]
  for (let i = 0; i < 1_000; i++) (i % 2 === 0 ? a : b).observe(10, a.limit, i * 10)
  assert.ok(a.limit > 100)
  assert.equal(b.limit, a.limit)
})

test('whatever is observed, the limit stays within its bounds', () => {
  const seen = fc.record({
    latencyMs: fc.oneof(
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
    ),
    inFlight: fc.nat(200),
    passes: fc.nat(1_000),
    denied: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(seen, { maxLength: 300 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 33 }),
      (all, from) => {
        const limit = limitOf({ min: 5, max: 50 })
        let now = from
        for (const { latencyMs, inFlight, passes, denied } of all) {
          now += passes
          if (denied) limit.denied()
          limit.observe(latencyMs, inFlight, now)
          assert.ok(limit.limit >= 5 && limit.limit <= 50, String(limit.limit))
        }
      },
    ),
  )
})

test('bounds that are none are refused', () => {
  for (const options of [{ min: 0 }, { min: 11, max: 10 }, { max: 1e7 }, { bufferPercent: -1 }])
    assert.throws(() => limitOf(options), RangeError)
})
