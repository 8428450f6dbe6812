import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { SqliteCoordination } from '../providers/sqlite-coordination.ts'
import { ControlJournal } from './control-journal.ts'
import { TimedStore } from './timed-store.ts'

test('a file that another process holds is told once, with what to look for, and so is its return', async (t) => {
  const path = join(tempDir(t), 'coordination.db')
  const file = new SqliteCoordination({ path, busyMs: 50 })
  t.after(() => file.close())
  const said: string[] = []
  const journal = new ControlJournal('third', ({ kind, message }) => said.push(`${kind} ${message}`))
  let now = 0
  const store = new TimedStore(
    file,
    () => now,
    (problem) => journal.store('sqlite', problem),
  )
  assert.equal((await store.compareAndSet('a', 0, 1))?.ok, true)

  const holder = new DatabaseSync(path)
  holder.exec('BEGIN IMMEDIATE')
  for (; now < 1_500; now += 500) assert.equal(await store.compareAndSet('b', 0, 1), null)
  assert.deepEqual(said, [
    'store.away The coordination store does not answer (database is locked): another process holds the file, and may be stopped in the middle of a change.',
  ])
  holder.close()
  assert.equal((await store.compareAndSet('b', 0, 1))?.ok, true)
  assert.deepEqual(said.slice(1), ['store.back The coordination store answers again.'])
})
