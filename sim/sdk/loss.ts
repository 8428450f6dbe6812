import { Judgement, percent, quantile, type Scenario } from './scenario.ts'
import { World } from './world.ts'

interface Part {
  readonly calls: number
  readonly answered: number
  readonly flaps: number
  readonly atBackup: number
  readonly ms: readonly number[]
}

const PHONES = 20
const CALLS = 100

/** Every tenth attempt is lost, and every tenth packet besides: nothing that should drive anybody to another site. */
export const loss: Scenario<Part> = {
  about: '10 % of attempts and 10 % of packets are lost: no change of channel',
  runs: 20,
  async live(seed, program) {
    const world = new World(seed, program)
    const part = { calls: 0, answered: 0, flaps: 0, atBackup: 0, ms: [] as number[] }
    const life = async (phone: number): Promise<void> => {
      // Half of the phones lose attempts, half packets.
      const handset = world.handset(phone % 2 === 0 ? { success: 0.9 } : { packetLoss: 0.1 })
      world.begin(handset)
      for (let n = 0; n < CALLS; n++) {
        await world.sleep(world.pause(2_000))
        const before = handset.app.channel
        const told = await world.timed(handset.app.get(`/items/${n}`))
        part.calls++
        part.ms.push(told.ms)
        if (told.ok) part.answered++
        if (told.channel === 'b.example') part.atBackup++
        if (handset.app.channel !== before) part.flaps++
      }
    }
    await world.all(Array.from({ length: PHONES }, (_, phone) => life(phone)))
    return part
  },
  judge(parts) {
    const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0)
    const calls = sum((part) => part.calls)
    const answered = sum((part) => part.answered)
    const flaps = sum((part) => part.flaps)
    const judgement = new Judgement()
    judgement.holds(flaps === 0, `${flaps} changes of channel in ${calls} calls`)
    judgement.holds(answered >= calls * 0.99, `${percent(answered, calls)} answered`)
    const ms = parts.flatMap((part) => part.ms)
    judgement.figures.push(
      `p50 ${Math.round(quantile(ms, 0.5))} ms, p99 ${Math.round(quantile(ms, 0.99))} ms, ` +
        `${percent(
          sum((part) => part.atBackup),
          calls,
        )} answered by the backup`,
    )
    return judgement
  },
}
