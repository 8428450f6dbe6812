import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { runKillTrial, sinkBatch } from './kill-trial.ts'

test('killed at any moment while lines come and files are rotated: each line is in the store once, and at a sink at most a batch twice', async (t) => {
  const trial = await runKillTrial(join(tempDir(t), 'trial'), 1, 5)
  const { lost, repeated, notFound, sinkLost, lines } = trial
  assert.deepEqual(
    { lost, repeated, notFound, sinkLost },
    { lost: 0, repeated: 0, notFound: 0, sinkLost: 0 },
    `of ${lines} lines`,
  )
  assert.ok(trial.sinkRepeatedMost <= sinkBatch, JSON.stringify(trial))
})
