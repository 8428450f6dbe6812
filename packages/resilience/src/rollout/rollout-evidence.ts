import {
  afterOutage,
  beginAgain,
  evidence,
  newCoinTest,
  observe,
  type CoinTest,
  type Tally,
} from './coin-test.ts'

/** What one release did since the look before, over all gateways. */
export interface ReleaseLook {
  /** First attempts of requests. */
  readonly requests: number
  /** Of those, without an answer or answered 5xx. */
  readonly errors: number
  /** Of those with an answer, slower than the cut. */
  readonly slow: number
}

/** Both releases over the same time. */
export interface ReleasePair {
  readonly canary: ReleaseLook
  readonly stable: ReleaseLook
}

/** Whether one does worse than the other, by what fails and by what is slow. */
interface Tests {
  readonly errors: CoinTest
  readonly latency: CoinTest
  /** Stable failed much when they were last compared: an outage of both. */
  readonly ill: boolean
}

/** What both did at one site, by which they are compared there. */
interface SiteSeen extends ReleasePair, Tests {
  readonly pending: ReleasePair
  /** Looks one after the other in which the canary waits here for something of stable to be compared with. */
  readonly waited: number
}

/** What there is to judge a release by, as plain JSON. Its own tests are over all sites. */
export interface RolloutEvidence extends Tests {
  /** What is too little for a comparison of its own yet: it waits for more. */
  readonly pending: ReleasePair
  /**
   * Of sites at which both stand: there each is compared with the other at the same site, and nowhere else. Each has tests of its own
   * too, so that an outage of both at one of them does not outweigh what is found at another.
   */
  readonly sites: Readonly<Record<string, SiteSeen>>
  /** Since the rollout began. */
  readonly canary: ReleaseLook
  readonly stable: ReleaseLook
  /** Of stable: its last few hundred requests, or those of the last look where they are more. What it went through before is over. */
  readonly stableLately: ReleaseLook
  /** Of the canary since its step began. */
  readonly stepRequests: number
}

const nobody: ReleaseLook = { requests: 0, errors: 0, slow: 0 }
const nothing: ReleasePair = { canary: nobody, stable: nobody }
/** Where one request stands alone, how often a release is asked is not to be seen. Found by simulation: fewer lose evidence, more lose time. */
const comparedMin = 30
/** Stable is not asked at that site while the canary is: it may be ill there, and whatever the canary did meanwhile says nothing. */
const waitedMax = 20

/** Stable fails so much only in an outage, and no more than that once it is over. */
const outageShare = 0.2
const overShare = 0.05

const noTests: Tests = { errors: newCoinTest, latency: newCoinTest, ill: false }

/** A rollout begins. */
export const noEvidence: RolloutEvidence = {
  ...noTests,
  pending: nothing,
  sites: {},
  canary: nobody,
  stable: nobody,
  stableLately: nobody,
  stepRequests: 0,
}

const unseen: SiteSeen = { ...nothing, ...noTests, pending: nothing, waited: 0 }

/**
 * What both did, at each gateway, where it can ask none of stable’s endpoints at a site. Endpoints are taken out after so many failures
 * each: from then on failures say how many endpoints there are, and no longer how many requests.
 */
export interface LostSites {
  readonly look: ReleasePair
  /** Sites that a gateway has just lost: what waits of them may be the beginning of it. */
  readonly began: readonly string[]
}

const noneLost: LostSites = { look: nothing, began: [] }

/**
 * Takes what both releases did over the same time; `sites`: what of it they did at sites where both stand, but for what is `lost`, which
 * is evidence of nothing.
 */
export function takeLook(
  before: RolloutEvidence,
  canary: ReleaseLook,
  stable: ReleaseLook,
  sites: Readonly<Record<string, ReleasePair>> = {},
  lost: LostSites = noneLost,
): RolloutEvidence {
  const counted = both({ canary, stable }, lost.look, less)
  let rest = counted
  const seen: Record<string, SiteSeen> = { ...before.sites }
  for (const site of lost.began) if (seen[site]) seen[site] = { ...seen[site], pending: nothing, waited: 0 }
  const enough: ReleasePair[] = []
  for (const [site, look] of Object.entries(sites)) {
    const was = seen[site] ?? unseen
    const pending = both(was.pending, look, sum)
    rest = both(rest, look, less)
    if (isEnough(pending)) enough.push(pending)
    seen[site] = { ...was, ...both(was, look, sum), ...atSite(was, pending) }
  }
  const pending = both(before.pending, rest, sum)
  if (isEnough(pending)) enough.push(pending)
  return {
    ...compared(before, enough),
    pending: isEnough(pending) ? nothing : pending,
    sites: seen,
    ...both(before, counted, sum),
    stableLately: sum(faded(before.stableLately), stable),
    stepRequests: before.stepRequests + counted.canary.requests,
  }
}

/** Beyond so many requests of stable half of what was before is forgotten. */
const latelyMax = 500

function faded(look: ReleaseLook): ReleaseLook {
  if (look.requests <= latelyMax) return look
  return { requests: look.requests / 2, errors: look.errors / 2, slow: look.slow / 2 }
}

function atSite(was: SiteSeen, pending: ReleasePair): Tests & Pick<SiteSeen, 'pending' | 'waited'> {
  if (isEnough(pending)) return { ...compared(was, [pending]), pending: nothing, waited: 0 }
  const { errors, latency, ill } = was
  const waited = pending.canary.requests > 0 && pending.stable.requests === 0 ? was.waited + 1 : 0
  if (waited > waitedMax) return { errors, latency, ill, pending: nothing, waited: 0 }
  return { errors, latency, ill, pending, waited }
}

/** The same with a larger share: what turned bad only now is found as soon as if it had just begun. */
export function takeStep(before: RolloutEvidence): RolloutEvidence {
  const sites = Object.entries(before.sites)
  const all = [before.pending, ...sites.map(([, { pending }]) => pending)]
  return {
    ...before,
    ...begunAgain(compared(before, all)),
    pending: nothing,
    sites: Object.fromEntries(
      sites.map(([site, seen]) => {
        const tests = begunAgain(compared(seen, [seen.pending]))
        return [site, { ...seen, ...tests, pending: nothing, waited: 0 }]
      }),
    ),
    stepRequests: 0,
  }
}

function begunAgain({ errors, latency, ill }: Tests): Tests {
  return { errors: beginAgain(errors), latency: beginAgain(latency), ill }
}

function isEnough({ canary, stable }: ReleasePair): boolean {
  return canary.requests > 0 && stable.requests > 0 && canary.requests + stable.requests >= comparedMin
}

/** Each pair is of releases that were asked at the same place and time. */
function compared({ errors, latency, ill }: Tests, pairs: readonly ReleasePair[]): Tests {
  const fails = (more: number): boolean => pairs.some(({ stable }) => stable.errors > more * stable.requests)
  for (const { canary, stable } of pairs) {
    errors = observe(errors, failed(canary), failed(stable))
    latency = observe(latency, late(canary), late(stable))
  }
  if (ill && pairs.length > 0 && !fails(overShare))
    return { errors: afterOutage(errors), latency, ill: false }
  return { errors, latency, ill: ill || fails(outageShare) }
}

function failed({ requests, errors }: ReleaseLook): Tally {
  return { requests, hits: errors }
}

/** One that fails is not slow: each is counted against a release once. */
function late({ requests, errors, slow }: ReleaseLook): Tally {
  return { requests: requests - errors, hits: slow }
}

/** Stable at the sites where the canary was asked, as far as both stand there; all of it where they stand together nowhere. */
export function besides({ sites, stable }: RolloutEvidence): ReleaseLook {
  const asked = Object.values(sites).filter(({ canary }) => canary.requests > 0)
  return asked.length === 0 ? stable : asked.map((each) => each.stable).reduce(sum)
}

/** Half of the weight lies on all sites together, half on each alone: a mean of e-values is one, whatever they have to do with each other. */
export function evidenceOf(seen: RolloutEvidence, of: 'errors' | 'latency'): number {
  const all = evidence(seen[of])
  const sites = Object.values(seen.sites)
  if (sites.length === 0) return all
  const alone = sites.reduce((total, site) => total + evidence(site[of]), 0) / sites.length
  return (all + alone) / 2
}

function sum(a: ReleaseLook, b: ReleaseLook): ReleaseLook {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, slow: a.slow + b.slow }
}

function less(a: ReleaseLook, b: ReleaseLook): ReleaseLook {
  return { requests: a.requests - b.requests, errors: a.errors - b.errors, slow: a.slow - b.slow }
}

function both(
  a: ReleasePair,
  b: ReleasePair,
  how: (a: ReleaseLook, b: ReleaseLook) => ReleaseLook,
): ReleasePair {
  return { canary: how(a.canary, b.canary), stable: how(a.stable, b.stable) }
}
