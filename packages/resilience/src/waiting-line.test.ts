import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ranks, WaitingLine, type Waiter } from './waiting-line.ts'

interface Guest extends Waiter {
  readonly name: number
}

const guest = (name: number): Guest => ({ name, rank: 0, waitingSince: 0 })

test('a better class is served first, and within a class who came first', () => {
  const line = new WaitingLine<Guest>(1_000)
  for (const [name, rank] of [3, 2, 0, 2, 3, 0].entries()) line.add(guest(name), rank, name)
  const served = Array.from({ length: 6 }, () => line.next(10)!.name)
  assert.deepEqual(served, [2, 5, 1, 3, 0, 4])
  assert.equal(line.next(10), undefined)
})

test('once the oldest has waited more than half of its time the newest is served first', () => {
  const line = new WaitingLine<Guest>(100)
  for (let name = 0; name < 4; name++) line.add(guest(name), 2, name * 10)
  assert.equal(line.next(50)!.name, 0)
  // The oldest left came at 10.
  assert.equal(line.next(61)!.name, 3)
  assert.equal(line.next(62)!.name, 2)
  assert.equal(line.expired(109), undefined)
  assert.equal(line.expired(110)!.name, 1)
  assert.equal(line.length, 0)
})

test('who gives way is of a lower class, and would have been served last', () => {
  const line = new WaitingLine<Guest>(100)
  for (const [name, rank] of [1, 3, 3, 2].entries()) line.add(guest(name), rank, 0)
  assert.equal(line.last(3, 0), undefined)
  assert.equal(line.last(2, 0)!.name, 2)
  assert.equal(line.last(1, 90)!.name, 1)
  assert.equal(line.last(1, 90)!.name, 3)
  assert.equal(line.last(1, 90), undefined)
  assert.equal(line.length, 1)
})

type Step =
  | { do: 'add'; rank: number }
  | { do: 'next' }
  | { do: 'expired' }
  | { do: 'last'; rank: number }
  | { do: 'remove'; at: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), rank: fc.nat(ranks - 1) }),
  fc.record({ do: fc.constant('next' as const) }),
  fc.record({ do: fc.constant('expired' as const) }),
  fc.record({ do: fc.constant('last' as const), rank: fc.nat(ranks - 1) }),
  fc.record({ do: fc.constant('remove' as const), at: fc.nat(20) }),
)

test('nobody is lost or served twice, and nobody is served before a better class', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(30)), { maxLength: 200 }), (steps) => {
      const line = new WaitingLine<Guest>(100)
      const inside: Guest[] = []
      let now = 0
      const leaves = (one: Guest | undefined): void => {
        if (one !== undefined) inside.splice(inside.indexOf(one), 1)
      }
      for (const [taken, passes] of steps) {
        now += passes
        switch (taken.do) {
          case 'add': {
            const one = guest(inside.length)
            line.add(one, taken.rank, now)
            inside.push(one)
            break
          }
          case 'next': {
            const best = Math.min(ranks, ...inside.map(({ rank }) => rank))
            const one = line.next(now)
            assert.equal(one?.rank ?? ranks, best)
            leaves(one)
            break
          }
          case 'expired': {
            const late = inside.some(({ waitingSince }) => now - waitingSince >= 100)
            const one = line.expired(now)
            assert.equal(one !== undefined, late)
            if (one !== undefined) assert.ok(now - one.waitingSince >= 100)
            leaves(one)
            break
          }
          case 'last': {
            const worst = Math.max(-1, ...inside.map(({ rank }) => rank))
            const one = line.last(taken.rank, now)
            assert.equal(one !== undefined, worst > taken.rank)
            if (one !== undefined) assert.equal(one.rank, worst)
            leaves(one)
            break
          }
          case 'remove': {
            const one = inside[taken.at]
            if (one === undefined) break
            assert.equal(line.remove(one), true)
            leaves(one)
            assert.equal(line.remove(one), false)
          }
        }
        assert.equal(line.length, inside.length)
        assert.equal(line.rank, Math.min(ranks, ...inside.map(({ rank }) => rank)))
      }
    }),
  )
})
