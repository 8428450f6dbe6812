import type { Script } from 'node:vm'
import { Stage, type Handset, type Tally } from './stage.ts'

export interface SdkScenario {
  readonly about: string
  live(seed: number, script: Script): Promise<Tally>
}

const entities = ['cart', 'address', 'order'] as const

/** So many phones at once, each living `life`. */
function crowd(stage: Stage, phones: number, life: (phone: number) => Promise<void>): Promise<Tally> {
  return stage.all(Array.from({ length: phones }, (_, phone) => life(phone)))
}

/** Calls of one user until `endAt`, `meanMs` apart. */
async function browse(stage: Stage, handset: Handset, meanMs: number, endAt: number): Promise<void> {
  const waiting: Promise<void>[] = []
  for (let n = 0; ; n++) {
    await stage.pause(handset, meanMs)
    if (stage.time.now() >= endAt) break
    waiting.push(stage.call(handset, `/items/${n}`))
  }
  await Promise.all(waiting)
}

const good: SdkScenario = {
  about: 'a good network: 20 phones, 50 GETs each',
  live(seed, script) {
    const stage = new Stage(seed, script)
    return crowd(stage, 20, async () => {
      const handset = stage.handset()
      for (let n = 0; n < 50; n++) {
        await stage.pause(handset, 2_000)
        await stage.call(handset, `/items/${n}`)
      }
    })
  },
}

const weak: SdkScenario = {
  about: '64 % of attempts get through: 40 phones, 50 calls each, a quarter of them POSTs',
  live(seed, script) {
    const stage = new Stage(seed, script)
    return crowd(stage, 40, async (phone) => {
      const handset = stage.handset({ success: 0.64, rttMs: [100, 400], nativeRetry: 0.1 })
      for (let n = 0; n < 50; n++) {
        await stage.pause(handset, 3_000)
        const isWrite = handset.draws.chance(0.25)
        await stage.call(handset, `/items/${n}`, isWrite ? { entity: `p${phone}`, n } : undefined)
      }
    })
  },
}

const primaryDead: SdkScenario = {
  about: 'the primary domain is silent for one of three minutes: 40 phones, a call every 3 s',
  live(seed, script) {
    const stage = new Stage(seed, script)
    const [primary] = stage.sites
    stage.time.after(60_000, () => (primary.condition = 'silent'))
    stage.time.after(120_000, () => (primary.condition = 'up'))
    return crowd(stage, 40, () => browse(stage, stage.handset(), 3_000, 180_000))
  },
}

const outage: SdkScenario = {
  about:
    'all sites answer 503 for two of four minutes: 200 phones, a call every 4 s; requests and peak tell who storms',
  async live(seed, script) {
    const stage = new Stage(seed, script)
    const set = (condition: 'failing' | 'up') => () => {
      for (const site of stage.sites) site.condition = condition
    }
    stage.time.after(60_000, set('failing'))
    stage.time.after(180_000, set('up'))
    const tally = await crowd(stage, 200, () => browse(stage, stage.handset(), 4_000, 240_000))
    const arrivals = stage.sites.flatMap((site) => site.arrivals)
    const between = (from: number, to: number): number =>
      arrivals.filter((at) => at >= from && at < to).length
    const mean = between(10_000, 60_000) / 50
    const seconds = Array.from({ length: 120 }, (_, s) => between(60_000 + s * 1_000, 61_000 + s * 1_000))
    tally.peak = Math.max(...seconds) / mean
    return tally
  },
}

const portal: SdkScenario = {
  about: 'a login page in place of every answer for half a minute of two: 40 phones, a call every 3 s',
  live(seed, script) {
    const stage = new Stage(seed, script)
    return crowd(stage, 40, async () => {
      const handset = stage.handset()
      const { quality } = handset.link
      stage.time.after(30_000, () => (quality.portal = '<!DOCTYPE html><title>Log in</title>'))
      stage.time.after(60_000, () => (quality.portal = undefined))
      await browse(stage, handset, 3_000, 120_000)
    })
  },
}

const killed: SdkScenario = {
  about:
    'writes without a network, the program killed in between: 100 phones, 12 writes each, then all is well',
  async live(seed, script) {
    const stage = new Stage(seed, script)
    const made: { entity: string; n: number }[] = []
    const tally = await crowd(stage, 100, async (phone) => {
      const handset = stage.handset({ success: 0.8, nativeRetry: 0.3 })
      const { draws } = handset
      for (let n = 1; n <= 12; n++) {
        handset.phone.setNetwork(draws.chance(0.5) ? 'none' : 'wifi')
        const write = { entity: `${phone} ${draws.pick(entities)}`, n }
        made.push(write)
        void handset.app.write(write.entity, '/writes', write).then(nothing, nothing)
        await stage.sleep(draws.integer(200, 6_000))
        if (draws.chance(0.25)) stage.restart(handset)
      }
      handset.phone.setNetwork('wifi')
      handset.link.quality.success = 1
      await stage.sleep(60_000)
      // The user comes back later.
      stage.restart(handset)
      await stage.sleep(180_000)
    })
    const done = new Set(stage.ledger.effects.map(({ entity, n }) => `${entity} ${n}`))
    tally.writes = made.length
    tally.calls = made.length
    tally.lost = made.filter(({ entity, n }) => !done.has(`${entity} ${n}`)).length
    return tally
  },
}

const flood: SdkScenario = {
  about:
    '60 pictures of a second each are asked for, then what the user waits for: 20 phones, 5 urgent GETs each',
  live(seed, script) {
    const stage = new Stage(seed, script, 1_000)
    return crowd(stage, 20, async () => {
      const handset = stage.handset()
      for (let n = 0; n < 60; n++) void handset.app.get(`/pictures/${n}`, 'low').then(nothing, nothing)
      await stage.sleep(200)
      for (let n = 0; n < 5; n++) {
        await stage.call(handset, `/urgent/${n}`, undefined, 'high')
        await stage.sleep(300)
      }
    })
  },
}

function nothing(): void {}

export const sdkScenarios: Readonly<Record<string, SdkScenario>> = {
  good,
  weak,
  'primary-dead': primaryDead,
  outage,
  portal,
  killed,
  flood,
}
