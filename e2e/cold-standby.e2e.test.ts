import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditRecord } from '@budao/model'
import { World } from './failover-world.ts'

test('a cold site is started when the other one is lost, gives the work back by itself, and is stopped again', async (t) => {
  const failover = {
    every: '0s',
    // Nobody waits for its end: the gateway of the site that is lost lives, and says that it has stopped.
    lease: '10m',
    failback: 'automatic',
    shadow: '500ms',
    rest: '1s',
    standby: { startTimeout: '30s', stopAfter: '1s' },
  }
  const world = await World.start(t, failover, true)
  const cold = ({ standbys }: { standbys: readonly { state: string }[] }): boolean =>
    standbys[0]?.state === 'cold'
  const begun = await world.until(
    'third',
    'east writes, and west is cold',
    (unit) => unit.owner === 'east' && unit.lease === 'held' && cold(unit),
  )
  await world.untilWritten('east', 'first')

  world.endBackend['east']!()
  const moved = await world.until(
    'third',
    'west was started and has it',
    ({ owner, lease, run }) => owner === 'west' && lease === 'held' && run?.outcome === 'done',
  )
  assert.deepEqual([moved.run!.by, moved.epoch], ['automatic', begun.epoch + 1])
  assert.equal(moved.run!.steps[0]!.step, 'starting')
  assert.deepEqual([moved.standbys[0]!.ordered, moved.standbys[0]!.state], [true, 'warm'])
  // Through its own gateway, which was cold too, and through the one of the site that has lost it.
  await world.untilWritten('west', 'second')
  await world.untilWritten('east', 'third')

  await world.backend('east')
  const home = await world.until(
    'third',
    'it has gone home by the policy',
    ({ owner, lease, run }) => owner === 'east' && lease === 'held' && run?.outcome === 'done',
  )
  assert.deepEqual([home.run!.kind, home.run!.by, home.epoch], ['failback', 'policy', begun.epoch + 2])
  await world.until('third', 'west is cold again', cold)
  await world.untilWritten('east', 'fourth')

  const answer = await fetch(
    `http://127.0.0.1:${world.ports['third']!.admin}/api/v1/failover/audit?subject=shop`,
  )
  const { records } = (await answer.json()) as { records: AuditRecord[] }
  const seen = records.map(
    ({ action, detail }) => `${action} ${(detail['step'] ?? detail['site'] ?? '') as string}`,
  )
  for (const expected of ['run.step starting', 'run.step granting', 'standby.stopping west'])
    assert.ok(seen.includes(expected), `${expected} is not among ${seen.join(', ')}`)
})
