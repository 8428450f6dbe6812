import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBackend, TestNodes, until } from './test-nodes.test.ts'

test('three nodes find each other, one leads, a site gets the lease; when its backend dies another one has it', async (t) => {
  const [east, west] = [await startBackend(t), await startBackend(t)]
  const nodes = await TestNodes.make(t, { east: east.port, west: west.port })
  const third = await nodes.start('third')
  await nodes.start('east')
  await nodes.start('west')
  const unit = () => third.desk!.reports()[0]!
  await until('all links are up', () =>
    third.nodes().nodes.every(({ link }) => link === 'self' || link === 'up'),
  )
  await until('east holds epoch 1', () => unit().lease === 'held' && unit().owner === 'east')
  assert.equal(unit().epoch, 1)
  east.end()
  await until('west holds epoch 2', () => unit().lease === 'held' && unit().epoch === 2)
  assert.equal(unit().owner, 'west')
  await until('the move is done', () => unit().run?.outcome === 'done')
})
