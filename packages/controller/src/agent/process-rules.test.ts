import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stepProcess } from './process-rules.ts'
import { mayLive, unstartedProcess } from './process-state.ts'
import type { ProcessEffect, ProcessEvent, ProcessRules, ProcessState } from './process-state.ts'

const rules: ProcessRules = {
  restart: { min: 100, max: 30_000, stable: 30_000, limit: 10, window: 300_000 },
  stop: { signal: 'SIGTERM', grace: 10_000 },
}
const health = {
  type: 'tcp',
  path: '/',
  interval: 1_000,
  timeout: 500,
  unhealthyAfter: 3,
  startTimeout: 60_000,
} as const

/** A process in the hands of a test: every event goes to it, every effect and told event is noted. */
class Life {
  state: ProcessState
  now = 0
  random = 0
  readonly done: string[] = []
  constructor(with_: Partial<ProcessRules> = {}) {
    this.state = unstartedProcess('shop', { ...rules, ...with_ }, 0)
  }

  step(event: ProcessEvent): this {
    const { state, effects } = stepProcess(this.state, event, {
      now: this.now,
      wall: 'then',
      random: this.random,
    })
    this.state = state
    for (const effect of effects) this.done.push(effect.kind === 'tell' ? effect.event.kind : effect.kind)
    return this
  }

  start(): this {
    return this.step({ kind: 'wanted', wanted: true, anew: false, why: 'at start' }).step({
      kind: 'spawned',
      pid: 7,
    })
  }

  /** Ends by itself, with everything it had started. */
  crash(): this {
    return this.step({ kind: 'exited', code: 1, signal: null }).step({ kind: 'cleared' })
  }

  take(): string[] {
    return this.done.splice(0)
  }
}

const exitedByKill: ProcessEvent = { kind: 'exited', code: null, signal: 'SIGKILL' }

test('it is started again after 100 ms, twice as long each time, up to 30 s', () => {
  const life = new Life({ restart: { ...rules.restart, limit: 0 } }).start()
  const waits: number[] = []
  for (let i = 0; i < 11; i++) {
    life.crash()
    assert.equal(life.state.phase, 'backing-off')
    waits.push(life.state.deadline! - life.now)
    life.now = life.state.deadline!
    life.step({ kind: 'tick' }).step({ kind: 'spawned', pid: 8 })
  }
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
})

test('chance takes up to a quarter off a wait', () => {
  const life = new Life()
  life.random = 0.999_999
  assert.equal(Math.round(life.start().crash().state.deadline!), 75)
})

test('who lived long enough waits the first wait again', () => {
  const life = new Life().start().crash()
  life.now = 100
  life.step({ kind: 'tick' }).step({ kind: 'spawned', pid: 8 })
  life.now = 30_100
  assert.equal(life.crash().state.deadline! - life.now, 100)
})

test('one end more than the limit allows within its window is a crash loop, which only a person ends', () => {
  const life = new Life({ restart: { ...rules.restart, limit: 2 } }).start().crash()
  for (const _ of [1, 2]) {
    life.now += 1_000
    life.step({ kind: 'tick' }).step({ kind: 'spawned', pid: 8 }).crash()
  }
  assert.equal(life.state.phase, 'crash-loop')
  assert.equal(life.done.at(-1), 'process.crash-loop')
  life.now += 1_000_000
  assert.equal(life.step({ kind: 'tick' }).state.phase, 'crash-loop')
  assert.deepEqual(life.take().includes('process.crash-loop'), true)
  life.step({ kind: 'wanted', wanted: true, anew: true, why: 'ann' })
  assert.deepEqual([life.state.phase, life.take()], ['starting', ['spawn']])
  assert.equal(life.step({ kind: 'spawned', pid: 9 }).crash().state.phase, 'backing-off')
  assert.equal(life.state.crashes, 4)
})

test('ends further apart than the window are no crash loop', () => {
  const life = new Life({ restart: { ...rules.restart, limit: 1, window: 5_000 } }).start()
  for (let i = 0; i < 5; i++) {
    life.now += 60_000
    assert.equal(life.crash().state.phase, 'backing-off')
    life.now = life.state.deadline!
    life.step({ kind: 'tick' }).step({ kind: 'spawned', pid: 8 })
  }
})

test('it is stopped by its signal, and by SIGKILL after the grace', () => {
  const life = new Life().start()
  life.take()
  life.step({ kind: 'wanted', wanted: false, anew: false, why: 'ann' })
  assert.deepEqual([life.state.phase, life.take()], ['stopping', ['signal']])
  life.now = 9_999
  assert.deepEqual(life.step({ kind: 'tick' }).take(), [])
  life.now = 10_000
  assert.deepEqual(life.step({ kind: 'tick' }).take(), ['kill'])
  assert.deepEqual(life.step(exitedByKill).take(), ['process.stopped', 'clear'])
  assert.equal(life.step({ kind: 'cleared' }).state.phase, 'stopped')
})

test('a restart that was asked for waits for nothing, and is no failure', () => {
  const life = new Life().start()
  life.step({ kind: 'wanted', wanted: true, anew: true, why: 'ann' }).take()
  life.step({ kind: 'exited', code: 0, signal: null })
  assert.deepEqual(life.step({ kind: 'cleared' }).take(), ['process.exited', 'clear', 'spawn'])
  assert.deepEqual(life.state.ends, [])
})

test('a hung one is killed without a signal before, and started again', () => {
  const life = new Life({ health }).start()
  assert.equal(life.state.phase, 'starting')
  life.step({ kind: 'checked', problem: '' })
  assert.equal(life.state.phase, 'running')
  life.take()
  for (const expected of ['running', 'running', 'stopping']) {
    life.step({ kind: 'checked', problem: 'no answer' })
    assert.equal(life.state.phase, expected)
  }
  assert.deepEqual(life.take(), ['process.hung', 'kill'])
  life.step(exitedByKill).step({ kind: 'cleared' })
  assert.deepEqual([life.state.phase, life.state.lastExit?.cause], ['backing-off', 'hung'])
})

test('a passed check forgets the failed ones before it', () => {
  const life = new Life({ health }).start().step({ kind: 'checked', problem: '' })
  for (let i = 0; i < 10; i++)
    life.step({ kind: 'checked', problem: 'late' }).step({ kind: 'checked', problem: 'late' }).step({
      kind: 'checked',
      problem: '',
    })
  assert.equal(life.state.phase, 'running')
})

test('one that never becomes ready is killed, and counts as failed', () => {
  const life = new Life({ health }).start()
  life.step({ kind: 'checked', problem: 'refused' })
  life.now = 60_000
  assert.equal(life.step({ kind: 'tick' }).done.at(-1), 'kill')
  life.step(exitedByKill).step({ kind: 'cleared' })
  assert.deepEqual([life.state.phase, life.state.lastExit?.cause], ['backing-off', 'not-ready'])
})

test('one that takes too much memory is stopped and started again', () => {
  const life = new Life({ memoryMax: 100 }).start().step({ kind: 'weighed', bytes: 100 })
  assert.equal(life.state.phase, 'running')
  life.step({ kind: 'weighed', bytes: 101 })
  assert.deepEqual([life.state.phase, life.done.at(-1)], ['stopping', 'signal'])
})

test('it waits for what it comes after', () => {
  const life = new Life().step({ kind: 'clear-to-start', clear: false })
  life.step({ kind: 'wanted', wanted: true, anew: false, why: 'at start' })
  assert.deepEqual([life.state.phase, life.take()], ['waiting', []])
  assert.deepEqual(life.step({ kind: 'clear-to-start', clear: true }).take(), ['spawn'])
})

test('one that cannot be started waits as one that ended', () => {
  const life = new Life().step({ kind: 'wanted', wanted: true, anew: false, why: '' })
  life.step({ kind: 'unstartable', why: 'no such file' })
  assert.deepEqual([life.state.phase, life.state.why], ['backing-off', 'no such file'])
})

test('people are told of what cannot be killed, and it is not started beside it', () => {
  const life = new Life().start().step({ kind: 'exited', code: 1, signal: null })
  life.now = 5_000
  life.take()
  assert.deepEqual(life.step({ kind: 'tick' }).take(), ['process.stuck'])
  life.step({ kind: 'wanted', wanted: true, anew: true, why: 'ann' })
  assert.deepEqual([life.state.phase, life.take()], ['clearing', []])
})

test('whatever happens in whatever order: no second start while anything of the first may live', () => {
  const anyEvent = fc.oneof(
    fc.record({
      kind: fc.constant('wanted' as const),
      wanted: fc.boolean(),
      anew: fc.boolean(),
      why: fc.constant('x'),
    }),
    fc.record({ kind: fc.constant('clear-to-start' as const), clear: fc.boolean() }),
    fc.record({ kind: fc.constant('checked' as const), problem: fc.constantFrom('', 'late') }),
    fc.record({ kind: fc.constant('weighed' as const), bytes: fc.nat(200) }),
    fc.constantFrom('tick' as const, 'world' as const, 'die' as const).map((kind) => ({ kind })),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, fc.nat(40_000)), { maxLength: 60 }), (events) => {
      const life = new Life({ health, memoryMax: 100, restart: { ...rules.restart, limit: 3 } })
      // What the world is like: one process, and what it has started.
      let lives = false
      let remains = false
      const answer = (): void => {
        for (const effect of life.take() as ProcessEffect['kind'][]) {
          if (effect === 'spawn') {
            assert.ok(!lives && !remains, 'two at once')
            lives = remains = true
            life.step({ kind: 'spawned', pid: 1 })
          }
          if (effect === 'kill' && lives) {
            lives = false
            life.step({ kind: 'exited', code: null, signal: 'SIGKILL' })
          }
        }
      }
      for (const [event, ms] of events) {
        life.now += ms
        if (event.kind === 'die') {
          if (lives) {
            lives = false
            life.step({ kind: 'exited', code: 1, signal: null })
          }
        } else if (event.kind === 'world') {
          if (life.state.phase === 'clearing') {
            remains = false
            life.step({ kind: 'cleared' })
          }
        } else life.step(event as ProcessEvent)
        answer()
        assert.ok(!lives || mayLive(life.state.phase), `${life.state.phase} while it lives`)
      }
      // Left alone it comes to what is wanted, or a person is asked.
      for (let i = 0; i < 20; i++) {
        life.now += 60_000
        life.step({ kind: 'clear-to-start', clear: true }).step({ kind: 'tick' })
        answer()
        if (life.state.phase === 'clearing') {
          remains = false
          life.step({ kind: 'cleared' })
        }
        answer()
        life.step({ kind: 'checked', problem: '' })
        answer()
      }
      const { phase, wanted } = life.state
      assert.ok(
        wanted ? phase === 'running' || phase === 'crash-loop' : phase === 'stopped',
        `${phase} at the end`,
      )
    }),
    { numRuns: 300 },
  )
})
