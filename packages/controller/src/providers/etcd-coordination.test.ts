import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startEtcd, testCoordination } from '@budao/testkit'
import { openCoordination } from './open-coordination.ts'

testCoordination({
  name: 'etcd',
  open: async (t) => {
    const members = await startEtcd(t)
    if (members === undefined) return undefined
    const [member] = members
    const options = { endpoints: [member!.endpoint], timeoutMs: 2_000, resyncMs: 200 }
    const [one, other] = [
      await openCoordination({ type: 'etcd', ...options }),
      await openCoordination({ type: 'etcd', ...options }),
    ]
    t.after(() => {
      one.close()
      other.close()
    })
    return {
      one,
      other,
      takeAway: async () => {
        member!.process.child.kill('SIGKILL')
        await member!.process.exited()
        return async () => member!.restart()
      },
    }
  },
})

test('etcd: of three members one may die or stand still', { timeout: 60_000 }, async (t) => {
  const members = await startEtcd(t, 3)
  if (members === undefined) return
  const endpoints = members.map(({ endpoint }) => endpoint)
  const store = await openCoordination({ type: 'etcd', endpoints, timeoutMs: 3_000, resyncMs: 200 })
  t.after(() => store.close())
  const told: unknown[] = []
  const watch = store.watch('lease/', (_key, { value }) => told.push(value))
  t.after(() => watch.close())
  let { version } = (await store.compareAndSet('lease/shop', 0, 0)).current!
  for (const [signal, index] of [
    ['SIGSTOP', 0],
    ['SIGCONT', 0],
    ['SIGKILL', 1],
  ] as const) {
    members[index]!.process.child.kill(signal)
    const value = `after ${signal}`
    // A change whose fate is not known is looked up, as every user of the store does it.
    for (let attempt = 0; ; attempt++) {
      try {
        const { ok, current } = await store.compareAndSet('lease/shop', version, value)
        if (!ok) assert.equal(current!.value, value)
        version = current!.version
        break
      } catch (error) {
        assert.ok(attempt < 10, String(error))
      }
    }
    const end = performance.now() + 15_000
    while (told.at(-1) !== value) {
      assert.ok(performance.now() < end, `the watch did not tell ${value}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  assert.equal((await store.get('lease/shop'))!.version, version)
})
