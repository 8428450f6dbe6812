import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RolloutAction, RolloutPhase, RolloutStepConfig, RouteReleaseCounts } from '@budao/model'
import { SeededRandom, type Measured } from '@budao/resilience'
import { stepRollout, type RolloutEvent, type RolloutOutcome } from './rollout-machine.ts'
import type { RolloutRules, RolloutState } from './rollout-state.ts'

const step = (basisPoints: number, more: Partial<RolloutStepConfig> = {}): RolloutStepConfig => ({
  basisPoints,
  mirrorBasisPoints: 0,
  for: 1_000,
  requests: 100,
  pause: false,
  ...more,
})
const steps = [step(100), step(2_000, { pause: true }), step(10_000)]
const rules: RolloutRules = { strategy: 'steps', steps, analysis: {}, falseAbortsPercent: 1 }

/** A rollout with one gateway and its traffic, a look each 500 ms. */
class World {
  state: RolloutState | null = null
  told: string[] = []
  wall = 1_000_000
  /** What the next look finds beside requests. */
  crashes = { release: 0, stable: 0 }
  unusable = false
  lost = false
  /** What other gateways have told, and those that are not heard of any more. */
  others: Record<string, RouteReleaseCounts> = {}
  silent: string[] = []
  measured: Record<string, Measured> = {}
  after: RolloutPhase | null = null
  readonly rules: RolloutRules
  readonly #random = new SeededRandom(3)
  readonly #counted = { release: { requests: 0, errors: 0 }, stable: { requests: 0, errors: 0 } }

  constructor(given: Partial<RolloutRules> = {}) {
    this.rules = { ...rules, ...given }
  }

  do(event: RolloutEvent, self = 'one'): RolloutOutcome {
    const outcome = stepRollout(this.state, event, this.rules, { wall: this.wall, self })
    if (outcome.ok) {
      this.state = outcome.state
      this.told.push(...outcome.notices.map(({ kind }) => kind))
    }
    return outcome
  }

  wish(action: RolloutAction, reason = '', force = false): string {
    const outcome = this.do({ kind: 'wish', action, by: 'lin', reason, force, after: this.after })
    return outcome.ok ? 'ok' : outcome.why
  }

  /** So many requests, and a look. */
  look(requests: number, errorShares: { readonly release: number; readonly stable: number }): void {
    this.wall += 500
    for (let n = 0; n < requests; n++) {
      const { basisPoints = 0, mirrorBasisPoints = 0 } = this.state ?? {}
      const to = this.#random.next() * 10_000 < basisPoints ? 'release' : 'stable'
      const copied = mirrorBasisPoints > 0 && this.#random.next() * 10_000 < mirrorBasisPoints
      if (mirrorBasisPoints > 0 && !copied) continue
      const both: readonly ('release' | 'stable')[] = copied ? ['release', 'stable'] : [to]
      for (const each of both) {
        this.#counted[each].requests++
        if (this.#random.next() < errorShares[each]) this.#counted[each].errors++
      }
    }
    const of = (to: 'release' | 'stable'): RouteReleaseCounts['release'] => ({
      ...this.#counted[to],
      latencies: [],
    })
    const pair = { release: of('release'), stable: of('stable') }
    const { crashes, measured, unusable, lost, others, silent } = this
    this.measured = {}
    const counts = { 'gw#1': { ...pair, mirrored: pair, unusable, lost, crashes }, ...others }
    this.do({ kind: 'look', counts, silent, measured })
  }
}

const well = { release: 0.005, stable: 0.005 }

test('a good release goes through its steps, waits for a person where it should, and has everything', () => {
  const world = new World()
  assert.equal(world.wish('start'), 'ok')
  assert.equal(world.state!.basisPoints, 100)
  for (let n = 0; n < 3; n++) world.look(2_000, well)
  assert.equal(world.state!.step, 0, 'time is over, and 60 requests are not 100')
  for (let n = 0; n < 4; n++) world.look(2_000, well)
  assert.deepEqual([world.state!.step, world.state!.basisPoints], [1, 2_000])
  for (let n = 0; n < 10; n++) world.look(2_000, well)
  assert.deepEqual([world.state!.phase, world.state!.step], ['paused', 1])
  assert.equal(world.wish('resume'), 'ok')
  assert.deepEqual([world.state!.phase, world.state!.basisPoints], ['running', 10_000])
  for (let n = 0; n < 5; n++) world.look(2_000, well)
  assert.deepEqual([world.state!.phase, world.state!.basisPoints], ['promoted', 10_000])
  assert.deepEqual(world.told, ['started', 'held', 'step', 'paused', 'step', 'promoted'])
  // The way back stays open.
  assert.equal(world.wish('abort'), 'ok')
  assert.equal(world.state!.basisPoints, 0)
})

test('a bad release goes back by itself, at a pause too, and is not started again by accident', () => {
  for (const paused of [false, true]) {
    const world = new World()
    world.wish('start')
    for (let n = 0; n < 8; n++) world.look(2_000, well)
    if (paused) world.wish('pause')
    for (let n = 0; n < 6; n++) world.look(500, { release: 0.5, stable: 0.005 })
    const { phase, basisPoints, why, verdict } = world.state!
    assert.deepEqual([phase, basisPoints, verdict!.kind], ['aborted', 0, 'abort'])
    assert.match(
      why,
      /requests failed, \d+ of \d+ at stable; (\d+(\.\d+)?|over a million) times likelier if it is worse/,
    )
    assert.match(world.wish('start'), /it was sent back .*: retry/)
    const generation = world.state!.generation
    assert.equal(world.wish('retry'), 'ok')
    assert.deepEqual(
      [world.state!.phase, world.state!.step, world.state!.evidence.canary.requests],
      ['running', 0, 0],
    )
    assert.ok(world.state!.generation > generation)
  }
})

test('an outage of both is nobody’s fault: it holds, and says so once', () => {
  const world = new World()
  world.wish('start')
  for (let n = 0; n < 30; n++) world.look(1_000, { release: 0.3, stable: 0.3 })
  assert.deepEqual([world.state!.phase, world.state!.step], ['running', 0])
  assert.deepEqual(world.told, ['started', 'held'])
  assert.match(world.state!.why, /stable itself fails/)
})

test('alone with all requests it is judged by what stable did before', () => {
  const world = new World()
  world.wish('start')
  for (let n = 0; n < 20; n++) world.look(2_000, well)
  world.wish('resume')
  assert.equal(world.state!.basisPoints, 10_000)
  world.look(400, { release: 0.4, stable: 0 })
  assert.deepEqual([world.state!.phase, world.state!.verdict!.kind], ['aborted', 'abort'])
})

test('what was counted before the rollout, or before a gateway began anew, is nobody’s evidence', () => {
  const world = new World()
  world.wish('start')
  const counts = (gateway: string, requests: number, errors: number): void => {
    const release = { requests, errors, latencies: [] }
    world.do({
      kind: 'look',
      counts: {
        [gateway]: { release, stable: { requests: 1_000, errors: 0, latencies: [] }, unusable: false },
      },
    })
  }
  counts('gw#1', 500, 500)
  counts('gw#2', 400, 400)
  counts('gw#2', 410, 400)
  assert.deepEqual(world.state!.evidence.canary, { requests: 10, errors: 0, slow: 0 })
})

test('the next holder goes on with the evidence of the one before', () => {
  const world = new World()
  world.wish('start')
  for (let n = 0; n < 3; n++) world.look(2_000, well)
  const { evidence, epoch } = world.state!
  assert.ok(world.do({ kind: 'take' }, 'two').ok)
  assert.deepEqual(
    [world.state!.holder, world.state!.epoch, world.state!.evidence],
    ['two', epoch + 1, evidence],
  )
})

test('a mirror comes first: what copies show is judged by itself, and sends back before any user has it', () => {
  const mirrored = { steps: [step(0, { mirrorBasisPoints: 2_000 }), step(10_000)] }
  const good = new World(mirrored)
  good.wish('start')
  assert.deepEqual([good.state!.basisPoints, good.state!.mirrorBasisPoints], [0, 2_000])
  for (let n = 0; n < 4; n++) good.look(500, well)
  assert.deepEqual([good.state!.step, good.state!.basisPoints, good.state!.mirrorBasisPoints], [1, 10_000, 0])
  assert.equal(good.state!.evidence.stable.requests, 0, 'copies are no users')

  const bad = new World(mirrored)
  bad.wish('start')
  for (let n = 0; n < 6; n++) bad.look(500, { release: 0.5, stable: 0.005 })
  assert.deepEqual([bad.state!.phase, bad.state!.mirrorBasisPoints], ['aborted', 0])
})

test('blue and green: nobody has it until a person promotes it, everybody at once then, and it is still looked at', () => {
  const blueGreen = { strategy: 'blueGreen', steps: [step(0, { pause: true }), step(10_000)] } as const
  const world = new World(blueGreen)
  world.wish('start')
  for (let n = 0; n < 4; n++) world.look(500, well)
  assert.deepEqual([world.state!.phase, world.state!.basisPoints], ['paused', 0])
  assert.equal(world.wish('promote'), 'ok')
  assert.deepEqual([world.state!.phase, world.state!.basisPoints], ['running', 10_000])
  for (let n = 0; n < 3; n++) world.look(500, well)
  assert.equal(world.state!.phase, 'promoted')
  assert.equal(world.wish('abort'), 'ok')
  assert.equal(world.state!.basisPoints, 0)

  const bad = new World(blueGreen)
  bad.wish('start')
  for (let n = 0; n < 4; n++) bad.look(500, well)
  bad.wish('promote')
  bad.look(400, { release: 0.4, stable: 0 })
  assert.deepEqual([bad.state!.phase, bad.state!.verdict!.kind], ['aborted', 'abort'])
})

test('what ends again and again goes back at once, unless stable does so too', () => {
  for (const [stable, phase] of [
    [0, 'aborted'],
    [3, 'running'],
  ] as const) {
    const world = new World()
    world.wish('start')
    world.crashes = { release: 3, stable }
    world.look(0, well)
    assert.equal(world.state!.phase, phase)
    if (phase === 'aborted') assert.match(world.state!.why, /began anew 3 times within five minutes/)
  }
})

test('endpoints that nobody can ask send it back after 30 s, in which it holds; a restart does not', () => {
  const world = new World()
  world.wish('start')
  for (let n = 0; n < 8; n++) world.look(2_000, well)
  world.unusable = true
  for (let n = 0; n < 60; n++) world.look(0, well)
  assert.deepEqual([world.state!.phase, world.state!.step], ['running', 1])
  assert.match(world.state!.why, /none of its endpoints can be asked, stable has its users/)
  world.unusable = false
  world.look(0, well)
  world.unusable = true
  for (let n = 0; n < 60; n++) world.look(0, well)
  assert.equal(world.state!.phase, 'paused')
  world.look(0, well)
  assert.equal(world.state!.phase, 'aborted')
  assert.match(world.state!.why, /none of its endpoints could be asked for 30 s/)
})

test('where stable cannot be asked either the site is lost: it holds for as long as that takes, and is not sent back', () => {
  const world = new World()
  world.wish('start')
  world.unusable = world.lost = true
  for (let n = 0; n < 200; n++) world.look(0, well)
  assert.equal(world.state!.phase, 'running')
  assert.match(world.state!.why, /where it stands nothing can be asked, of stable neither/)
  // Stable is back there first: the release is given its time from now on.
  world.lost = false
  for (let n = 0; n < 60; n++) world.look(0, well)
  assert.equal(world.state!.phase, 'running')
  for (let n = 0; n < 2; n++) world.look(0, well)
  assert.equal(world.state!.phase, 'aborted')
})

test('a gateway that died speaks neither for the release nor against it', () => {
  const none = { requests: 0, errors: 0, latencies: [] }
  for (const [last, seen, phase] of [
    [{ unusable: false }, { unusable: true }, 'aborted'],
    [{ unusable: false, crashes: { release: 5, stable: 0 } }, { unusable: false }, 'running'],
  ] as const) {
    const world = new World()
    world.wish('start')
    world.others = { 'gw#2': { release: none, stable: none, ...last } }
    world.silent = ['gw#2']
    world.unusable = seen.unusable
    for (let n = 0; n < 62; n++) world.look(0, well)
    assert.equal(world.state!.phase, phase)
  }
})

test('a number outside sends back, one that nobody knows holds, and each step asks anew', () => {
  const analysis = { paid: { min: 0.9, interval: 500, failures: 1 } }
  const world = new World({ analysis })
  const measure = (value: number): void =>
    void (world.measured = { paid: { kind: 'value', value, stable: null, holds: false } })
  world.wish('start')
  for (let n = 0; n < 8; n++) world.look(2_000, well)
  assert.deepEqual([world.state!.step, world.told], [0, ['started', 'held', 'held']])
  assert.match(world.state!.why, /it waits: paid: not measured at this step yet/)
  measure(0.95)
  world.look(2_000, well)
  assert.equal(world.state!.step, 1)
  assert.deepEqual(world.state!.analysis, {})
  for (const value of [0.5, 0.5]) {
    assert.equal(world.state!.phase, 'running')
    measure(value)
    world.look(100, well)
  }
  assert.match(world.state!.why, /paid is 0.5, at least 0.9 is asked: 2 measurements outside, 1 allowed/)
  assert.deepEqual([world.state!.phase, world.state!.basisPoints], ['aborted', 0])
})

test('behind a contract there is no way back: a person is told, and only force with a reason goes against it', () => {
  const world = new World({ schema: { phase: 'contract', change: 'drop orders.note', after: 'two' } })
  assert.match(world.wish('start'), /comes after two, which was not started/)
  world.after = 'running'
  assert.match(
    world.wish('start'),
    /which is running: until that has everything, an older release has a share/,
  )
  world.after = 'promoted'
  assert.equal(world.wish('start'), 'ok')
  for (let n = 0; n < 12; n++) world.look(1_000, { release: 0.9, stable: 0 })
  const { phase, basisPoints, blocked, why } = world.state!
  assert.deepEqual([phase, basisPoints, blocked], ['paused', 100, true])
  assert.match(why, /^bad, and not sent back, since drop orders.note cannot be taken back/)
  assert.deepEqual(world.told, ['started', 'blocked'], 'told once')
  assert.match(world.wish('abort'), /contracts data \(drop orders.note\).*roll forward/)
  assert.match(world.wish('abort', '', true), /force needs a reason/)
  assert.equal(world.wish('promote'), 'ok')
  assert.match(world.wish('start'), /a smaller share is a way back/)
  assert.match(world.wish('abort'), /roll forward/)
  assert.equal(world.wish('abort', 'data was restored', true), 'ok')
  assert.match(world.state!.why, /by lin by force, over the contract drop orders.note: data was restored/)
})

test('data that both releases can work with goes back as ever', () => {
  for (const phase of ['expand', 'migrate'] as const) {
    const world = new World({ schema: { phase, change: 'add orders.memo' } })
    world.wish('start')
    for (let n = 0; n < 12; n++) world.look(1_000, { release: 0.9, stable: 0 })
    assert.equal(world.state!.phase, 'aborted')
  }
})

const refusals: [before: readonly RolloutAction[], wish: RolloutAction, why: RegExp][] = [
  [[], 'pause', /not started/],
  [[], 'resume', /not started/],
  [[], 'promote', /not started/],
  [[], 'abort', /not started/],
  [[], 'retry', /start$/],
  [['start'], 'start', /running already, at step 1/],
  [['start'], 'resume', /it is running/],
  [['start', 'pause'], 'pause', /it is paused/],
  [['start', 'abort'], 'abort', /it is aborted/],
  [['start', 'promote', 'abort'], 'abort', /it is aborted/],
  [['start', 'promote'], 'promote', /it is promoted/],
  [['start', 'abort'], 'promote', /it is aborted/],
  [['start', 'promote'], 'pause', /it is promoted/],
]
for (const [before, wish, why] of refusals) {
  test(`${[...before, wish].join(', ')}: refused`, () => {
    const world = new World()
    for (const action of before) assert.equal(world.wish(action), 'ok')
    const { state } = world
    assert.match(world.wish(wish), why)
    assert.equal(world.state, state)
  })
}
