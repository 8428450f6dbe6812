import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TimerWheel, type Timed } from './timer-wheel.ts'

const tickMs = 20
const slots = 8

class Alarm implements Timed {
  deadlineAt = Infinity
  wheelTick = -1
  rang: number[] = []
  onRing: () => void = () => {}

  onDeadline(now: number): void {
    assert.ok(this.deadlineAt <= now, `rang at ${now}, before ${this.deadlineAt}`)
    this.deadlineAt = Infinity
    this.rang.push(now)
    this.onRing()
  }
}

type Step =
  | { readonly kind: 'set'; readonly alarm: number; readonly inMs: number }
  | { readonly kind: 'postpone'; readonly alarm: number; readonly byMs: number }
  | { readonly kind: 'cancel'; readonly alarm: number }
  | { readonly kind: 'pass'; readonly ms: number }

const alarmIndex = fc.nat({ max: 3 })
const steps = fc.array(
  fc.oneof(
    // Often beyond the wheel's one round of 160 ms, and in the past.
    fc.record({ kind: fc.constant('set'), alarm: alarmIndex, inMs: fc.integer({ min: -50, max: 700 }) }),
    fc.record({ kind: fc.constant('postpone'), alarm: alarmIndex, byMs: fc.nat({ max: 400 }) }),
    fc.record({ kind: fc.constant('cancel'), alarm: alarmIndex }),
    fc.record({ kind: fc.constant('pass'), ms: fc.oneof(fc.nat({ max: 45 }), fc.nat({ max: 1_000 })) }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 60 },
)

test('deadlines are met never early and at most one tick late, however they are moved', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), steps, (start, script) => {
      let now = start
      const wheel = new TimerWheel(now, { tickMs, slots })
      const alarms = Array.from({ length: 4 }, () => new Alarm())
      for (const step of script) {
        if (step.kind === 'pass') {
          const before = now
          now += step.ms
          wheel.advance(now)
          if (Math.floor(now / tickMs) === Math.floor(before / tickMs)) continue
          for (const { deadlineAt } of alarms)
            assert.ok(deadlineAt + tickMs > now, `${deadlineAt} was missed at ${now}`)
          continue
        }
        const alarm = alarms[step.alarm]!
        if (step.kind === 'cancel') wheel.cancel(alarm)
        else if (step.kind === 'postpone') alarm.deadlineAt += step.byMs
        else {
          alarm.deadlineAt = now + step.inMs
          wheel.schedule(alarm)
        }
      }
    }),
  )
})

test('a deadline is met once', () => {
  const wheel = new TimerWheel(0, { tickMs, slots })
  const alarm = new Alarm()
  // Three places in the wheel are left behind by moving it forward twice.
  for (const at of [150, 90, 30]) {
    alarm.deadlineAt = at
    wheel.schedule(alarm)
  }
  for (let now = 0; now <= 1_000; now += 10) wheel.advance(now)
  assert.deepEqual(alarm.rang, [40])
})

test('an alarm may set itself again while it rings', () => {
  const wheel = new TimerWheel(0, { tickMs, slots })
  const alarm = new Alarm()
  const set = (at: number): void => {
    alarm.deadlineAt = at
    wheel.schedule(alarm)
  }
  alarm.onRing = () => {
    if (alarm.rang.length < 3) set(alarm.rang.at(-1)! + 50)
  }
  set(50)
  for (let now = 0; now <= 1_000; now += tickMs) wheel.advance(now)
  assert.deepEqual(alarm.rang, [60, 120, 180])
})

test('after a long pause everything that is due rings at once', () => {
  const wheel = new TimerWheel(0, { tickMs, slots })
  const alarms = Array.from({ length: 50 }, (_, n) => {
    const alarm = new Alarm()
    alarm.deadlineAt = n * 37
    wheel.schedule(alarm)
    return alarm
  })
  wheel.advance(1e7)
  assert.ok(alarms.every(({ rang }) => rang.length === 1))
})

test('who is cancelled, or moved to an earlier time, leaves nothing behind', () => {
  const wheel = new TimerWheel(0, { tickMs, slots })
  const alarms = Array.from({ length: 5 }, () => new Alarm())
  for (const [index, alarm] of alarms.entries()) {
    alarm.deadlineAt = 100 + index
    wheel.schedule(alarm)
  }
  assert.equal(wheel.size, 5)
  alarms[1]!.deadlineAt = 30
  wheel.schedule(alarms[1]!)
  assert.equal(wheel.size, 5)
  wheel.cancel(alarms[0]!)
  wheel.cancel(alarms[1]!)
  wheel.cancel(alarms[1]!)
  assert.equal(wheel.size, 3)
  wheel.advance(200)
  assert.deepEqual(
    alarms.map(({ rang }) => rang.length),
    [0, 0, 1, 1, 1],
  )
  assert.equal(wheel.size, 0)
})
