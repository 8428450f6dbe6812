import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyNoCuts, whyNoNetwork } from '@budao/testkit'
import { describeTrial, drawPlan, runTrial } from '../bench/replication/trial.ts'
import { ReplicationWorld } from '../bench/replication/trial-world.ts'

// More of them: npm run trials -- replication
test(
  'two sites are killed, stopped, cut off and lost: sync loses nothing, async reports what it lost, both end equal',
  { timeout: 300_000 },
  async (t) => {
    const problem = (await whyNoNetwork()) ?? (await whyNoCuts())
    if (problem !== undefined) {
      t.skip(problem)
      return
    }
    const world = new ReplicationWorld(t)
    for (const [seed, durability] of [
      [105, 'sync'],
      [103, 'async'],
    ] as const) {
      const trial = await runTrial(world, drawPlan(seed, durability))
      assert.deepEqual(trial.findings.violations, [], `${describeTrial(trial)}\n${world.story(50)}`)
      assert.ok(trial.findings.acknowledged > 0, describeTrial(trial))
      await world.end()
    }
  },
)
