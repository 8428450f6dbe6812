import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort, startRedis } from '@budao/testkit'
import { claimOf, HOUR, keep, redisOn } from '../idempotency/test-keys.test.ts'
import { StoreAway } from '../stores/store.ts'
import { until } from '../test-gateway.test.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisKeys } from './redis-keys.ts'

test('keys expire on the server with their use; what others wrote there is no result', async (t) => {
  const port = await freePort()
  if ((await startRedis(t, port)) === undefined) return
  const connection = await RedisConnection.open(...redisOn(port))
  t.after(() => connection.close())
  await until('it is here', () => connection.here)
  const keys = new RedisKeys(connection, 'test:')
  const leftMs = async (): Promise<number> => Number(await connection.call('PTTL', 'test:write:orders:k1'))
  const claim = claimOf({ leaseMs: 5_000, ttlMs: HOUR })
  await keys.claim(claim)
  assert.ok((await leftMs()) > HOUR, 'a claim is remembered behind its lease')
  await keys.settle(claim, keep(undefined, 60_000))
  assert.ok((await leftMs()) <= 60_000)

  await connection.call('HSET', 'test:write:orders:k1', 'm', 'nonsense')
  await assert.rejects(keys.claim(claimOf()), StoreAway)
  await connection.call('SET', 'test:write:orders:k1', 'of another type')
  await assert.rejects(keys.claim(claimOf()), StoreAway)
  assert.ok(connection.here, 'that does not speak against the server')
})
