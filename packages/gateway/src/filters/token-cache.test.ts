import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenCache } from './token-cache.ts'

test('the token used longest ago makes room', () => {
  const cache = new TokenCache<number>(2)
  cache.set('a', 1, 100)
  cache.set('b', 2, 100)
  assert.equal(cache.get('a', 0), 1)
  cache.set('c', 3, 100)
  assert.equal(cache.size, 2)
  assert.equal(cache.get('b', 0), undefined)
  assert.equal(cache.get('a', 0), 1)
  assert.equal(cache.get('c', 0), 3)
})

test('a token is forgotten at its time', () => {
  const cache = new TokenCache<number>(2)
  cache.set('a', 1, 100)
  assert.equal(cache.get('a', 99), 1)
  assert.equal(cache.get('a', 100), undefined)
  assert.equal(cache.size, 0)
})

test('a token set again takes one place', () => {
  const cache = new TokenCache<number>(2)
  cache.set('a', 1, 100)
  cache.set('a', 2, 200)
  assert.equal(cache.size, 1)
  assert.equal(cache.get('a', 150), 2)
})
