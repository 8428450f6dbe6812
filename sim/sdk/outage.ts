import { Judgement, type Scenario } from './scenario.ts'
import { World, type Handset } from './world.ts'

interface Part {
  readonly how: string
  readonly calls: number
  readonly attempts: number
  readonly mean: number
  readonly peak: number
  readonly firstSecond: number
  readonly answeredAfter: number
  readonly callsAfter: number
}

const BETWEEN_CALLS_MS = 4_000
const OUTAGE_AT = 60_000
const WARM_AT = 120_000
const RECOVERY_AT = 240_000
const END_AT = 300_000
const hows = ['silent', 'refused', 'failing'] as const

/** Both sites are gone for three minutes, then both are back at once. */
export const outage: Scenario<Part> = outageFor(1_000)

export function outageFor(phones: number): Scenario<Part> {
  return {
    about: `${phones} phones, all sites out for 3 min: at most 1.1 attempts a call, and no spike when they are back`,
    runs: hows.length,
    async live(seed, program) {
      const how = hows[seed % hows.length]!
      const world = new World(seed, program)
      const { time } = world
      let calls = 0
      let callsAfter = 0
      let answeredAfter = 0
      const handsets: Handset[] = []
      const sent = (): number => handsets.reduce((sum, { phone }) => sum + phone.requests, 0)
      const life = async (): Promise<void> => {
        const handset = world.handset()
        handsets.push(handset)
        world.begin(handset)
        const waiting: Promise<void>[] = []
        // People ask again at their own pace, whatever became of the call before.
        for (let at = world.pause(BETWEEN_CALLS_MS); at < END_AT; at += world.pause(BETWEEN_CALLS_MS)) {
          await world.sleep(at - time.now())
          if (at >= WARM_AT && at < RECOVERY_AT) calls++
          const isAfter = at >= RECOVERY_AT + 15_000
          if (isAfter) callsAfter++
          const told = world.timed(handset.app.get(`/items/${Math.round(at)}`)).then(({ ok }) => {
            if (ok && isAfter) answeredAfter++
          })
          waiting.push(told)
        }
        await Promise.all(waiting)
      }
      let atWarm = 0
      let atRecovery = 0
      time.after(OUTAGE_AT, () => world.both(how))
      time.after(WARM_AT, () => (atWarm = sent()))
      time.after(RECOVERY_AT, () => {
        atRecovery = sent()
        world.both('up')
      })
      await world.all(Array.from({ length: phones }, life))
      const arrivals = [...world.primary.arrivals, ...world.backup.arrivals]
      const between = (from: number, until: number): number =>
        arrivals.filter((at) => at >= from && at < until).length
      // The first ten seconds belong to the start of a thousand phones.
      const mean = between(10_000, OUTAGE_AT) / ((OUTAGE_AT - 10_000) / 1_000)
      const seconds = Array.from({ length: 30 }, (_, second) =>
        between(RECOVERY_AT + second * 1_000, RECOVERY_AT + (second + 1) * 1_000),
      )
      return {
        how,
        calls,
        attempts: atRecovery - atWarm,
        mean,
        firstSecond: seconds[0]!,
        peak: Math.max(...seconds),
        callsAfter,
        answeredAfter,
      }
    },
    judge(parts) {
      const judgement = new Judgement()
      for (const part of parts) {
        const { how, calls, attempts, mean, firstSecond, peak } = part
        const each = attempts / calls
        judgement.holds(
          each <= 1.1,
          `${how}: ${each.toFixed(2)} attempts a call in the outage (${calls} calls)`,
        )
        judgement.holds(
          firstSecond <= 2 * mean,
          `${how}: ${firstSecond} requests in the first second after, ${(firstSecond / mean).toFixed(2)} × the mean of ${Math.round(mean)}`,
        )
        judgement.holds(
          peak <= 2 * mean,
          `${how}: at most ${(peak / mean).toFixed(2)} × the mean in any second of 30 after`,
        )
        judgement.holds(
          part.answeredAfter >= part.callsAfter * 0.99,
          `${how}: ${part.answeredAfter} of ${part.callsAfter} calls answered from 15 s after on`,
        )
      }
      return judgement
    },
  }
}
