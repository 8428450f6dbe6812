import { setTimeout as sleep } from 'node:timers/promises'
import { gateways, RolloutWorld, type GatewayName } from '../../e2e/rollout-world.ts'
import { spreadOf, type Spread } from '../statistics.ts'

/** How a share goes to nothing at three gateways. Milliseconds from when the abort is asked for. */
export interface WayBack {
  /** At gateways that reach the store: of every round and gateway. */
  readonly reachedMs: Spread
  /** At the one that does not, whose lease ends; `leaseMs` is what it was given. */
  readonly cutOffMs: Spread
  readonly leaseMs: number
  /** Of users, over the whole time: shares rose and fell, nothing else happened. */
  readonly requests: number
  readonly failed: number
}

const leaseMs = 10_000

/** `rounds` aborts with all three, `cuts` with one of them cut off. */
export async function measureWayBack(rounds: number, cuts: number): Promise<WayBack> {
  const cleanups: (() => unknown)[] = []
  try {
    const world = await RolloutWorld.start(
      { after: (end: () => unknown) => void cleanups.unshift(end) },
      { lease: `${leaseMs}ms`, steps: [{ basisPoints: 5_000, for: '1h', requests: 1_000_000 }] },
    )
    for (const name of gateways) world.used.add(name)
    world.load()
    const reached: number[] = []
    const cutOff: number[] = []
    for (let round = 0; round < rounds; round++) {
      await begin(world, round === 0)
      reached.push(...(await abort(world, gateways)))
    }
    for (let cut = 0; cut < cuts; cut++) {
      await begin(world, false)
      await world.cut('gw-3', 120_000)
      const [one, two, deaf] = await abort(world, gateways)
      reached.push(one!, two!)
      cutOff.push(deaf!)
      await world.cut('gw-3', 0)
      await world.until('it hears of it', async () => (await world.report('gw-3'))?.phase === 'aborted')
    }
    await world.rest()
    const seen = Object.values(world.seen)
    return {
      reachedMs: spreadOf(reached),
      cutOffMs: spreadOf(cutOff),
      leaseMs,
      requests: seen.reduce((sum, { answered, failed }) => sum + answered + failed, 0),
      failed: seen.reduce((sum, { failed }) => sum + failed, 0),
    }
  } finally {
    for (const end of cleanups) await end()
  }
}

async function begin(world: RolloutWorld, first: boolean): Promise<void> {
  await world.wished('gw-1', first ? 'start' : 'retry', 'running')
  await world.until('half of the users everywhere', async () =>
    (await Promise.all(gateways.map((name) => world.share(name)))).every((share) => share === 0.5),
  )
}

/** When each gave it nothing, in their order, as its own metrics said. */
async function abort(world: RolloutWorld, names: readonly GatewayName[]): Promise<number[]> {
  const start = performance.now()
  const asked = world.wish('gw-1', 'abort')
  const times = await Promise.all(
    names.map(async (name) => {
      while ((await world.share(name)) !== 0) await sleep(5)
      return performance.now() - start
    }),
  )
  await asked
  return times
}
