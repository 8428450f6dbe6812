import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flap, measure } from './figures.ts'
import { quietTime } from './quiet-month.ts'
import { describeSchedule, drawSchedule } from './schedule.ts'
import type { Fault } from './schedule.ts'
import { seedsThatFailed } from './seeds.ts'
import type { Mutation } from './keeper-world.ts'
import { live } from './world.ts'

for (const { seed, story } of seedsThatFailed) {
  test(`seed ${seed}: ${story}`, () => assert.deepEqual(live(drawSchedule(seed)).violations, []))
}

test('a hundred schedules: one epoch writes, nothing acknowledged is lost unsaid, and it ends well', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const schedule = drawSchedule(seed)
    assert.deepEqual(live(schedule).violations, [], describeSchedule(schedule))
  }
})

test('with any one fault that lasts, writes go on within nine seconds', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const drawn = drawSchedule(seed, { from: 8_000, until: 21_000 })
    const schedule = {
      ...drawn,
      mode: 'accelerated',
      acts: [],
      faults: drawn.faults.slice(0, 1),
      faultsEndAt: 21_000,
    } as const
    assert.deepEqual(live(schedule).violations, [], describeSchedule(schedule))
  }
})

test('a site that is slow is found slow, once, and nothing moves for it', () => {
  let found = 0
  for (let seed = 1; seed <= 60; seed++) {
    const schedule = drawSchedule(seed, { kind: 'slow-site' })
    const { violations, moves, story } = live({ ...schedule, mode: 'accelerated' }, { tells: true })
    assert.deepEqual([violations, moves], [[], 0], describeSchedule(schedule))
    if (story.some((line) => line.includes(' slow: '))) found++
  }
  assert.ok(found > 20, `${found}`)
})

test('a seed replays a whole run', () => {
  assert.deepEqual(live(drawSchedule(7), { tells: true }), live(drawSchedule(7), { tells: true }))
  assert.notDeepEqual(live(drawSchedule(7)), live(drawSchedule(8)))
})

// Each rule is broken on purpose: a checker that never finds anything proves nothing.
const broken: readonly [mutation: Mutation, focus: Partial<Fault>, found: RegExp][] = [
  ['lying-fence', { kind: 'reject', domain: 'east' }, /was accepted in epoch 1 at east, after epoch 2/],
  ['no-guard', { kind: 'freeze', process: 'keeper', domain: 'east' }, /was accepted in epoch 1/],
  ['checked-once', { kind: 'freeze', process: 'keeper', domain: 'east' }, /was accepted in epoch 1/],
  ['epoch-ignored', { kind: 'cut', domain: 'east' }, /was accepted in epoch 1/],
  ['slow-is-down', { kind: 'slow-site', domain: 'east' }, /which had no trouble/],
  ['one-is-a-quorum', { kind: 'one-way', domain: 'east', to: 'west' }, /which had no trouble/],
]
for (const [mutation, focus, found] of broken) {
  test(`a rule that is broken on purpose is noticed: ${mutation}`, () => {
    const seen: string[] = []
    for (let seed = 1; seed <= 120 && !seen.some((what) => found.test(what)); seed++) {
      seen.push(...live(drawSchedule(seed, focus), { mutation }).violations)
    }
    assert.match(seen.join('\n'), found)
  })
}

test('fence: process is what its documentation says: not for networks where a firewall refuses', () => {
  const reject = (seed: number) => drawSchedule(seed, { kind: 'reject', domain: 'east' })
  const seen = Array.from({ length: 40 }, (_, seed) => live({ ...reject(seed), fence: 'process' }).violations)
  assert.match(seen.flat().join('\n'), /was accepted in epoch 1 at east/)
})

test('from a fault to the next write: killed within 0.5 s, silent within 3 s, no site writes twice', () => {
  const within: readonly [name: string, maxMs: number][] = [
    ['backend killed, its gateway lives', 500],
    ['all of the site killed, fence: process', 1_000],
    ['all of the site killed', 3_000],
    ['black hole', 3_000],
    ['power loss', 3_000],
    ['SIGSTOP of all of the site', 3_000],
    ['SIGSTOP of the gateway that holds the lease', 5_000],
  ]
  for (const [name, maxMs] of within) {
    const { times, never, violations, movesMax } = measure(name, 'accelerated', 8)
    assert.deepEqual({ never, violations, movesMax }, { never: 0, violations: [], movesMax: 1 }, name)
    assert.ok(times.at(-1)! <= maxMs, `${name}: ${times.at(-1)} ms`)
  }
})

test('the plain heartbeat alone needs more than 6 s', () => {
  const { times, violations } = measure('black hole', 'literal', 4)
  assert.deepEqual(violations, [])
  assert.ok(times[0]! > 6_000 && times.at(-1)! < 12_000, times.join(' '))
})

test('one second up, one second down for two minutes moves the work at most once', () => {
  for (const kind of ['backend', 'freeze'] as const) {
    const { moves, violations } = flap(kind, 1)
    assert.deepEqual(violations, [])
    assert.ok(moves <= 1, `${kind}: ${moves}`)
  }
})

test('half a quiet day with 1 % loss and pauses raises no false alarm', () => {
  const { beats, verdicts } = quietTime(0.5, 3)
  assert.ok(beats > 400_000)
  assert.equal(verdicts, 0)
})
