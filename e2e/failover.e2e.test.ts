import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { patienceMs, World, areWell, type UnitView } from './failover-world.ts'

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
  const before = await leadsAgain(world, one, two)
  const from = before.owner
  const to = from === one ? two : one
  const asked = world.move('third', to).catch(() => 0)
  await world.processes['third']!.waitForOutput(/"failover.started".*"switchover"/, patienceMs)
  await world.processes['third']!.kill()
  await asked
  const { run, epoch, owner } = await world.until(
    one,
    'the move has ended',
    (unit) => unit.run?.kind === 'switchover' && unit.run.outcome !== null && unit.lease === 'held',
  )
  assert.equal(run!.id, `shop@${before.epoch}`)
  assert.equal(epoch, before.epoch + 1)
  assert.equal(owner, run!.outcome === 'done' ? to : from)
  await world.untilWritten(one, 'sixth')
  assert.deepEqual(world.seen.at(-1), { site: owner, epoch, body: 'sixth' })

  // What every backend saw, in the order of all: no epoch after a later one.
  const epochs = world.seen.map((write) => write.epoch)
  assert.deepEqual(
    epochs,
    epochs.toSorted((a, b) => a - b),
  )
})

/**
 * The witness leads, and both sites are well. A process that was stopped while it had the lock of the store kept everybody from renewing:
 * a gateway may have the lead since then, and gives it up by ending.
 */
async function leadsAgain(world: World, ...gateways: readonly string[]): Promise<UnitView> {
  const deadline = performance.now() + 2 * patienceMs
  while (performance.now() < deadline) {
    const unit = await world.until('third', 'both sites are well again', areWell)
    if (unit.leads) return unit
    for (const gateway of gateways) {
      const { leads } = await world.until(gateway, 'it answers', () => true)
      if (!leads) continue
      await world.processes[gateway]!.kill()
      await world.until('third', `${gateway} is found dead`, (seen) => !areWell(seen))
      world.run(gateway)
    }
    await pause(20)
  }
  throw new Error('never: the witness leads again')
}
