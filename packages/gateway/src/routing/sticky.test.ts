import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StickyConfig } from '@budao/model'
import { TestRequest } from '../filters/test-exchange.test.ts'
import { Sticky } from './sticky.ts'

const backends = ['a', 'b'].map((service) => ({ service, weight: 5_000 }))
const sticky = (config: StickyConfig, route = 'r'): Sticky => new Sticky(config, route, backends)

const sources: [config: StickyConfig, request: (user: string) => Partial<TestRequest>][] = [
  [{ header: 'X-User' }, (user) => ({ headers: { 'x-user': user } })],
  [{ cookie: 'u' }, (user) => ({ headers: { cookie: `v=1; u=${user}` } })],
  [{ query: 'u' }, (user) => ({ query: `v=1&u=${user}` })],
  [{ claim: 'sub' }, (user) => ({ claims: { sub: user } })],
  [{ ip: true }, (user) => ({ clientIp: user })],
]
const users = Array.from({ length: 200 }, (_, n) => `user-${n}`)

test('whatever says who it is, one user belongs to one backend', () => {
  const places = sources.map(([config, request]) =>
    users.map((user) => sticky(config).choose(new TestRequest(request(user)))),
  )
  for (const each of places) assert.deepEqual(each, places[0])
  assert.deepEqual(new Set(places[0]), new Set([0, 1]))
})

test('who does not say is nobody', () => {
  for (const [config] of sources.slice(0, 4)) assert.equal(sticky(config).choose(new TestRequest()), null)
  assert.equal(sticky({ header: 'x-user' }).choose(new TestRequest({ headers: { 'x-user': '' } })), null)
  assert.equal(sticky({ claim: 'roles' }).choose(new TestRequest({ claims: { roles: ['x'] } })), null)
})

test('routes spread users apart, unless they share a salt', () => {
  const spread = (config: StickyConfig, route: string): (number | null)[] =>
    users.map((user) => sticky(config, route).choose(new TestRequest({ clientIp: user })))
  assert.notDeepEqual(spread({ ip: true }, 'one'), spread({ ip: true }, 'two'))
  assert.deepEqual(spread({ ip: true, salt: 's' }, 'one'), spread({ ip: true, salt: 's' }, 'two'))
})
