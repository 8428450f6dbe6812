import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  purchasesMax,
  siteOf,
  withListed,
  withPurchase,
  type Order,
  type Purchase,
} from './miniprogram/order-book.ts'

const items = [{ productId: 1, name: '西湖龙井', priceFen: 16_800, quantity: 1 }]

test('a site that answers is right about its own orders, and says nothing of the other’s', () => {
  const known = [confirmed('east-1', 1), confirmed('east-2', 2), confirmed('west-1', 3), waiting('k4', 4)]
  const after = withListed(known, 'east', [order('east-2', 2), order('east-3', 5)])
  assert.deepEqual(
    after.map(({ id, state }) => `${id} ${state}`),
    ['east-3 confirmed', ' waiting', 'west-1 confirmed', 'east-2 confirmed'],
  )
})

test('an order of the other site that is listed is known once', () => {
  const after = withListed([confirmed('east-1', 1)], 'west', [order('west-2', 2), order('east-1', 1)])
  assert.deepEqual(
    after.map(({ id }) => id),
    ['west-2', 'east-1'],
  )
})

test('an order keeps the key it was placed with when it is seen in a list', () => {
  const placed = withPurchase([waiting('k1', 1)], { ...confirmed('east-1', 1), key: 'k1' })
  assert.equal(placed.length, 1)
  assert.deepEqual(
    withListed(placed, 'east', [order('east-1', 1)]).map(({ key }) => key),
    ['k1'],
  )
})

test('the oldest are forgotten, but never one that waits', () => {
  const many = Array.from({ length: purchasesMax }, (_, index) => confirmed(`east-${index}`, 10 + index))
  const after = withPurchase(many, waiting('old', 1))
  assert.equal(after.length, purchasesMax + 1)
  assert.equal(after.at(-1)!.key, 'old')
  const full = withPurchase(after, confirmed('west-1', 99))
  assert.equal(full.length, purchasesMax + 1)
  assert.ok(!full.some(({ id }) => id === 'east-0'))
})

test('the site is in the id', () => {
  assert.deepEqual(['east-12', 'north-east-3', ''].map(siteOf), ['east', 'north-east', ''])
})

function order(id: string, at: number): Order {
  return { id, items, totalFen: 16_800, createdAt: new Date(at).toISOString() }
}

function confirmed(id: string, at: number): Purchase {
  return { key: id, state: 'confirmed', id, reason: '', items, totalFen: 16_800, at }
}

function waiting(key: string, at: number): Purchase {
  return { key, state: 'waiting', id: '', reason: '', items, totalFen: 16_800, at }
}
