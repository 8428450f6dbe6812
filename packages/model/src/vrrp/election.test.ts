import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { electionNode, type ElectionStep, electionStep } from './election-node.ts'
import { type ElectionFault, type ElectionMember, heldAt, playElection } from './election.ts'
import { machineDeathRange, type Range, serviceFailureRange, type TakeoverTimes } from './takeover-range.ts'
import { judgeTakeover, takesOver } from './takeover.ts'
import { masterDownMs } from './timing.ts'

interface Case {
  readonly weight: number
  readonly preempts?: boolean
  readonly fault?: ElectionFault['kind']
}

const faultAtMs = 10_000
/** Long enough to call it never. */
const untilMs = 60_000

/** Two nodes, 100 and 90, adverts each second, a script each second, fall 2, rise 2: how it was measured. */
function members(
  { weight, preempts = true }: Case,
  scriptAtMs: number,
  startsAtMs: number,
): ElectionMember[] {
  const common = {
    version: 2,
    advertMs: 1_000,
    tracked: { weight },
    preempts,
    thresholds: { rise: 2, fall: 2 },
  } as const
  return [
    {
      ...common,
      name: 'a',
      rank: 1,
      priority: 100,
      scriptEveryMs: 1_000,
      scriptAtMs: startsAtMs + scriptAtMs,
      startsAtMs,
    },
    {
      ...common,
      name: 'b',
      rank: 2,
      priority: 90,
      scriptEveryMs: 1_000,
      scriptAtMs: 1_333,
      startsAtMs: 1_000,
    },
  ]
}

/** When b had the address after the fault of a, over every phase of a's script and adverts; undefined: never. */
function takeovers(each: Case): (number | undefined)[] {
  const times: (number | undefined)[] = []
  for (let script = 0; script < 1_000; script += 50) {
    for (let start = 0; start < 1_000; start += 50) {
      const { fault: kind = 'fails' } = each
      const faults = [{ atMs: faultAtMs, name: 'a', kind }]
      const holdings = playElection(members(each, script, start), faults, untilMs)
      assert.deepEqual(holdings.findLast(({ atMs }) => atMs < faultAtMs)!.holders, ['a'])
      const at = heldAt(holdings, 'b', faultAtMs)
      times.push(at === undefined ? undefined : at - faultAtMs)
    }
  }
  return times
}

/** As measured once with keepalived 2.2.7 in two network namespaces, seconds. */
const measured: [what: string, each: Case, seconds: number | undefined][] = [
  ['weight 2', { weight: 2 }, undefined],
  ['weight 20', { weight: 20 }, 4.19],
  ['weight -20', { weight: -20 }, 4.43],
  ['weight 0', { weight: 0 }, 1.69],
  ['weight -20 with nopreempt on both', { weight: -20, preempts: false }, undefined],
  ['keepalived killed', { weight: -20, fault: 'killed' }, 3.34],
]
for (const [what, each, seconds] of measured) {
  test(`${what}: ${seconds === undefined ? 'never' : `${seconds} s lies within what the model says`}`, () => {
    const times = takeovers(each)
    if (seconds === undefined) return assert.ok(times.every((time) => time === undefined))
    const known = times.map((time) => time ?? Infinity)
    const [least, most] = [Math.min(...known) / 1_000, Math.max(...known) / 1_000]
    assert.ok(least <= seconds && seconds <= most, `${least} to ${most}`)
    assert.ok(most - least <= 2.1, `${least} to ${most} says nothing`)
    return undefined
  })
}

const ranges: [what: string, each: Case, range: Range][] = [
  ['weight 0', { weight: 0 }, serviceFailureRange('fault', settings(90))!],
  ['weight 20', { weight: 20 }, serviceFailureRange('outvoted', settings(110))!],
  ['weight -20', { weight: -20 }, serviceFailureRange('outvoted', settings(90))!],
  ['killed', { weight: 0, fault: 'killed' }, machineDeathRange(settings(90))],
]
for (const [what, each, { leastMs, mostMs }] of ranges) {
  test(`${what}: the closed form, ${leastMs} to ${mostMs} ms, is what the election does over all phases`, () => {
    const known = takeovers(each).map((time) => time ?? Infinity)
    const [least, most] = [Math.min(...known), Math.max(...known)]
    assert.ok(least >= leastMs && most <= mostMs, `${least} to ${most}`)
    assert.ok(least - leastMs <= 100 && mostMs - most <= 100, `${least} to ${most}`)
  })
}

function settings(backupPriority: number): TakeoverTimes {
  return { version: 2, advertMs: 1_000, intervalMs: 1_000, fall: 2, backupPriority }
}

test('killed, keepalived leaves the address behind: both nodes have it', () => {
  const holdings = playElection(
    members({ weight: 0 }, 0, 0),
    [{ atMs: faultAtMs, name: 'a', kind: 'killed' }],
    untilMs,
  )
  assert.deepEqual(holdings.at(-1)!.holders, ['a', 'b'])
})

test('stopped, it hands the address over within the skew', () => {
  const holdings = playElection(
    members({ weight: 0 }, 0, 0),
    [{ atMs: faultAtMs, name: 'a', kind: 'stopped' }],
    untilMs,
  )
  assert.deepEqual(holdings.slice(-2), [
    { atMs: faultAtMs, holders: [] },
    { atMs: faultAtMs + 648.4375, holders: ['b'] },
  ])
})

const back: ElectionFault[] = [
  { atMs: faultAtMs, name: 'a', kind: 'fails' },
  { atMs: 30_000, name: 'a', kind: 'returns' },
]
const comebacks: [what: string, each: Case, holder: string][] = [
  ['the better node takes it back', { weight: 0 }, 'a'],
  ['with a weight too', { weight: -20 }, 'a'],
  ['with nopreempt it stays where it is', { weight: 0, preempts: false }, 'b'],
]
for (const [what, each, holder] of comebacks) {
  test(`when it is well again: ${what}`, () =>
    assert.deepEqual(playElection(members(each, 0, 0), back, untilMs).at(-1)!.holders, [holder]))
}

test('preempt_delay keeps a better node waiting so much longer, to one advert', () => {
  const withDelay = (preemptDelayMs: number): number =>
    heldAt(
      playElection(
        members({ weight: 0 }, 0, 0).map((member) => ({ ...member, preemptDelayMs })),
        back,
        untilMs,
      ),
      'a',
      30_000,
    )!
  const [none, five] = [withDelay(0), withDelay(5_000)]
  assert.ok(Math.abs(five - none - 5_000) <= 1_000, `${none} ${five}`)
})

test('of masters with the same priority the one with the higher address stays, and says so', () => {
  const [a] = members({ weight: 0 }, 0, 0)
  const backup = electionStep(electionNode(a!, 0), { kind: 'script', good: true }, 1_000).node
  const master = electionStep(backup, { kind: 'timer' }, 5_000).node
  const hears = (rank: number): ElectionStep =>
    electionStep(master, { kind: 'advert', priority: 100, rank }, 5_500)
  assert.deepEqual([hears(2).node.role, hears(2).advert], ['backup', null])
  assert.deepEqual([hears(0).node.role, hears(0).advert], ['master', 100])
})

test('the address moves in the election exactly where the arithmetic says that it does', () => {
  const priority = fc.integer({ min: 2, max: 254 })
  fc.assert(
    fc.property(
      fc.integer({ min: -253, max: 253 }),
      fc.uniqueArray(priority, { minLength: 2, maxLength: 2 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 999 }),
      (weight, priorities, preempts, script) => {
        const [low = 0, high = 0] = priorities.toSorted((a, b) => a - b)
        const nodes = members({ weight, preempts }, script, 0).map((member, index) => ({
          ...member,
          priority: index === 0 ? high : low,
        }))
        const holdings = playElection(nodes, [{ atMs: faultAtMs, name: 'a', kind: 'fails' }], untilMs)
        // Where both are cut to 254 they are equal, and who was first stays: that is another question.
        fc.pre(holdings.findLast(({ atMs }) => atMs < faultAtMs)!.holders.join() === 'a')
        const member = { priority: high, tracked: [{ weight }], preempts }
        const { verdict } = judgeTakeover(member, 0, { ...member, priority: low })
        assert.equal(heldAt(holdings, 'b', faultAtMs) !== undefined, takesOver(verdict))
      },
    ),
    { numRuns: 300 },
  )
})

test('with high priorities and short adverts a dead machine is noticed sooner', () => {
  assert.equal(masterDownMs(240, { version: 3, advertMs: 100 }), 306.25)
})
