import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededDraws } from '@budao/testkit'
import { pairedRatios, shuffled, spreadOf } from './statistics.ts'

const spreads: [values: number[], median: number, min: number, max: number][] = [
  [[7], 7, 7, 7],
  [[3, 1, 2], 2, 1, 3],
  [[10, 1, 2, 100], 6, 1, 100],
  [[9, 10, 11, 100, 1], 10, 1, 100],
]
for (const [values, median, min, max] of spreads) {
  test(`spread of ${values.join()}: ${median} [${min}–${max}]`, () => {
    assert.deepEqual(spreadOf(values), { median, min, max, rounds: values.length })
  })
}

test('no values have no spread', () => {
  assert.throws(() => spreadOf([]), RangeError)
})

test('ratios pair the values of one round and skip rounds that one side lacks', () => {
  const a = new Map([
    [1, 10],
    [2, 30],
    [3, 50],
    [4, 1],
  ])
  const b = new Map([
    [1, 5],
    [3, 100],
    [4, 0],
    [5, 7],
  ])
  assert.deepEqual(pairedRatios(a, b), [2, 0.5])
})

test('a seed replays the order; the items stay the same', () => {
  const items = ['a', 'b', 'c', 'd', 'e', 'f']
  const order = (seed: number): string[] => shuffled(items, new SeededDraws(seed))
  assert.deepEqual(order(5), order(5))
  assert.deepEqual(
    order(5).toSorted((x, y) => x.localeCompare(y)),
    items,
  )
  assert.notDeepEqual(order(5), order(6))
})
