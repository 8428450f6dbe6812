import { Judgement, percent, quantile, type Scenario } from './scenario.ts'
import { World } from './world.ts'

interface Part {
  readonly ms: readonly number[]
  readonly answered: number
  readonly requests: number
  readonly flaps: number
}

const PHONES = 20
const CALLS = 50

/** Only 64 % of attempts get through, to whichever site: the figure that the platform publishes for a network with heavy loss. */
export const weak: Scenario<Part> = {
  about: 'a network on which 64 % of attempts succeed: 97 % of GETs within 15 s',
  runs: 20,
  async live(seed, program) {
    const world = new World(seed, program)
    const part = { ms: [] as number[], answered: 0, requests: 0, flaps: 0 }
    const life = async (): Promise<void> => {
      const handset = world.handset({ success: 0.64, rttMs: [100, 400] })
      world.begin(handset)
      for (let n = 0; n < CALLS; n++) {
        await world.sleep(world.pause(3_000))
        const before = handset.app.channel
        const told = await world.timed(handset.app.get(`/items/${n}`))
        part.ms.push(told.ms)
        if (told.ok) part.answered++
        if (handset.app.channel !== before) part.flaps++
      }
      part.requests += handset.phone.requests
    }
    await world.all(Array.from({ length: PHONES }, life))
    return part
  },
  judge(parts) {
    const ms = parts.flatMap((part) => part.ms)
    const answered = parts.reduce((sum, part) => sum + part.answered, 0)
    const requests = parts.reduce((sum, part) => sum + part.requests, 0)
    const flaps = parts.reduce((sum, part) => sum + part.flaps, 0)
    const judgement = new Judgement()
    judgement.holds(
      answered >= ms.length * 0.97,
      `${percent(answered, ms.length)} of ${ms.length} GETs answered`,
    )
    const p99 = quantile(ms, 0.99)
    judgement.holds(p99 < 15_001, `p50 ${Math.round(quantile(ms, 0.5))} ms, p99 ${Math.round(p99)} ms`)
    judgement.holds(Math.max(...ms) < 15_001, `longest ${Math.round(Math.max(...ms))} ms of 15000`)
    judgement.figures.push(
      `${(requests / ms.length).toFixed(2)} requests a call, ${flaps} changes of channel`,
    )
    return judgement
  },
}
