import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { replayBreaker } from './breaker-replay.ts'
import { replayPriority } from './priority-replay.ts'
import { readVectors } from './vector-file.ts'
import type { BreakerEvent, BreakerVector } from './vector-file.ts'

const root = join(import.meta.dirname, '../..')
const vectors = readVectors(join(root, 'packages/resilience/vectors/breaker.jsonl')).filter(
  (vector): vector is BreakerVector => vector.shape === 'breaker',
)

for (const vector of vectors) {
  test(`vector ${vector.id}`, () => assert.deepEqual(replayBreaker(vector), { failures: [], notes: [] }))
}

test('a vector with any one expectation turned round fails', () => {
  let turned = 0
  for (const vector of vectors) {
    for (const [index, event] of vector.events.entries()) {
      for (const wrong of turnedRound(event)) {
        const events = vector.events.with(index, { ...event, expect: { ...event.expect, ...wrong } })
        const { failures } = replayBreaker({ ...vector, events })
        assert.notEqual(failures.length, 0, `${vector.id}, event ${index}: ${JSON.stringify(wrong)} passed`)
        turned++
      }
    }
  }
  assert.ok(turned > 200)
})

function* turnedRound({ expect = {} }: BreakerEvent): Generator<Record<string, unknown>> {
  const { admitted, state, calls } = expect
  if (typeof admitted === 'boolean') yield { admitted: !admitted }
  if (typeof admitted === 'number') yield { admitted: admitted + 1 }
  if (typeof state === 'string') yield { state: state === 'closed' ? 'open' : 'closed' }
  if (typeof calls === 'number') yield { calls: calls + 1 }
}

function replayOne(
  event: BreakerEvent,
  config: Record<string, unknown> = {},
): ReturnType<typeof replayBreaker> {
  return replayBreaker({
    shape: 'breaker',
    id: 'one',
    tier: 'core',
    semantics: 'ideal',
    config,
    events: [event],
  })
}

test('what cannot be checked fails: an unknown op, outcome, id or expectation', () => {
  for (const event of [
    { t: 0, op: 'reset' },
    { t: 0, op: 'call', outcome: 'maybe' },
    { t: 0, op: 'finish', id: 'never-started' },
    { t: 0, op: 'observe', expect: { mood: 'good' } },
  ]) {
    assert.equal(replayOne(event).failures.length, 1, event.op)
  }
})

test('an unknown key of the configuration is noted, and impossible options fail the vector', () => {
  const { failures, notes } = replayOne({ t: 0, op: 'observe' }, { window: { colour: 1 }, flavour: 2 })
  assert.deepEqual(failures, [])
  assert.deepEqual(notes, [
    'config key "window.colour" is unknown here and has no effect',
    'config key "flavour" is unknown here and has no effect',
  ])
  assert.match(
    replayOne({ t: 0, op: 'observe' }, { thresholdPct: 200 }).failures[0]!.seen,
    /errorThresholdPercentage/,
  )
})

test('a priority vector fails for each number that differs', () => {
  const vector = { shape: 'priority', id: 'p', config: {}, healthy: [50, 50], total: [100, 100] } as const
  assert.deepEqual(
    replayPriority({ ...vector, expect: { load: [70, 30], panic: [false, false] } }).failures,
    [],
  )
  const { failures } = replayPriority({ ...vector, expect: { load: [50, 50], mood: 1 } })
  assert.deepEqual(failures, [
    { at: 'load', expected: '[50,50]', seen: '[70,30]' },
    { at: 'mood', expected: '1', seen: 'nothing' },
  ])
})

function run(t: TestContext, text: string): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'some.jsonl')
  writeFileSync(file, text)
  const script = join(root, 'scripts/vectors.ts')
  const environment = { ...process.env, INIT_CWD: folder }
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@budao/source', script, 'some.jsonl'],
    { encoding: 'utf8', env: environment, cwd: root },
  )
  return { status, stdout, stderr }
}

test('the command says what passed, exits 1 on a failure and leaves quirks out', (t) => {
  const good = { id: 'good', config: {}, events: [{ t: 0, op: 'observe', expect: { state: 'closed' } }] }
  const bad = { id: 'bad', config: {}, events: [{ t: 7, op: 'observe', expect: { state: 'open' } }] }
  const quirk = { ...bad, id: 'odd', tier: 'quirk' }
  const lines = (...all: unknown[]): string => all.map((one) => `${JSON.stringify(one)}\n`).join('')
  const mixed = run(t, lines(good, bad, quirk))
  assert.equal(
    mixed.stdout,
    'FAILED bad, event 0 (t=7 observe): expected state open, seen closed\n1 passed, 1 failed\n',
  )
  assert.equal(mixed.status, 1)
  const fine = run(t, lines(good, quirk))
  assert.equal(fine.stdout, '1 passed, 0 failed\n')
  assert.match(fine.stderr, /1 of tier "quirk" not replayed/)
  assert.equal(fine.status, 0)
})

test('the command exits 2 for lines that are no vectors, and names the line', (t) => {
  for (const [line, message] of [
    ['{"id":', /some\.jsonl:2: /],
    ['{"id":"a"}', /some\.jsonl:2: expected "events"/],
    ['{"id":"a","events":[{"op":"call"}]}', /some\.jsonl:2: event 0: t: expected milliseconds, got nothing/],
    [
      '{"id":"a","total":[1],"healthy":"1","expect":{}}',
      /some\.jsonl:2: healthy: expected a list of numbers/,
    ],
  ] as const) {
    const { status, stdout, stderr } = run(t, `\n${line}\n`)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, message)
  }
})
