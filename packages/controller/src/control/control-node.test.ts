import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { UnitReport } from '@budao/model'
import { SqliteCoordination } from '../providers/sqlite-coordination.ts'
import { startBackend, TestNodes, until } from './test-nodes.test.ts'

test('three nodes find each other, one leads, a site gets the lease; when its backend dies the other one has it', async (t) => {
  const [east, west] = [await startBackend(t), await startBackend(t)]
  const nodes = await TestNodes.make(t, { east: east.port, west: west.port })
  const third = await nodes.start('third')
  await nodes.start('east')
  await nodes.start('west')
  const unit = (name = 'shop'): UnitReport | undefined =>
    third.desk!.reports().find((report) => report.unit === name)
  await until('all links are up', () =>
    third.nodes().nodes.every(({ link }) => link === 'self' || link === 'up'),
  )
  const first = await until('a site has the lease', () => unit()?.lease === 'held' && unit())
  const [owner, other] = first.owner === 'east' ? [east, 'west'] : [west, 'east']
  await until('both are well', () => unit()!.verdicts.every(({ state }) => state === 'up'))

  // With a full disk it is not moved by itself, and that is said; with room again it is.
  nodes.full = true
  owner.end()
  await until('it is said', () =>
    nodes.events.find(({ kind, message }) => kind === 'failover.refused' && /audit log/.test(message)),
  )
  assert.equal(unit()!.epoch, first.epoch)
  assert.match(third.metrics(), /budao_failover_audit_writable 0/)
  nodes.full = false
  await until('the other site has it', () => unit()!.lease === 'held' && unit()!.owner === other)
  assert.equal(unit()!.epoch, first.epoch! + 1)
  const run = await until('the move is done', () => unit()!.run?.outcome === 'done' && unit()!.run)

  // Every step stands in the log of who led, after what led to it.
  let actions: readonly string[] = []
  await until('it is recorded', () => {
    void third.desk!.audit({ subject: 'shop' }).then((records) => {
      actions = records.map(({ action }) => action)
    })
    return actions.includes('run.finished')
  })
  assert.ok(actions.indexOf('verdict') < actions.indexOf('run.started'))
  assert.equal(actions.filter((action) => action === 'run.finished').length, 1)
  assert.equal((await third.desk!.verifyAudit()).ok, true)
  assert.equal(run.by, 'automatic')

  // A service more: it is placed, and nothing else changes by that.
  const { term } = unit()!
  const [{ port }] = [other === 'west' ? west : east]
  await nodes.reload(
    `  pay: { mode: active-standby, failover: {}, endpoints: [{ address: "127.0.0.1:${port}", site: ${other} }] }\n`,
  )
  await until('the new unit is placed', () => unit('pay')?.lease === 'held')
  assert.deepEqual([unit()!.epoch, unit()!.term], [first.epoch! + 1, term])
})

test('a service that all sites write follows the verdicts; its placements are numbered on by the next leader', async (t) => {
  const [east, west] = [await startBackend(t), await startBackend(t)]
  const ports = { east: east.port, west: west.port }
  const nodes = await TestNodes.make(t, ports, 'mode: active-active, failover: {}')
  await nodes.start('third')
  await nodes.start('east')
  await nodes.start('west')
  const placed = (readers: string) => () => {
    const placement = nodes.placements.get('west shop')
    return placement?.readers.join(' ') === readers && placement
  }
  const before = await until('both serve', placed('east west'))
  // Who leads leaves: the next one goes on.
  await nodes.nodes.get('third')!.close()
  nodes.nodes.delete('third')
  east.end()
  const after = await until('west serves alone', placed('west'))
  assert.ok(after.epoch > before.epoch)
  assert.equal(after.owner, null)
})

test('a canary that is left at a site does not keep it in use, until it has all users', async (t) => {
  const [east, canary, west] = [await startBackend(t), await startBackend(t), await startBackend(t)]
  const nodes = await TestNodes.make(t, { east: canary.port, west: west.port })
  const at = (port: number, site: string, release: string): object => ({
    address: `127.0.0.1:${port}`,
    site,
    release,
  })
  const feed = {
    ...{ mode: 'active-active', failover: {}, detection: { stable: '500ms' }, healthCheck: { type: 'http' } },
    endpoints: [
      at(east.port, 'east', 'stable'),
      at(canary.port, 'east', 'canary'),
      at(west.port, 'west', 'stable'),
    ],
  }
  nodes.more = `  feed: ${JSON.stringify(feed)}
listeners: [{ name: web, address: "127.0.0.1:0", protocol: http }]
routes: [{ name: feed, backends: [{ service: feed }], split: { by: [ip] } }]
rollouts: { next: { route: feed, release: canary } }
`
  for (const name of ['third', 'east', 'west']) await nodes.start(name)
  const placed = (readers: string) => () => nodes.placements.get('west feed')?.readers.join(' ') === readers
  await until('both serve', placed('east west'))
  east.end()
  await until('west serves alone', placed('west'))
  // As whoever looks after it stores it.
  const store = new SqliteCoordination({ path: join(nodes.folder, 'c.db') })
  t.after(() => store.close())
  assert.ok((await store.compareAndSet('rollout/next', 0, { basisPoints: 10_000 })).ok)
  await until('east serves by the canary', placed('east west'))
})
