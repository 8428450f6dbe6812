import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openCoordination } from '@budao/controller'
import { StoredAlerts } from '@budao/observability'
import { startEtcd } from '@budao/testkit'

test('in an etcd: one of two controllers tells, the other goes on with what was told when it leaves, also after a restart of the store', async (t) => {
  const members = await startEtcd(t)
  if (members === undefined) return
  const [member] = members
  const controller = async (node: string): Promise<StoredAlerts> => {
    const store = await openCoordination({
      type: 'etcd',
      endpoints: [member!.endpoint],
      timeoutMs: 2_000,
      resyncMs: 200,
    })
    const shared = new StoredAlerts({
      store,
      node,
      now: () => performance.now(),
      wallNow: Date.now,
      warn: (message) => t.diagnostic(message),
    })
    t.after(async () => {
      await shared.close()
      store.close()
    })
    return shared
  }
  const a = await controller('a')
  await until('a tells', () => a.notifies() === true)
  const b = await controller('b')
  await until('b leaves it to a', () => b.notifies() === false && b.notifier === 'a')
  a.publish('ops errors', { firing: [['f1', 1]], resolved: [], at: Date.now(), since: 1, escalated: false })
  await until('b knows what was told', () => b.told().get('ops errors')?.firing[0]?.[0] === 'f1')

  member!.process.child.kill('SIGKILL')
  await member!.process.exited()
  await member!.restart()
  await a.close()
  await until('b tells', () => b.notifies() === true)
  assert.equal(b.notifier, 'b')
  assert.deepEqual(b.told().get('ops errors')?.firing, [['f1', 1]])
})

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 60 s: ${what}`)
    await pause(20)
  }
}
