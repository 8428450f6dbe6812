import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceLimits } from '@budao/model'
import { Bulkhead, LocalCells, ranks, SeededRandom } from '@budao/resilience'
import * as fc from 'fast-check'
import { Admission, type Entrant } from './admission.ts'
import type { ErrorCode } from '../errors.ts'
import { ShedCounts } from './shed-counts.ts'

const waitMs = 100

/** Two threads before one service, in one thread and in turns: each has its own door, the cells are shared. */
class Doors {
  readonly bulkhead: Bulkhead
  readonly shed: ShedCounts
  readonly doors: readonly Admission[]
  readonly rung: number[] = []
  now = 0
  shut = false

  constructor(concurrency: number, size: number, shares = [100, 100, 100, 100]) {
    const workers = 2
    const limits: ServiceLimits = {
      concurrency,
      pending: 1,
      connections: 1,
      queue: { size, timeout: waitMs },
      shares: { critical: shares[0]!, high: shares[1]!, normal: shares[2]!, low: shares[3]! },
      retryAfter: 1_000,
    }
    this.bulkhead = new Bulkhead(new LocalCells(1), { max: concurrency })
    this.shed = new ShedCounts(new LocalCells(ShedCounts.cellsFor()))
    const cells = new LocalCells(Admission.cellsFor(workers))
    this.doors = [0, 1].map(
      (worker) =>
        new Admission(this.bulkhead, limits, {
          cells,
          shed: this.shed,
          adaptiveCells: null,
          random: new SeededRandom(1),
          worker,
          workers,
          prioritized: true,
          admit: () => this.#admit(),
          isShut: () => this.shut,
          ring: (other) => this.rung.push(other),
        }),
    )
  }

  /** Lets threads that were rung for look, as they do by themselves a little later. */
  answerBells(): void {
    for (let worker = this.rung.shift(); worker !== undefined; worker = this.rung.shift())
      this.doors[worker]!.tick(this.now)
  }

  #admit(): number | ErrorCode {
    if (!this.shut) return 0
    this.bulkhead.leave()
    return 'breaker_open'
  }
}

class Guest implements Entrant {
  rank = 0
  waitingSince = 0
  state: 'waiting' | 'inside' | 'away' = 'waiting'
  code: ErrorCode | '' = ''
  readonly worker: number
  readonly #admission: Admission

  constructor(doors: Doors, worker: number, rank: number) {
    this.worker = worker
    this.#admission = doors.doors[worker]!
    const answer = this.#admission.enter(this, rank, doors.now)
    this.rank = rank
    if (typeof answer === 'number') this.state = 'inside'
    else if (answer !== 'waiting') this.onTurnedAway(answer)
  }

  onAdmitted(): void {
    assert.equal(this.state, 'waiting')
    this.state = 'inside'
  }

  onTurnedAway(code: ErrorCode): void {
    assert.equal(this.state, 'waiting')
    this.state = 'away'
    this.code = code
  }

  leave(doors: Doors): void {
    this.state = 'away'
    doors.bulkhead.leave()
    this.#admission.onLeft(doors.now)
  }

  giveUp(): void {
    this.state = 'away'
    this.#admission.abandon(this)
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('enter' as const), worker: fc.nat(1), rank: fc.nat(ranks - 1) }),
  fc.record({ do: fc.constant('leave' as const), at: fc.nat(10) }),
  fc.record({ do: fc.constant('give up' as const), at: fc.nat(10) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.nat(60) }),
)

test('whatever comes and goes in two threads: limits hold, nobody is forgotten, no class overtakes its own or a better one', () => {
  fc.assert(
    fc.property(fc.nat(3), fc.nat(5), fc.array(step, { maxLength: 150 }), (more, size, steps) => {
      const doors = new Doors(1 + more, 1 + size)
      const guests: Guest[] = []
      const of = (state: Guest['state']): Guest[] => guests.filter((guest) => guest.state === state)
      for (const taken of steps) {
        switch (taken.do) {
          case 'enter': {
            const ahead = of('waiting').some(({ rank }) => rank <= taken.rank)
            const guest = new Guest(doors, taken.worker, taken.rank)
            if (ahead) assert.notEqual(guest.state, 'inside')
            guests.push(guest)
            break
          }
          case 'leave': {
            const inside = of('inside')
            inside[taken.at % Math.max(1, inside.length)]?.leave(doors)
            doors.answerBells()
            break
          }
          case 'give up': {
            const waiting = of('waiting')
            waiting[taken.at % Math.max(1, waiting.length)]?.giveUp()
            break
          }
          case 'pass': {
            doors.now += taken.ms
            for (const door of doors.doors) door.tick(doors.now)
          }
        }
        const [inside, waiting] = [of('inside').length, of('waiting').length]
        assert.equal(doors.bulkhead.inFlight, inside)
        assert.ok(inside <= 1 + more)
        assert.equal(doors.doors[0]!.waiting, waiting)
        assert.ok(waiting <= 1 + size)
        // A free place is somebody's as soon as the bells are answered.
        assert.ok(waiting === 0 || inside === 1 + more, `${waiting} wait, ${inside} are inside`)
        for (const guest of of('waiting')) assert.ok(doors.now - guest.waitingSince <= waitMs + 60)
      }
      for (let i = 0; i < 10; i++) {
        doors.now += waitMs
        for (const door of doors.doors) door.tick(doors.now)
      }
      assert.equal(of('waiting').length, 0)
    }),
  )
})

test('a place that becomes free in one thread is the best waiter’s, though it is in another', () => {
  const doors = new Doors(1, 10)
  const inside = new Guest(doors, 0, 2)
  const own = new Guest(doors, 0, 2)
  doors.now = 1
  const better = new Guest(doors, 1, 1)
  inside.leave(doors)
  assert.deepEqual(doors.rung, [1])
  assert.equal(own.state, 'waiting')
  doors.answerBells()
  assert.equal(better.state, 'inside')
  better.leave(doors)
  doors.answerBells()
  assert.equal(own.state, 'inside')
})

test('of two threads with waiters of one class, the older one’s comes first', () => {
  const doors = new Doors(1, 10)
  const inside = new Guest(doors, 0, 2)
  const older = new Guest(doors, 1, 2)
  doors.now = 1
  const younger = new Guest(doors, 0, 2)
  inside.leave(doors)
  assert.equal(younger.state, 'waiting')
  doors.answerBells()
  assert.equal(older.state, 'inside')
})

test('should a thread not come when it is rung for, another one takes the place at its next look', () => {
  const doors = new Doors(1, 10)
  const inside = new Guest(doors, 0, 2)
  const stuck = new Guest(doors, 1, 1)
  const other = new Guest(doors, 0, 2)
  inside.leave(doors)
  assert.equal(other.state, 'waiting')
  doors.doors[0]!.tick(20)
  assert.equal(other.state, 'inside')
  assert.equal(stuck.state, 'waiting')
  doors.doors[0]!.forget(1)
  assert.equal(doors.doors[0]!.waiting, 0)
})

test('nobody waits for a breaker that is open, nor goes on waiting when it opens', () => {
  const doors = new Doors(1, 10)
  const inside = new Guest(doors, 0, 2)
  const waiting = new Guest(doors, 0, 2)
  doors.shut = true
  assert.equal(new Guest(doors, 0, 1).code, 'breaker_open')
  inside.leave(doors)
  assert.equal(waiting.code, 'breaker_open')
  assert.equal(doors.bulkhead.inFlight, 0)
})

test('the share of a lower class is kept for the better ones, and those of a lower class that wait let them pass', () => {
  const doors = new Doors(4, 10, [100, 100, 50, 50])
  const low = Array.from({ length: 3 }, () => new Guest(doors, 0, 3))
  assert.deepEqual(
    low.map(({ state }) => state),
    ['inside', 'inside', 'waiting'],
  )
  const high = [new Guest(doors, 1, 1), new Guest(doors, 1, 0)]
  assert.deepEqual(
    high.map(({ state }) => state),
    ['inside', 'inside'],
  )
  high[0]!.leave(doors)
  doors.answerBells()
  assert.equal(low[2]!.state, 'waiting')
  low[0]!.leave(doors)
  low[1]!.leave(doors)
  assert.equal(low[2]!.state, 'inside')
})

test('a long line of requests that end at once is worked off without growing the stack', () => {
  const doors = new Doors(1, 100_000)
  const first = new Guest(doors, 0, 2)
  let served = 0
  for (let i = 0; i < 5_000; i++) {
    const guest: Entrant = {
      rank: 2,
      waitingSince: 0,
      onAdmitted: () => {
        served++
        doors.bulkhead.leave()
        doors.doors[0]!.onLeft(0)
      },
      onTurnedAway: () => assert.fail(),
    }
    assert.equal(doors.doors[0]!.enter(guest, 2, 0), 'waiting')
  }
  first.leave(doors)
  assert.equal(served, 5_000)
})
