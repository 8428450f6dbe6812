import { Judgement, quantile, type Scenario } from './scenario.ts'
import { World } from './world.ts'

interface Part {
  readonly how: string
  readonly firstMs: number
  readonly firstOk: boolean
  readonly nextMs: readonly number[]
  readonly nextElsewhere: number
  readonly nextRetried: number
  readonly healthyMs: number
  readonly back: boolean
  readonly backAfterMs: number
}

const hows = ['unresolved', 'refused', 'certificate', 'silent', 'reset', 'failing'] as const
const NEXT = 20
/** What one attempt may take where another may follow: the SDK's default. */
const ATTEMPT_MS = 4_000

/** The first site dies while phones use it, and comes back two minutes later. */
export const primaryDead: Scenario<Part> = {
  about:
    'the primary domain dies: one attempt is lost, then everything goes straight to the backup, and back again',
  runs: 60,
  async live(seed, program) {
    const how = hows[seed % hows.length]!
    const world = new World(seed, program)
    const handset = world.handset()
    const { time } = world
    world.begin(handset)
    const part = { how, nextMs: [] as number[], nextElsewhere: 0, nextRetried: 0 }
    let first = { ms: 0, ok: false }
    let healthyMs = 0
    let backAfterMs = 0
    const life = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        await world.sleep(world.pause(1_500))
        healthyMs = Math.max(healthyMs, (await world.timed(handset.app.get(`/warm/${n}`))).ms)
      }
      world.primary.condition = how
      first = await world.timed(handset.app.get('/first'))
      for (let n = 0; n < NEXT; n++) {
        await world.sleep(world.pause(1_500))
        const told = await world.timed(handset.app.get(`/next/${n}`))
        part.nextMs.push(told.ms)
        if (told.channel !== 'b.example' || !told.ok) part.nextElsewhere++
        if (told.attempts > 1) part.nextRetried++
      }
      await world.sleep(120_000 - NEXT * 1_500)
      world.primary.condition = 'up'
      const upAt = time.now()
      while (handset.app.channel !== 'a.example' && time.now() - upAt < 300_000) {
        await world.sleep(world.pause(1_500))
        await world.timed(handset.app.get(`/after/${time.now()}`))
      }
      backAfterMs = time.now() - upAt
    }
    await world.all([life()])
    const back = handset.app.channel === 'a.example'
    return { ...part, firstMs: first.ms, firstOk: first.ok, healthyMs, back, backAfterMs }
  },
  judge(parts) {
    const judgement = new Judgement()
    for (const how of hows) {
      const these = parts.filter((part) => part.how === how)
      if (these.length === 0) continue
      const first = Math.max(...these.map((part) => part.firstMs))
      const healthy = Math.max(...these.map((part) => part.healthyMs))
      const next = these.flatMap((part) => part.nextMs)
      const all = these.every((part) => part.firstOk)
      // The backup's first answer needs a connection: three round trips more than the usual one.
      const bound = (how === 'silent' ? ATTEMPT_MS : healthy) + 4 * healthy
      judgement.holds(
        all && first <= bound,
        `${how}: the call that finds out took at most ${Math.round(first)} ms (bound ${Math.round(bound)})${all ? '' : ', and some failed'}`,
      )
      const elsewhere = these.reduce((sum, part) => sum + part.nextElsewhere, 0)
      const retried = these.reduce((sum, part) => sum + part.nextRetried, 0)
      judgement.holds(
        elsewhere === 0 && retried === 0,
        `${how}: of ${next.length} calls after it ${next.length - elsewhere} were answered by the backup, ${retried} needed a retry, p99 ${Math.round(quantile(next, 0.99))} ms`,
      )
      judgement.holds(
        these.every((part) => part.back),
        `${how}: back at the primary at most ${Math.round(Math.max(...these.map((part) => part.backAfterMs)) / 1_000)} s after it was up`,
      )
    }
    return judgement
  },
}
