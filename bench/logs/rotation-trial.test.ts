import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { runRotationTrial } from './rotation-trial.ts'

const plan = { everyMs: 50, linesPerSecond: 20_000, seconds: 1, keep: 20, seed: 1 }

test('rotated every 50 ms while it is written to: nothing is lost, nothing twice; by copy and truncation nothing that a copy has', async (t) => {
  const folder = tempDir(t)
  const methods = ['rename', 'copytruncate'] as const
  const trials = await Promise.all(
    methods.map((method) => runRotationTrial(join(folder, method), { ...plan, method }, 700)),
  )
  for (const trial of trials) {
    t.diagnostic(JSON.stringify(trial))
    assert.deepEqual([trial.lost, trial.repeated], [0, 0])
    assert.ok(trial.rotations > 3, 'it was rotated')
  }
})
