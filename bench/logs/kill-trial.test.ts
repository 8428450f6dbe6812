import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { runKillTrial } from './kill-trial.ts'

test('killed at any moment while lines come and files are rotated: each line is in the store once', async (t) => {
  const { lost, repeated, lines } = await runKillTrial(join(tempDir(t), 'trial'), 1, 5)
  assert.deepEqual({ lost, repeated }, { lost: 0, repeated: 0 }, `of ${lines} lines`)
})
