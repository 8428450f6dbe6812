import { Judgement, quantile, type Scenario } from './scenario.ts'
import { World } from './world.ts'

interface Part {
  readonly ms: readonly number[]
  readonly bareMs: readonly number[]
  readonly failed: number
  readonly extraRequests: number
  readonly syncStorageCalls: number
}

const PHONES = 10
const CALLS = 50

/** A network that loses nothing: the SDK must not be noticed. */
export const good: Scenario<Part> = {
  about: 'a good network: no time, no request and no synchronous storage call more than bare wx.request',
  runs: 10,
  async live(seed, program) {
    const lived = async (bare: boolean): Promise<Part & { all: number[] }> => {
      const world = new World(seed, program)
      const all: number[] = []
      let failed = 0
      let requests = 0
      let sync = 0
      const life = async (): Promise<void> => {
        const handset = world.handset()
        if (!bare) world.begin(handset, { cache: {} })
        for (let n = 0; n < CALLS; n++) {
          await world.sleep(world.pause(1_000))
          const { app } = handset
          const path = `/items/${n}`
          const told = await world.timed(bare ? app.bare(`https://a.example${path}`) : app.get(path))
          all.push(told.ms)
          if (!told.ok) failed++
        }
        requests += handset.phone.requests
        sync += handset.phone.storage.syncCalls
      }
      await world.all(Array.from({ length: PHONES }, life))
      return {
        all,
        ms: all,
        bareMs: [],
        failed,
        extraRequests: requests - PHONES * CALLS,
        syncStorageCalls: sync,
      }
    }
    const { all: bareMs } = await lived(true)
    const { all: _, ...ours } = await lived(false)
    return { ...ours, bareMs }
  },
  judge(parts) {
    const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0)
    const p50 = quantile(
      parts.flatMap((part) => part.ms),
      0.5,
    )
    const bare = quantile(
      parts.flatMap((part) => part.bareMs),
      0.5,
    )
    const judgement = new Judgement()
    judgement.holds(
      sum((part) => part.failed) === 0,
      `${sum((part) => part.failed)} failed of ${sum((part) => part.ms.length)} calls`,
    )
    judgement.holds(p50 - bare < 1, `p50 ${p50.toFixed(2)} ms, bare wx.request ${bare.toFixed(2)} ms`)
    judgement.holds(
      sum((part) => part.extraRequests) === 0,
      `${sum((part) => part.extraRequests)} requests more than calls`,
    )
    judgement.holds(
      sum((part) => part.syncStorageCalls) === 0,
      `${sum((part) => part.syncStorageCalls)} synchronous storage calls`,
    )
    return judgement
  },
}
