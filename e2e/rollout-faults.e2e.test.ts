import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RolloutReport } from '@budao/model'
import { type GatewayName, gateways, RolloutWorld } from '../bench/rollout/rollout-world.ts'

// How long it takes: npm run bench -- rollback
test(
  'three gateways over etcd: whoever looks after a rollout is killed at each step, one is cut off; nobody decides twice, no user sees anything',
  { timeout: 240_000 },
  async (t) => {
    const steps = [
      { basisPoints: 1_000, for: '1s', requests: 20, pause: true },
      { basisPoints: 5_000, for: '1h', requests: 20 },
    ]
    const world = await RolloutWorld.start(t, { steps, lease: '4s' })
    if (world === undefined) return
    for (const name of gateways) world.load(name, 40)
    const holderOf = ({ holder }: RolloutReport): GatewayName =>
      gateways.find((name) => holder?.startsWith(`${name}#`) === true)!
    /** Kills who looks after it, and returns who does then. */
    const succeed = async (): Promise<GatewayName> => {
      const before = await world.until('gw-2', 'somebody looks after it', ({ holder }) => holder !== null)
      const dead = holderOf(before)
      const witness = gateways.find((name) => name !== dead)!
      await world.restart(dead)
      const after = await world.until(
        witness,
        `another one than ${dead} looks after it`,
        ({ holder }) => holder !== null && holder !== before.holder,
      )
      assert.equal(after.step, before.step)
      assert.equal(after.basisPoints, before.basisPoints)
      return holderOf(after)
    }

    assert.equal(await world.wish('gw-1', 'start'), 200)
    for (const name of gateways) await world.untilShare(name, 0.1)
    let holder = await succeed()
    await world.until(holder, 'the first step waits for a person', ({ phase }) => phase === 'paused')
    holder = await succeed()
    // Time passes, and nothing is promoted by silence.
    assert.equal((await world.report(holder))!.phase, 'paused')
    assert.equal(await world.wish(holder, 'resume'), 200)
    for (const name of gateways) await world.untilShare(name, 0.5)

    // It turns bad in the moment in which whoever would see it dies: the next one sends it back.
    world.canaryStatus = 503
    await world.restart(holder)
    for (const name of gateways) {
      await world.until(name, 'it is sent back', ({ phase }) => phase === 'aborted')
      await world.untilShare(name, 0)
    }
    const asked = world.canary.length
    assert.equal(await world.wish('gw-2', 'start'), 409)
    await world.restart('gw-1')
    assert.equal((await world.until('gw-1', 'it knows', ({ phase }) => phase !== null)).phase, 'aborted')
    assert.equal(world.canary.length, asked)

    // A better one, and a gateway that is cut off from all others: it gives the release nothing once nobody answers for it.
    world.canaryStatus = 200
    assert.equal(await world.wish('gw-1', 'retry'), 200)
    for (const name of gateways) await world.untilShare(name, 0.1)
    world.store.set({ kind: 'blackhole' })
    assert.equal(await world.wish('gw-1', 'abort'), 200)
    assert.equal(await world.share('gw-1'), 0)
    for (const name of gateways) await world.untilShare(name, 0)
    assert.equal((await world.report('gw-3'))!.phase, 'running')
    world.store.set({ kind: 'none' })
    await world.until('gw-3', 'it hears of it', ({ phase }) => phase === 'aborted')

    assert.deepEqual(world.failed, [])
    // Each decision was one gateway’s, and who decides later does so in a later epoch.
    const events = world.events().filter(({ kind }) => kind !== 'rollout.held')
    const generations = events.map(({ generation }) => generation)
    assert.deepEqual(generations, [...new Set(generations)], JSON.stringify(events))
    const epochs = events.map(({ epoch }) => epoch)
    assert.deepEqual(
      epochs,
      epochs.toSorted((a, b) => a - b),
      JSON.stringify(events),
    )
    const users = new Set(world.canary.map(({ user }) => user))
    assert.ok(users.size > 20 && users.size <= 600, `${users.size} of 1000 users saw the release`)
  },
)
