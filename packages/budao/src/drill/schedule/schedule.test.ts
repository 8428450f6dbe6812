import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { BlockWindowConfig, Config, EventDraft } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { tempDir } from '@budao/testkit'
import fc from 'fast-check'
import { blockedBy } from './block-windows.ts'
import { DrillRole } from './drill-role.ts'
import { nextRun } from './next-run.ts'
import type { ScheduledOutcome } from './run-scheduled.ts'
import { wallClock } from './wall-clock.ts'

const utc = (text: string): number => Date.parse(`${text}Z`)
const iso = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().slice(0, 16)

const runs: [
  what: string,
  drill: Parameters<typeof nextRun>[0],
  zone: string,
  after: string,
  next: string | null,
][] = [
  ['today, later', { at: '10:30' }, 'UTC', '2026-11-26T09:00', '2026-11-26T10:30'],
  ['the very minute is over', { at: '10:30' }, 'UTC', '2026-11-26T10:30', '2026-11-27T10:30'],
  ['a day of the week', { at: '10:30', days: ['tue'] }, 'UTC', '2026-11-26T09:00', '2026-12-01T10:30'],
  [
    'in Shanghai it is tomorrow already',
    { at: '01:00' },
    'Asia/Shanghai',
    '2026-11-26T16:30',
    '2026-11-26T17:00',
  ],
  [
    'a day of the month that is a Tuesday',
    { at: '00:00', days: ['tue'], monthDays: [1] },
    'UTC',
    '2026-12-02T00:00',
    '2027-06-01T00:00',
  ],
  [
    'what summer time leaves out is an hour later',
    { at: '02:30' },
    'Europe/Berlin',
    '2027-03-28T00:00',
    '2027-03-28T01:30',
  ],
  [
    'what winter time shows twice is the first',
    { at: '02:30' },
    'Europe/Berlin',
    '2026-10-24T23:00',
    '2026-10-25T00:30',
  ],
]
for (const [what, drill, zone, after, next] of runs) {
  test(`next run: ${what}`, () => assert.equal(iso(nextRun(drill, zone, utc(after))), next))
}

test('the next run is later, shows the time on the wall, and nothing lies between', () => {
  const zones = ['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'America/New_York', 'Pacific/Auckland']
  fc.assert(
    fc.property(
      fc.integer({ min: utc('2026-01-01T00:00'), max: utc('2028-01-01T00:00') }),
      fc.constantFrom(...zones),
      fc.integer({ min: 3, max: 23 }),
      (after, zone, hour) => {
        const at = `${String(hour).padStart(2, '0')}:15`
        const next = nextRun({ at }, zone, after)!
        assert.ok(next > after && next - after <= 25 * 3_600_000)
        assert.equal(wallClock(next, zone).time, at)
      },
    ),
    { numRuns: 200 },
  )
})

const windows: [what: string, window: BlockWindowConfig, at: string, blocked: boolean][] = [
  [
    'the sale, its last day included',
    { dates: { from: '2026-11-10', to: '2026-11-12' } },
    '2026-11-12T15:59',
    true,
  ],
  [
    'the day after, in Shanghai',
    { dates: { from: '2026-11-10', to: '2026-11-12' } },
    '2026-11-12T16:00',
    false,
  ],
  ['Friday evening', { days: ['fri'], times: { from: '18:00', to: '24:00' } }, '2026-11-27T10:00', true],
  ['Friday, before it', { days: ['fri'], times: { from: '18:00', to: '24:00' } }, '2026-11-27T09:59', false],
  [
    'over midnight, by the day it began',
    { days: ['fri'], times: { from: '22:00', to: '06:00' } },
    '2026-11-27T20:00',
    true,
  ],
  [
    'the night before, which began on Thursday',
    { days: ['fri'], times: { from: '22:00', to: '06:00' } },
    '2026-11-26T20:00',
    false,
  ],
]
for (const [what, window, at, blocked] of windows) {
  test(`a blocking window: ${what}`, () =>
    assert.equal(blockedBy([window], 'Asia/Shanghai', utc(at)) !== null, blocked))
}

test('a drill that is due begins once, in one process, and is reported', async (t) => {
  const world = start(t, '2026-12-01T02:29')
  world.role.begin()
  assert.deepEqual(world.ran, [])
  world.now = utc('2026-12-01T02:30')
  world.role.begin()
  world.role.begin()
  world.finish({ outcome: 'passed', about: 'an-id' })
  await new Promise(setImmediate)
  const [drill] = world.role.overview().schedule
  assert.deepEqual(drill?.last, { at: '2026-12-01T02:30:00.000Z', outcome: 'passed', about: 'an-id' })
  assert.equal(drill?.nextLocal, 'tue 2026-12-08 10:30 Asia/Shanghai')
  assert.deepEqual(world.ran, ['weekly'])
})

test('what was missed, blocked or not ready is said, and runs at its next time', async (t) => {
  const missed = start(t, '2026-12-01T00:00')
  missed.role.begin()
  missed.role.close()
  missed.now = utc('2026-12-01T09:00')
  missed.role.begin()
  assert.deepEqual(missed.ran, [])
  assert.match(missed.events[0]!.message, /weekly \(hang of east\) is skipped: nobody was there to begin it/)
  assert.equal(missed.role.overview().schedule[0]?.last?.outcome, 'skipped')

  const blocked = start(
    t,
    '2026-12-01T02:29',
    'blockWindows: [{ dates: { from: 2026-12-01, to: 2026-12-01 }, reason: sale }]',
  )
  blocked.role.begin()
  assert.equal(blocked.role.overview().schedule[0]?.blocked, true)
  blocked.now = utc('2026-12-01T02:30')
  blocked.role.begin()
  assert.deepEqual(blocked.ran, [])
  assert.match(blocked.events[0]!.message, /is skipped: drills are blocked then: sale/)

  const refused = start(t, '2026-12-01T02:29')
  refused.role.begin()
  refused.now = utc('2026-12-01T02:30')
  refused.role.begin()
  refused.finish({ outcome: 'refused', about: 'east is down' })
  await new Promise(setImmediate)
  assert.match(refused.events[0]!.message, /was not run: east is down/)
})

test('whoever does not lead neither begins nor complains', (t) => {
  const world = start(t, '2026-12-01T02:29', '', false)
  world.role.begin()
  world.now = utc('2026-12-01T02:31')
  world.role.begin()
  assert.deepEqual([world.ran, world.events], [[], []])
})

interface World {
  now: number
  readonly role: DrillRole
  readonly ran: string[]
  readonly events: EventDraft[]
  finish(outcome: ScheduledOutcome): void
}

/** A schedule of one drill, Tuesdays at 10:30 in Shanghai, in a process whose wall clock the test sets. */
function start(t: TestContext, at: string, more = '', leads = true): World {
  const folder = tempDir(t)
  const ending = Promise.withResolvers<ScheduledOutcome>()
  const began = performance.now()
  const ran: string[] = []
  const events: EventDraft[] = []
  let base = utc(at)
  const role = new DrillRole(config(more), {
    file: join(folder, 'budao.yaml'),
    report: (event) => events.push(event),
    mayRun: () => leads,
    now: () => Math.floor(base + performance.now() - began),
    run: ({ name }) => {
      ran.push(name)
      return ending.promise
    },
  })
  t.after(() => role.close())
  return {
    get now() {
      return base
    },
    set now(to) {
      base = to - (performance.now() - began)
    },
    role,
    ran,
    events,
    finish: (outcome) => ending.resolve(outcome),
  }
}

function config(more: string): Config {
  const parsed = parseConfig(
    `version: 1
node: { name: gw, site: east }
sites: { east: {}, west: {} }
listeners: [{ name: web, address: 127.0.0.1:8080, protocol: http }]
drills:
  timezone: Asia/Shanghai
  schedule: [{ name: weekly, scenario: hang, site: east, days: [tue], at: "10:30" }]
  ${more}
routes: [{ name: all, respond: { status: 204 } }]
`,
    'budao.yaml',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}
