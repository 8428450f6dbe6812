import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AuditRecord, RunKind, RunStep, UnitReport } from '@budao/model'
import { memoryFolder, whyNoNetwork } from '@budao/testkit'
import { startBackend, TestNodes, until } from './test-nodes.test.ts'

const phases: readonly [step: RunStep, kind: RunKind][] = [
  ['fencing', 'failover'],
  ['waiting', 'failover'],
  ['granting', 'failover'],
  ['claiming', 'failover'],
  ['publishing', 'failover'],
  ['draining', 'switchover'],
]

/** Until nothing more fits. */
function fill(file: string): void {
  for (const size of [1 << 16, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // Full, for pieces of that size.
    }
  }
}

test('a disk that becomes full between any two steps of a move: it ends well, in one epoch at a time, and is recorded once there is room', async (t) => {
  const [east, west] = [await startBackend(t), await startBackend(t)]
  const disk = await smallDisk(t)
  const service =
    'mode: active-standby, failover: { lease: 1s, guard: 100ms, every: 0s }, detection: { stable: 500ms }'
  const nodes = await TestNodes.make(t, { east: east.port, west: west.port }, service, disk)
  const third = await nodes.start('third')
  await nodes.start('east')
  await nodes.start('west')
  const unit = (): UnitReport => third.desk!.reports()[0]!
  const well = (): boolean =>
    unit().leads && unit().lease === 'held' && unit().verdicts.every(({ state }) => state === 'up')
  const writers = (): string[] =>
    [...nodes.held].flatMap(([node, held]) =>
      held.epoch > 0 && held.mayWrite(held.epoch, performance.now()) === 'accept' ? [node] : [],
    )

  for (const [step, kind] of phases) {
    await until(`${kind} may begin`, well)
    const { epoch, owner } = unit()
    const to = owner === 'east' ? 'west' : 'east'
    // In the very moment in which the step is on the disk: nothing after it is.
    nodes.recorded = (text) => {
      if (!text.includes(`"step":"${step}"`)) return
      nodes.full = true
      if (disk !== undefined) fill(join(disk, 'filler'))
      nodes.recorded = () => undefined
    }
    const wish = { unit: 'shop', kind, to, by: 'ann', reason: `full at ${step}`, force: true }
    assert.equal((await third.desk!.move(wish)).ok, true)
    await until(`it is said, at ${step}`, () => {
      assert.ok(writers().length <= 1, `${step}: ${writers().join(', ')} accept writes`)
      return nodes.full && nodes.events.some(({ kind: what }) => what === 'audit.away')
    })
    assert.match(third.metrics(), /budao_failover_audit_writable 0/)
    nodes.full = false
    if (disk !== undefined) rmSync(join(disk, 'filler'))
    const { run } = await until(`the move has ended, full at ${step}`, () => {
      assert.ok(writers().length <= 1, `${step}: ${writers().join(', ')} accept writes`)
      return well() && unit().run?.outcome !== null && unit().epoch! > epoch! && unit()
    })
    // What waited stands in the log: every step of it, and its end once.
    const finished = (records: readonly AuditRecord[]): number =>
      records.filter(({ action, detail }) => action === 'run.finished' && detail['run'] === run!.id).length
    let ends = 0
    await until(`its end is recorded, full at ${step}`, () => {
      void third.desk!.audit({ subject: 'shop', limit: 1_000 }).then((records) => (ends = finished(records)))
      return ends > 0 && nodes.events.some(({ kind: what }) => what === 'audit.back')
    })
    assert.equal(ends, 1)
    assert.equal(run!.steps.filter((each) => each.step === step).length, 1, 'the journal has its steps')
    nodes.events.length = 0
  }
  assert.equal((await third.desk!.verifyAudit()).ok, true)
})

/** Leases on a disk of their own that is really full; without the rights for one only the audit log finds it so. */
async function smallDisk(t: TestContext): Promise<string | undefined> {
  const why = await whyNoNetwork()
  if (why === undefined) return memoryFolder(t, '16m')
  t.diagnostic(`leases are on a disk with room: ${why}`)
  return undefined
}
