import type { SiteOpinion, SiteVerdict, SlowEvidence, VerdictCode, Vote } from '@budao/model'

/** An opinion, and when it arrived by this controller’s monotonic clock. */
export interface HeardOpinion {
  readonly opinion: SiteOpinion
  readonly at: number
}

/** Older words count no more, milliseconds: five times what passes between two. */
export const opinionStaleMs = 1000
/** Who was served there so short a time ago has seen it alive, milliseconds, where kernels say that its processes are gone. */
export const vetoMs = 300
/**
 * The same where nobody answers and nothing more is known. Silence takes longer than that to be found, so a site that is gone pays nothing for
 * it; one that serves a request now and then is not found down in between.
 */
export const silenceVetoMs = 1000

/** Without any answer for so long a holder whose lease has ended too is gone, milliseconds: what an even beat may be overdue. */
const leaseSilentMs = 1500

/**
 * The common word on one site of a service. `domains` are all places whose observers are expected: the sites that have
 * one, and the witness. Down needs more than half of them, each by observers that are well and agree; one domain has one
 * voice, however many observers it has. With two domains silence alone is never enough: each would call the other dead.
 * Slow needs more than half of them too, and never makes a site down.
 */
export function judgeSite(
  service: string,
  site: string,
  heard: readonly HeardOpinion[],
  domains: readonly string[],
  now: number,
): SiteVerdict {
  const votes: Vote[] = []
  const down = new Set<string>()
  const hard = new Set<string>()
  const doubted = new Set<string>()
  const fine = new Set<string>()
  const slow = new Set<string>()
  const notSlow = new Set<string>()
  let slowest: SlowEvidence | undefined
  let vetoed = false
  const aliveMs = isHardQuorum(service, site, heard, domains, now) ? vetoMs : silenceVetoMs
  for (const { opinion, at } of heard) {
    if (opinion.service !== service || opinion.site !== site) continue
    const { observer, domain, state, abstains, evidence } = opinion
    const ageMs = now - at
    let use: Vote['use'] = 'counted'
    if (ageMs > opinionStaleMs) use = 'stale'
    else if (abstains !== null) use = 'abstained'
    else if (domain !== site && seenAlive(opinion, ageMs, aliveMs)) use = 'veto'
    const silentMs = evidence.answeredMs === null ? null : evidence.answeredMs + ageMs
    const found = opinion.slow === undefined ? {} : { slow: opinion.slow }
    votes.push({ observer, domain, state, use, causes: evidence.causes, ageMs, silentMs, ...found })
    if (use === 'veto') vetoed = true
    if (use === 'stale' || use === 'abstained') continue
    if (state === 'down') {
      down.add(domain)
      if (evidence.causes.some(isHard)) hard.add(domain)
    } else if (state === 'suspect') doubted.add(domain)
    else fine.add(domain)
    if (opinion.slow === undefined) notSlow.add(domain)
    else {
      slow.add(domain)
      if (slowest === undefined || opinion.slow.ms > slowest.ms) slowest = opinion.slow
    }
  }
  // A domain speaks against a site only where all of its observers do.
  for (const domain of [...fine, ...doubted]) {
    down.delete(domain)
    hard.delete(domain)
  }
  for (const domain of notSlow) slow.delete(domain)
  const isSlow = slow.size * 2 > domains.length && slowest !== undefined
  const verdict = (state: SiteVerdict['state'], code: VerdictCode): SiteVerdict => ({
    service,
    site,
    state,
    code,
    votes,
    ...(isSlow ? { slow: slowest! } : {}),
  })
  const doubts = down.size + doubted.size > 0
  if (doubts && vetoed) return verdict('suspect', 'vetoed')
  if (down.size * 2 > domains.length) return verdict('down', 'quorum')
  if (domains.length === 2 && down.size === 1 && !fine.has(site)) {
    return hard.size > 0 ? verdict('down', 'hard') : verdict('advise', 'no-witness')
  }
  if (doubts) return verdict('suspect', 'no-quorum')
  if (fine.size === 0) return verdict('unknown', 'nobody')
  return isSlow ? verdict('degraded', 'slow') : verdict('up', 'agreed')
}

/** Whether observers of two domains, the site’s own aside, have the kernel’s word that the process is gone. */
export function surelyGone({ state, site, votes }: SiteVerdict): boolean {
  if (state !== 'down') return false
  const domains = new Set(
    votes
      .filter(({ use, domain, causes }) => use === 'counted' && domain !== site && causes.some(isHard))
      .map(({ domain }) => domain),
  )
  return domains.size >= 2
}

/**
 * Whether observers of two domains, the site’s own aside, find it down, and only that users are still served by its endpoints keeps the
 * verdict from it: nobody there answers who lets writes in.
 */
export function downButServes({ code, site, votes }: SiteVerdict): boolean {
  if (code !== 'vetoed') return false
  const domains = new Set(
    votes
      .filter(({ use, domain, state }) => isSaid(use) && domain !== site && state === 'down')
      .map(({ domain }) => domain),
  )
  return domains.size >= 2
}

/** Whether a site is well, and somebody who finds it so has had an answer from it: before the first one a watch takes it for up. */
export function hasAnswered({ state: found, votes }: SiteVerdict): boolean {
  if (found !== 'up' && found !== 'degraded') return false
  return votes.some(
    ({ use, state, silentMs }) =>
      isSaid(use) && (state === 'up' || state === 'degraded') && silentMs !== null,
  )
}

/**
 * What of a verdict rules look at, apart from how old its words are: while it is the same nothing has to be decided anew.
 */
export function meaningOf(verdict: SiteVerdict): string {
  const { state, code, slow } = verdict
  const traits = [surelyGone, downButServes, isSilentOutside, hasAnswered].map((holds) => holds(verdict))
  return `${state} ${code} ${slow === undefined} ${traits.join(' ')}`
}

/**
 * Whether observers of two domains, the site’s own aside, have had no answer from it for `silentMs`, and nobody outside of it has. Their
 * patience is left out: alone this is no verdict, it is what makes a lease that nobody renews the end of its holder.
 */
export function isSilentOutside({ site, votes }: SiteVerdict): boolean {
  const domains = new Set<string>()
  for (const { use, domain, silentMs } of votes) {
    if (domain === site || !isSaid(use)) continue
    if (silentMs === null || silentMs < leaseSilentMs) return false
    domains.add(domain)
  }
  return domains.size >= 2
}

/** A site’s own observer sees it from inside: that it is alive there helps nobody outside. */
function seenAlive(
  { state, evidence: { servedMs, answeredMs } }: SiteOpinion,
  ageMs: number,
  withinMs: number,
): boolean {
  if (servedMs !== null && servedMs + ageMs <= withinMs) return true
  return (state === 'up' || state === 'degraded') && answeredMs !== null && answeredMs + ageMs <= withinMs
}

function isSaid(use: Vote['use']): boolean {
  return use === 'counted' || use === 'veto'
}

function isHardQuorum(
  service: string,
  site: string,
  heard: readonly HeardOpinion[],
  domains: readonly string[],
  now: number,
): boolean {
  const hard = new Set<string>()
  for (const { opinion, at } of heard)
    if (
      opinion.state === 'down' &&
      opinion.service === service &&
      opinion.site === site &&
      opinion.abstains === null &&
      now - at <= opinionStaleMs &&
      opinion.evidence.causes.some(isHard)
    )
      hard.add(opinion.domain)
  return hard.size * 2 > domains.length
}

function isHard(cause: string): boolean {
  return cause === 'refused' || cause === 'reset' || cause === 'closed' || cause === 'exited'
}
