import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { patienceMs, World, areWell } from './failover-world.ts'

test('what three processes do when the owner is killed, stopped and continued, and when the leader dies in a move', async (t) => {
  const world = await World.start(t)
  // Whichever site was there first.
  const begun = await world.until('third', 'a site has the lease', ({ lease }) => lease === 'held')
  const [one, two] = begun.owner === 'east' ? ['east', 'west'] : ['west', 'east']
  const { epoch: first } = begun
  await world.until('third', 'both sites are well', areWell)
  await world.untilWritten(two, 'first')
  assert.deepEqual(world.seen.at(-1), { site: one, epoch: first, body: 'first' })

  // The site that writes loses its gateway by SIGKILL: the other one writes, in the next epoch.
  await world.processes[one]!.kill()
  await world.untilWritten(two, 'second')
  assert.deepEqual(world.seen.at(-1), { site: two, epoch: first + 1, body: 'second' })

  // It comes back, and lets writes through to the new owner.
  world.run(one)
  await world.untilWritten(one, 'third')
  assert.deepEqual(world.seen.at(-1), { site: two, epoch: first + 1, body: 'third' })

  // The owner is stopped: the other site writes. Continued, it lets in no write of its old epoch: not one that waited at it.
  await world.until('third', `${one} is well again`, areWell)
  const { pid } = world.processes[two]!
  process.kill(pid, 'SIGSTOP')
  const late = world.write(two, 'late', patienceMs)
  await world.untilWritten(one, 'fourth')
  assert.deepEqual(world.seen.at(-1), { site: one, epoch: first + 2, body: 'fourth' })
  process.kill(pid, 'SIGCONT')
  await late
  await world.untilWritten(two, 'fifth')
  assert.deepEqual(world.seen.at(-1), { site: one, epoch: first + 2, body: 'fifth' })

  // The leader dies in the middle of a planned move: another one ends it, once.
  await world.until('third', `${two} is well again`, areWell)
  const asked = world.move('third', two).catch(() => 0)
  await world.processes['third']!.waitForOutput(/"failover.started".*"switchover"/, patienceMs)
  await world.processes['third']!.kill()
  await asked
  const { run, epoch, owner } = await world.until(
    one,
    'the move has ended',
    (unit) => unit.run?.kind === 'switchover' && unit.run.outcome !== null && unit.lease === 'held',
  )
  assert.equal(run!.id, `shop@${first + 2}`)
  assert.equal(epoch, first + 3)
  assert.equal(owner, run!.outcome === 'done' ? two : one)
  await world.untilWritten(one, 'sixth')
  assert.deepEqual(world.seen.at(-1), { site: owner, epoch: first + 3, body: 'sixth' })

  // What every backend saw, in the order of all: no epoch after a later one.
  const epochs = world.seen.map((write) => write.epoch)
  assert.deepEqual(
    epochs,
    epochs.toSorted((a, b) => a - b),
  )
})
