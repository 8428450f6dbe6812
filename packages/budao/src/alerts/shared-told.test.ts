import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { tempDir } from '@budao/testkit'
import { openStore } from '../control/providers/coordination.ts'
import { StoredTold } from './shared-told.ts'

test('what one controller has told the others know, from the store of leases', async (t) => {
  const folder = tempDir(t)
  const open = async (): Promise<StoredTold> => {
    const store = await openStore({ type: 'sqlite', path: 'leases.db' }, folder)
    t.after(() => store.close())
    return new StoredTold(store, (message) => assert.fail(message))
  }
  const [one, other] = [await open(), await open()]
  t.after(() => [one.close(), other.close()])
  const record = (at: number) => ({ firing: [['id', at]] as const, resolved: [], at })
  for (let group = 0; group < 30; group++) one.publish(`ops ${group}`, record(group))
  await until('both know all', () => one.all().size === 30 && other.all().size === 30)
  other.publish('ops 3', record(99))
  await until('the newer word counts', () => one.all().get('ops 3')?.at === 99)
})

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 20 s: ${what}`)
    await pause(20)
  }
}
