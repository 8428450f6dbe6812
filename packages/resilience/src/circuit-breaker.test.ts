import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker, failure, ignored, rejected, success } from './circuit-breaker.ts'
import type { BreakerOutcome } from './circuit-breaker.ts'
import type { BreakerState, BreakerTransition } from './breaker-transition.ts'
import type { BreakerOptions } from './breaker-options.ts'
import { LocalCells, SharedCells } from './cells.ts'
import { inThreads } from './test-threads.test.ts'

function breaker(options: BreakerOptions = {}): { breaker: CircuitBreaker; seen: BreakerTransition[] } {
  const seen: BreakerTransition[] = []
  const cells = new LocalCells(CircuitBreaker.cellsFor(options))
  return { breaker: new CircuitBreaker(cells, options, (transition) => seen.push(transition)), seen }
}

function call(it: CircuitBreaker, outcome: BreakerOutcome, now: number, times = 1, durationMs = 1): void {
  for (let i = 0; i < times; i++) {
    const permit = it.admit(now)
    assert.notEqual(permit, rejected, `call ${i} at ${now}`)
    it.record(permit, outcome, durationMs, now)
  }
}

test('opens at the volume and at equality, on a success too, and says why', () => {
  const { breaker: it, seen } = breaker()
  call(it, failure, 100, 10)
  call(it, success, 200, 9)
  assert.equal(it.state(200), 'closed')
  call(it, success, 300)
  assert.equal(it.state(300), 'open')
  assert.deepEqual(seen, [
    {
      from: 'closed',
      to: 'open',
      at: 300,
      reason: 'error-rate',
      note: '',
      evidence: { calls: 20, failures: 10, slow: 0, errorRatePercent: 50, slowRatePercent: 0 },
    },
  ])
})

test('rejects until the sleep is over, then lets one trial through whose success closes with an empty window', () => {
  const { breaker: it, seen } = breaker()
  call(it, failure, 0, 20)
  assert.equal(it.admit(4_999), rejected)
  assert.equal(it.retryAfterMs(4_999), 1)
  const trial = it.admit(5_000)
  assert.notEqual(trial, rejected)
  assert.equal(it.admit(5_000), rejected)
  it.record(trial, success, 1, 5_100)
  assert.equal(it.state(5_100), 'closed')
  assert.deepEqual(it.counts(5_100), { calls: 0, failures: 0, slow: 0 })
  call(it, failure, 5_101, 19)
  assert.equal(it.state(5_101), 'closed')
  assert.deepEqual(
    seen.map(({ to, reason }) => [to, reason]),
    [
      ['open', 'error-rate'],
      ['half-open', 'sleep-over'],
      ['closed', 'trials-succeeded'],
    ],
  )
})

test('a failed trial starts the sleep again from its own end', () => {
  const { breaker: it } = breaker()
  call(it, failure, 0, 20)
  const trial = it.admit(5_000)
  it.record(trial, failure, 900, 5_900)
  assert.equal(it.admit(10_899), rejected)
  assert.notEqual(it.admit(10_900), rejected)
})

test('a hung trial gives its permit back after the lease, and its late answer decides nothing', () => {
  const { breaker: it } = breaker({ trialLeaseMs: 3_000 })
  call(it, failure, 0, 20)
  const hung = it.admit(5_000)
  assert.equal(it.admit(7_999), rejected)
  const second = it.admit(8_000)
  assert.notEqual(second, rejected)
  it.record(hung, success, 3_100, 8_100)
  assert.equal(it.state(8_100), 'half-open')
  assert.equal(it.admit(8_100), rejected)
  it.record(second, failure, 10, 8_200)
  assert.equal(it.state(8_200), 'open')
})

test('the answer of a hung trial still decides while nobody took its place', () => {
  const { breaker: it } = breaker({ trialLeaseMs: 3_000 })
  call(it, failure, 0, 20)
  const slow = it.admit(5_000)
  it.record(slow, success, 4_000, 9_000)
  assert.equal(it.state(9_000), 'closed')
})

test('an ignored trial gives its permit back without deciding', () => {
  const { breaker: it } = breaker()
  call(it, failure, 0, 20)
  it.record(it.admit(5_000), ignored, 1, 5_010)
  assert.equal(it.state(5_010), 'half-open')
  const next = it.admit(5_020)
  assert.notEqual(next, rejected)
  it.record(next, success, 1, 5_030)
  assert.equal(it.state(5_030), 'closed')
})

test('ignored and rejected calls count nothing', () => {
  const { breaker: it } = breaker()
  call(it, ignored, 0, 100)
  call(it, failure, 0, 19)
  assert.deepEqual(it.counts(0), { calls: 19, failures: 19, slow: 0 })
  call(it, failure, 0)
  const before = it.retryAfterMs(10)
  for (let i = 0; i < 1_000; i++) assert.equal(it.admit(10), rejected)
  assert.equal(it.retryAfterMs(10), before)
})

test('a result of before the breaker opened decides nothing, whatever it is', () => {
  const { breaker: it } = breaker()
  const old = it.admit(0)
  const older = it.admit(0)
  call(it, failure, 0, 20)
  const trial = it.admit(5_000)
  it.record(old, success, 5_001, 5_001)
  assert.equal(it.state(5_001), 'half-open')
  it.record(older, failure, 5_001, 5_001)
  assert.equal(it.state(5_001), 'half-open')
  it.record(trial, success, 5, 5_005)
  assert.equal(it.state(5_005), 'closed')
  it.record(older, failure, 5_010, 5_010)
  assert.deepEqual(it.counts(5_010), { calls: 0, failures: 0, slow: 0 })
})

test('a gap of any length forgets what was before it', () => {
  for (const gap of [5_000, 60_000, 3_600_000, 86_400_000, 40 * 86_400_000]) {
    const { breaker: it } = breaker()
    call(it, failure, 100, 19)
    call(it, failure, 100 + gap)
    assert.deepEqual(it.counts(100 + gap), { calls: 1, failures: 1, slow: 0 }, `after ${gap} ms`)
    assert.equal(it.state(100 + gap), 'closed')
  }
})

test('an open breaker nobody called for longer than 24 days still lets a trial through', () => {
  for (const days of [1, 12, 13, 24, 25, 30, 49, 50, 100, 1_000]) {
    const { breaker: it } = breaker()
    call(it, failure, 100, 20)
    assert.equal(it.state(100 + days * 86_400_000), 'open')
    assert.notEqual(it.admit(100 + days * 86_400_000), rejected, `${days} days`)
  }
})

test('times far from the origin, with fractions, are as good as others', () => {
  for (const origin of [2 ** 30 - 10.5, 2 ** 31 - 10.5, 2 ** 32 - 10.5, 2 ** 40 + 0.25]) {
    const { breaker: it } = breaker()
    call(it, failure, origin, 20)
    assert.equal(it.admit(origin + 4_999), rejected, `${origin}`)
    assert.notEqual(it.admit(origin + 5_001), rejected, `${origin}`)
  }
})

test('slow calls open it too, successes included', () => {
  const { breaker: it, seen } = breaker({
    slowCallMs: 100,
    slowCallPercentage: 60,
    requestVolumeThreshold: 10,
  })
  call(it, success, 0, 4, 100)
  call(it, success, 0, 5, 101)
  assert.equal(it.state(0), 'closed')
  call(it, success, 0, 1, 101)
  assert.equal(it.state(0), 'open')
  assert.equal(seen[0]!.reason, 'slow-rate')
  const trial = it.admit(5_000)
  it.record(trial, success, 500, 5_500)
  assert.equal(it.state(5_500), 'open')
})

test('the last N results decide however old they are when the window counts calls', () => {
  const { breaker: it } = breaker({ windowCalls: 4, requestVolumeThreshold: 20 })
  call(it, failure, 0)
  call(it, success, 100_000, 2)
  assert.equal(it.state(100_000), 'closed')
  call(it, failure, 200_000)
  assert.equal(it.state(200_000), 'open')
})

test('with several trials the thresholds judge them together', () => {
  const options: BreakerOptions = { trials: 4, trialLeaseMs: 1_000 }
  for (const [failures, then] of [
    [1, 'closed'],
    [2, 'open'],
  ] as const) {
    const { breaker: it } = breaker(options)
    call(it, failure, 0, 20)
    const trials = [0, 1, 2, 3].map(() => it.admit(5_000))
    assert.equal(it.admit(5_000), rejected)
    for (const [i, trial] of trials.entries()) {
      assert.equal(it.state(5_001), 'half-open')
      it.record(trial, i < failures ? failure : success, 1, 5_001)
    }
    assert.equal(it.state(5_001), then)
  }
})

test('a person holds it open or closed, and gives it back empty', () => {
  const { breaker: it, seen } = breaker()
  it.force('open', 'maintenance', 0)
  assert.equal(it.admit(1_000_000), rejected)
  it.force('closed', 'let them', 1_000_001)
  call(it, failure, 1_000_002, 100)
  assert.equal(it.state(1_000_002), 'forced-closed')
  assert.equal(it.counts(1_000_002).failures, 100)
  it.force('auto', 'done', 1_000_003)
  assert.equal(it.state(1_000_003), 'closed')
  call(it, failure, 1_000_003, 19)
  assert.equal(it.state(1_000_003), 'closed')
  it.force('auto', 'again', 1_000_004)
  assert.deepEqual(
    seen.map(({ from, to, reason, note }) => [from, to, reason, note]),
    [
      ['closed', 'forced-open', 'forced', 'maintenance'],
      ['forced-open', 'forced-closed', 'forced', 'let them'],
      ['forced-closed', 'closed', 'forced', 'done'],
    ],
  )
})

test('options out of range are refused by name', () => {
  for (const [options, message] of [
    [{ trials: 32 }, /trials/],
    [{ windowMs: Number.NaN }, /windowMs/],
    [{ buckets: 2.5 }, /buckets/],
    [{ errorThresholdPercentage: 101 }, /errorThresholdPercentage/],
  ] as const) {
    assert.throws(() => CircuitBreaker.cellsFor(options), message)
  }
})

type Step =
  | { do: 'admit' }
  | { do: 'finish'; which: number; outcome: BreakerOutcome; durationMs: number }
  | { do: 'wait'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'admit' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      which: fc.nat(1_000),
      outcome: fc.constantFrom<BreakerOutcome>(success, failure, failure, ignored),
      durationMs: fc.constantFrom(1, 1, 200),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(60), fc.nat(1_500), fc.nat(40_000)),
    }),
  },
)

const someOptions: fc.Arbitrary<BreakerOptions> = fc.record({
  windowMs: fc.constantFrom(1_000, 300),
  buckets: fc.constantFrom(1, 3, 10),
  windowCalls: fc.constantFrom(0, 0, 7),
  requestVolumeThreshold: fc.integer({ min: 1, max: 6 }),
  errorThresholdPercentage: fc.constantFrom(30, 50, 100),
  thresholdOp: fc.constantFrom('>=' as const, '>' as const),
  sleepWindowMs: fc.constantFrom(100, 1_000),
  openOp: fc.constantFrom('>=' as const, '>' as const),
  trials: fc.constantFrom(1, 1, 3),
  trialLeaseMs: fc.constantFrom(500, 2_000),
  slowCallMs: fc.constantFrom(Infinity, 100),
  slowCallPercentage: fc.constantFrom(50, 100),
  evaluateOn: fc.constantFrom('result' as const, 'failure' as const),
})

/** The same rules with lists, objects and no thought of threads: what the breaker must agree with. */
class Reference {
  state: BreakerState = 'closed'
  epoch = 0
  #since = 0
  #results: { at: number; failed: boolean; slow: boolean }[] = []
  #underWay = new Set<number>()
  #leaseFrom = 0
  #done: { failed: boolean; slow: boolean }[] = []
  #nextId = 0
  readonly #epochs = new Map<number, number>()
  readonly #options: Required<BreakerOptions>

  constructor(options: BreakerOptions) {
    this.#options = options as Required<BreakerOptions>
  }

  admit(now: number): number {
    const { sleepWindowMs, openOp, trials, trialLeaseMs } = this.#options
    const waited = now - this.#since
    if (this.state === 'open') {
      if (openOp === '>=' ? waited < sleepWindowMs : waited <= sleepWindowMs) return rejected
      this.#to('half-open', now)
    }
    if (this.state === 'half-open') {
      if (this.#underWay.size + this.#done.length >= trials) {
        if (now - this.#leaseFrom < trialLeaseMs) return rejected
        this.#underWay.clear()
      }
      if (this.#underWay.size === 0) this.#leaseFrom = now
      this.#underWay.add(this.#nextId)
    }
    this.#epochs.set(this.#nextId, this.epoch)
    return this.#nextId++
  }

  finish(id: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    if (this.#epochs.get(id) !== this.epoch) return
    const result = { at: now, failed: outcome === failure, slow: durationMs > this.#options.slowCallMs }
    if (this.state === 'half-open') {
      if (!this.#underWay.delete(id) || outcome === ignored) return
      this.#done.push(result)
      if (this.#done.length < this.#options.trials) return
      const bad = this.#done.filter(({ failed }) => failed).length
      const late = this.#done.filter(({ slow }) => slow).length
      const all = this.#done.length
      const fails = bad === all || this.#over(bad, all, 'errorThresholdPercentage')
      const lags = late === all || this.#over(late, all, 'slowCallPercentage')
      this.#to(fails || lags ? 'open' : 'closed', now)
    } else if (this.state === 'closed' && outcome !== ignored) {
      this.#results.push(result)
      if (this.#options.evaluateOn === 'failure' && !result.failed && !result.slow) return
      const { calls, failures, slow } = this.counts(now)
      if (calls < Math.min(this.#options.requestVolumeThreshold, this.#options.windowCalls || Infinity))
        return
      const lags =
        this.#options.slowCallMs < Infinity &&
        (this.#over(slow, calls, 'slowCallPercentage') ||
          (slow === calls && this.#options.slowCallPercentage === 100))
      if (lags || this.#over(failures, calls, 'errorThresholdPercentage')) this.#to('open', now)
    }
  }

  counts(now: number): { calls: number; failures: number; slow: number } {
    const { windowMs, buckets, windowCalls } = this.#options
    const bucket = (at: number): number => Math.floor(at / (windowMs / buckets))
    const inside =
      windowCalls > 0
        ? this.#results.slice(-windowCalls)
        : this.#results.filter(({ at }) => bucket(at) > bucket(now) - buckets)
    return {
      calls: inside.length,
      failures: inside.filter(({ failed }) => failed).length,
      slow: inside.filter(({ slow }) => slow).length,
    }
  }

  #over(part: number, all: number, key: 'errorThresholdPercentage' | 'slowCallPercentage'): boolean {
    const rate = part * 100 - this.#options[key] * all
    return part > 0 && (this.#options.thresholdOp === '>=' ? rate >= 0 : rate > 0)
  }

  #to(state: BreakerState, now: number): void {
    this.state = state
    this.epoch++
    this.#since = now
    this.#results = []
    this.#underWay.clear()
    this.#done = []
  }
}

test('agrees with a naive reference over random schedules', () => {
  let opened = 0
  let tried = 0
  fc.assert(
    fc.property(someOptions, fc.array(step, { minLength: 20, maxLength: 150 }), (options, steps) => {
      const { breaker: it, seen } = breaker(options)
      const reference = new Reference(options)
      const underWay: { permit: number; id: number }[] = []
      const trialsUnderWay = new Set<number>()
      let now = 0
      for (const one of steps) {
        if (one.do === 'wait') {
          now += one.ms
        } else if (one.do === 'admit') {
          const before = it.counts(now)
          const permit = it.admit(now)
          const id = reference.admit(now)
          assert.equal(permit === rejected, id === rejected)
          if (permit === rejected) assert.deepEqual(it.counts(now), before)
          else underWay.push({ permit, id })
        } else if (underWay.length > 0) {
          const [{ permit, id }] = underWay.splice(one.which % underWay.length, 1) as [(typeof underWay)[0]]
          it.record(permit, one.outcome, one.durationMs, now)
          reference.finish(id, one.outcome, one.durationMs, now)
          trialsUnderWay.delete(id)
        }
        assert.equal(it.state(now), reference.state)
        assert.deepEqual(it.counts(now), reference.counts(now))
      }
      for (const { from, to } of seen) {
        assert.ok(!(from === 'closed' && to === 'half-open'))
        if (to === 'open') opened++
        if (to === 'half-open') tried++
      }
    }),
    { numRuns: 400 },
  )
  // The schedules reach the states they are meant to exercise.
  assert.ok(opened > 50 && tried > 20, `${opened} opened, ${tried} tried`)
})

test('with one trial there are never two under way', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 150 }), (steps) => {
      const { breaker: it } = breaker({
        requestVolumeThreshold: 2,
        sleepWindowMs: 100,
        trialLeaseMs: Infinity,
      })
      const underWay: { permit: number; trial: boolean }[] = []
      let now = 0
      for (const one of steps) {
        if (one.do === 'wait') now += one.ms
        else if (one.do === 'admit') {
          const permit = it.admit(now)
          if (permit !== rejected) underWay.push({ permit, trial: it.state(now) === 'half-open' })
        } else if (underWay.length > 0) {
          const [{ permit }] = underWay.splice(one.which % underWay.length, 1) as [(typeof underWay)[0]]
          it.record(permit, one.outcome, one.durationMs, now)
        }
        if (it.state(now) === 'half-open') assert.ok(underWay.filter(({ trial }) => trial).length <= 1)
      }
    }),
  )
})

test('threads that storm a breaker whose sleep is over get one trial between them, and one of them reports it', async (t) => {
  const rounds = 500
  const cellsEach = CircuitBreaker.cellsFor({})
  const shared = new Int32Array(new SharedArrayBuffer((1 + rounds * cellsEach) * 4))
  const breakerOf = (round: number): CircuitBreaker =>
    new CircuitBreaker(new SharedCells(shared, 1 + round * cellsEach, cellsEach), {})
  for (let round = 0; round < rounds; round++) call(breakerOf(round), failure, 0, 20)

  const tallies = await inThreads<{ admitted: number; reported: number }>(
    t,
    2,
    shared,
    { rounds, cellsEach },
    `
    const { CircuitBreaker } = await load('circuit-breaker.ts')
    let admitted = 0
    let reported = 0
    for (let round = 0; round < given.rounds; round++) {
      const own = new SharedCells(shared, 1 + round * given.cellsEach, given.cellsEach)
      const breaker = new CircuitBreaker(own, {}, () => reported++)
      // All start each round together, or one would be through before the other comes.
      together(round)
      for (let i = 0; i < 3; i++) if (breaker.admit(6000) >= 0) admitted++
    }
    return { admitted, reported }`,
  )
  assert.equal(
    tallies.reduce((sum, { admitted }) => sum + admitted, 0),
    rounds,
  )
  assert.equal(
    tallies.reduce((sum, { reported }) => sum + reported, 0),
    rounds,
  )
  for (let round = 0; round < rounds; round++) assert.equal(breakerOf(round).state(6_001), 'half-open')
})
