import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RolloutAction, RouteReleaseCounts } from '@budao/model'
import { SeededRandom } from '@budao/resilience'
import { stepRollout, type RolloutEvent, type RolloutOutcome } from './rollout-machine.ts'
import type { RolloutRules, RolloutState } from './rollout-state.ts'

const rules: RolloutRules = {
  steps: [
    { basisPoints: 100, for: 1_000, requests: 100, pause: false },
    { basisPoints: 2_000, for: 1_000, requests: 100, pause: true },
    { basisPoints: 10_000, for: 1_000, requests: 100, pause: false },
  ],
  falseAbortsPercent: 1,
}

/** A rollout with one gateway and its traffic, a look each 500 ms. */
class World {
  state: RolloutState | null = null
  told: string[] = []
  wall = 1_000_000
  readonly #random = new SeededRandom(3)
  readonly #counted = { release: { requests: 0, errors: 0 }, stable: { requests: 0, errors: 0 } }

  do(event: RolloutEvent, self = 'one'): RolloutOutcome {
    const outcome = stepRollout(this.state, event, rules, { wall: this.wall, self })
    if (outcome.ok) {
      this.state = outcome.state
      this.told.push(...outcome.notices.map(({ kind }) => kind))
    }
    return outcome
  }

  wish(action: RolloutAction): string {
    const outcome = this.do({ kind: 'wish', action, by: 'lin', reason: '' })
    return outcome.ok ? 'ok' : outcome.why
  }

  /** So many requests, and a look. */
  look(requests: number, errorShares: { readonly release: number; readonly stable: number }): void {
    this.wall += 500
    for (let n = 0; n < requests; n++) {
      const to = this.#random.next() * 10_000 < (this.state?.basisPoints ?? 0) ? 'release' : 'stable'
      this.#counted[to].requests++
      if (this.#random.next() < errorShares[to]) this.#counted[to].errors++
    }
    const of = (to: 'release' | 'stable'): RouteReleaseCounts['release'] => ({
      ...this.#counted[to],
      latencies: [],
    })
    const counts = { 'gw#1': { release: of('release'), stable: of('stable'), unusable: false } }
    this.do({ kind: 'look', counts })
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
    assert.match(why, /requests failed, \d+ of \d+ at stable; .* times likelier if it is worse/)
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
