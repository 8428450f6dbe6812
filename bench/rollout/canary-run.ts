import { SeededRandom, type ReleaseLook } from '@budao/resilience'
import type { Rule } from './rules.ts'

/** Traffic to judge by: everybody's requests at random, a share of them at the canary. */
export interface Traffic {
  readonly perSecond: number
  readonly share: number
  readonly seconds: number
  readonly canaryErrors: number
  readonly stableErrors: number
}

/** When a rule sent the canary back; null: it never did. */
export interface SentBack {
  readonly canaryRequests: number
  readonly seconds: number
}

/** One run, repeated by its seed: every rule sees the same requests. One in twenty answers is slow, at either release. */
export function canaryRun(seed: number, traffic: Traffic, rules: readonly Rule[]): (SentBack | null)[] {
  const random = new SeededRandom(seed)
  const judges = rules.map((rule) => ({
    ...counts(),
    rule,
    judge: rule.begin(),
    last: 0,
    sentBack: null as SentBack | null,
  }))
  const total = traffic.perSecond * traffic.seconds
  let canaryRequests = 0
  let left = judges.length
  for (let index = 1; index <= total && left > 0; index++) {
    const isCanary = random.next() < traffic.share
    const failed = random.next() < (isCanary ? traffic.canaryErrors : traffic.stableErrors)
    const slow = !failed && random.next() < 0.05
    if (isCanary) canaryRequests++
    const seconds = index / traffic.perSecond
    for (const each of judges) {
      if (each.sentBack !== null) continue
      const of = isCanary ? each.canary : each.stable
      of.requests++
      if (failed) of.errors++
      if (slow) of.slow++
      // Hundredths of a second do not add up to the bit: a look must not be missed by that.
      if (seconds - each.last < each.rule.everySeconds - 1e-6) continue
      each.last = seconds
      if (each.judge(each.canary, each.stable)) {
        each.sentBack = { canaryRequests, seconds }
        left--
      }
      Object.assign(each, counts())
    }
  }
  return judges.map(({ sentBack }) => sentBack)
}

function counts(): { canary: Mutable<ReleaseLook>; stable: Mutable<ReleaseLook> } {
  return { canary: { requests: 0, errors: 0, slow: 0 }, stable: { requests: 0, errors: 0, slow: 0 } }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
