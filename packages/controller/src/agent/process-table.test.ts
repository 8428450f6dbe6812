import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startVariable } from '@budao/model'
import { startProcess } from '@budao/testkit'
import { beganAt, belonging, bootId, lookUp, residentBytes } from './process-table.ts'

const linux = process.platform === 'linux' ? false : 'only /proc shows an environment'

test('a process is known by its id and the moment it began, until it has ended', async (t) => {
  const sleeper = startProcess(t, 'sleep', ['1000.0625'])
  const known = lookUp(sleeper.pid)
  assert.equal(known?.pid, sleeper.pid)
  assert.deepEqual(lookUp(sleeper.pid), known)
  assert.notEqual(lookUp(process.pid)?.identity, '')
  assert.ok((residentBytes(process.pid) ?? 0) > 1_000_000)
  await sleeper.kill()
  assert.equal(lookUp(sleeper.pid), null)
  assert.notEqual(bootId(), '')
})

test('what began a moment ago began a moment ago', { skip: linux }, (t) => {
  const sleeper = startProcess(t, 'sleep', ['1000.0625'])
  const agoMs = performance.now() - beganAt(lookUp(sleeper.pid)!)!
  assert.ok(agoMs > -100 && agoMs < 60_000, `${agoMs} ms`)
})

test(
  'what a process has started is found by the name of its start, in another session too',
  { skip: linux },
  async (t) => {
    const start = `table-test-${process.pid}`
    const env = { ...process.env, [startVariable]: start }
    // The shell’s child leads a session of its own, and the shell ends.
    const shell = startProcess(t, 'sh', ['-c', 'setsid sleep 1000.03125 >/dev/null 2>&1 & echo started'], {
      env,
    })
    assert.equal(await shell.exited(), 0)
    const found = belonging(null, start)
    t.after(() => {
      for (const { pid } of found) process.kill(pid, 'SIGKILL')
    })
    assert.equal(found.length, 1)
    assert.notEqual(found[0]!.pid, shell.pid)
    assert.deepEqual(belonging(null, `${start}-other`), [])
  },
)
