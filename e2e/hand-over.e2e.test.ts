import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, areWell } from './failover-world.ts'

test('a gateway that is told to end hands over what it holds: nobody waits for the end of its lease, and nothing acknowledged is lost', async (t) => {
  // Nobody waits for that in this test.
  const world = await World.start(t, { every: '0s', lease: '10m' })
  const begun = await world.until('third', 'a site has the lease', ({ lease }) => lease === 'held')
  const [one, two] = begun.owner === 'east' ? ['east', 'west'] : ['west', 'east']
  await world.until('third', 'both sites are well', areWell)
  await world.untilWritten(two, 'first')

  // Writes go on through both gateways while the one that holds the lease ends.
  const acknowledged: string[] = []
  const writers = new AbortController()
  t.after(() => writers.abort())
  const writing = [one, two].map(async (site) => {
    for (let n = 0; !writers.signal.aborted; n++) {
      const body = `${site} ${n}`
      if ((await world.write(site, body)) === 200) acknowledged.push(body)
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  world.processes[one]!.child.kill('SIGTERM')
  const moved = await world.until(
    'third',
    `${two} has the next epoch`,
    ({ owner, lease, run }) => owner === two && lease === 'held' && run?.outcome === 'done',
  )
  assert.deepEqual([moved.epoch, moved.run!.kind, moved.run!.by], [begun.epoch + 1, 'switchover', one])
  assert.equal(await world.processes[one]!.exited(), 0)
  await world.untilWritten(two, 'second')
  writers.abort()
  await Promise.all(writing)
  assert.match(world.processes[one]!.output, /handed over/)
  const bodies = world.seen.map(({ body }) => body)
  assert.deepEqual(
    acknowledged.filter((body) => !bodies.includes(body)),
    [],
  )
  const epochs = world.seen.map(({ epoch }) => epoch)
  assert.deepEqual(
    epochs,
    epochs.toSorted((a, b) => a - b),
  )

  // Nobody is left who could take it: it is let go of, which is said, and who comes back goes on with the same epoch at once.
  await world.until('third', `${one} is known to be gone`, ({ verdicts }) =>
    verdicts.some(({ site, state }) => site === one && state === 'down'),
  )
  world.processes[two]!.child.kill('SIGTERM')
  assert.equal(await world.processes[two]!.exited(), 0)
  assert.match(
    world.processes[two]!.output,
    /was not handed over \(no other site can take it: (east|west) not-up\)/,
  )
  world.run(two)
  await world.untilWritten(two, 'third')
  assert.equal(world.seen.at(-1)!.epoch, begun.epoch + 1)
})
