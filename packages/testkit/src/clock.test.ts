import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from './clock.ts'

test('sleepers wake in order of their deadlines, and may sleep again within the span', async (t) => {
  const clock = new TestClock(t)
  const seen: string[] = []
  const beat = async (name: string, everyMs: number, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await clock.sleep(everyMs)
      seen.push(`${name}@${clock.now()}`)
    }
  }
  const beats = Promise.all([beat('slow', 50, 2), beat('fast', 20, 4)])
  await clock.advance(100)
  await beats
  assert.deepEqual(seen, ['fast@20', 'fast@40', 'slow@50', 'fast@60', 'fast@80', 'slow@100'])
  assert.equal(clock.now(), 100)
})

test('an aborted sleep rejects with the reason, before and during the wait, and leaves nobody behind', async (t) => {
  const clock = new TestClock(t)
  const stop = new AbortController()
  const waiting = assert.rejects(clock.sleep(10, stop.signal), /stopped/)
  stop.abort(new Error('stopped'))
  await waiting
  await assert.rejects(clock.sleep(10, stop.signal), /stopped/)
  assert.equal(clock.sleeping, 0)
})

test('a sleeper that nothing woke is reported with its deadline', async () => {
  const clock = new TestClock()
  const left = clock.sleep(10)
  assert.throws(() => clock.assertNobodySleeps(), /1 sleeper\(s\) left at 0 ms, waiting for 10/)
  await clock.advance(10)
  await left
  clock.assertNobodySleeps()
})
