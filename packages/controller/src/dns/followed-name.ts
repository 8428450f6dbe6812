import type { EventDraft, GslbNameConfig, GslbNameReport, ServiceAtSite, SiteStates } from '@budao/model'
import {
  allSites,
  answerTtlSeconds,
  bestStanding,
  chooseSite,
  hash32,
  nextStanding,
  type SiteClient,
  type SiteStandingAt,
} from '@budao/resilience'
import { addressSet, type RecordSet } from './record-set.ts'

/** What the names of one configuration share. */
export interface FollowedSites {
  /** Names of the sites of `gslb.sites`, in their order: everywhere else a site is an index into these. */
  readonly names: readonly string[]
  readonly addresses: readonly (readonly string[])[]
  readonly weights: readonly number[]
}

/** Sites that an answer is chosen among. */
interface Candidates {
  readonly by: GslbNameReport['by']
  readonly sites: readonly number[]
  readonly weights: readonly number[]
  readonly seeds: readonly number[]
}

/** What has been seen of one site. */
interface Seen {
  at: SiteStandingAt | undefined
  now: ServiceAtSite
}

const unseen: ServiceAtSite = { state: 'unknown', usable: 0, total: 0, suspect: false }
const SECOND_MS = 1_000

/**
 * One name whose addresses follow the sites: how each stands, among which is chosen, and their records, encoded once for each state.
 * Sites are indexes into those of the configuration.
 */
export class FollowedName {
  readonly name: string
  readonly config: GslbNameConfig
  readonly #sites: FollowedSites
  /** Those of this name, first choice first. */
  readonly #own: readonly number[]
  readonly #seen: readonly Seen[]
  readonly #weights: readonly number[]
  readonly #seeds: readonly number[]
  readonly #answers: Float64Array
  readonly #sets: Map<number, RecordSet> = new Map()
  #candidates: Candidates
  #changedAt = -Infinity
  #changesAt = Infinity
  #suspect = false

  constructor(name: string, config: GslbNameConfig, sites: FollowedSites) {
    this.name = name
    this.config = config
    this.#sites = sites
    this.#own = config.sites?.map((site) => sites.names.indexOf(site)) ?? sites.names.map((_, index) => index)
    this.#seen = sites.names.map(() => ({ at: undefined, now: unseen }))
    this.#weights = sites.names.map((site, index) => config.weights[site] ?? sites.weights[index]!)
    this.#seeds = sites.names.map((site) => hash32(site))
    this.#answers = new Float64Array(sites.names.length)
    this.#candidates = this.#among('unknown', this.#own)
  }

  /** Goes on where the same name of the configuration before stands. */
  follow(before: FollowedName): void {
    for (const [index, site] of this.#sites.names.entries()) {
      const old = before.#sites.names.indexOf(site)
      if (old < 0) continue
      this.#seen[index]!.at = before.#seen[old]!.at
      this.#answers[index] = before.#answers[old]!
    }
    const kept = before.#candidates.sites
      .map((site) => this.#sites.names.indexOf(before.#sites.names[site]!))
      .filter((site) => this.#own.includes(site))
    if (kept.length > 0) this.#candidates = this.#among(before.#candidates.by, kept)
    this.#changedAt = before.#changedAt
  }

  /** Looks at the sites. What changed in the answers, as an event; null when nothing did. */
  observe(states: SiteStates, now: number): EventDraft | null {
    const before = this.#candidates
    const first = this.#seen[this.#own[0]!]!.at === undefined
    this.#suspect = false
    this.#changesAt = Infinity
    for (const site of this.#own) this.#look(site, states, now)
    const standing = bestStanding(this.#own.map((site) => this.#seen[site]!.at!))
    const best = this.#own.filter((site) => this.#seen[site]!.at!.standing === standing)
    // With nothing usable anywhere the answer stays what it was: an empty one would outlive the outage in every cache.
    this.#candidates =
      standing === 'down'
        ? this.#among('last-good', first ? this.#own : before.sites)
        : this.#among(standing, best)
    const changed = first || !same(before, this.#candidates)
    if (!changed) return null
    this.#sets.clear()
    this.#changedAt = now
    if (first && standing !== 'down') return null
    return this.#event(before)
  }

  /** The site to answer with, or `allSites`. */
  choose(client: SiteClient): number {
    return chooseSite(this.config.policy, this.#candidates, client)
  }

  /** Whether no other site is as near as the nearest one, so that chance has no part. */
  isAloneAt(nearness: readonly number[]): boolean {
    const near = this.#candidates.sites.map((site) => nearness[site]!)
    const best = Math.max(...near)
    return near.indexOf(best) === near.lastIndexOf(best)
  }

  /** How long an answer may be kept, seconds. */
  ttlSeconds(now: number): number {
    const { min, max } = this.config.ttl
    return answerTtlSeconds({
      minMs: min,
      maxMs: max,
      suspect: this.#suspect || this.#candidates.by === 'last-good',
      changedAt: this.#changedAt,
      changesAt: this.#changesAt,
      now,
    })
  }

  /** When it should be looked at again though nobody says that something changed; Infinity for never. */
  get changesAt(): number {
    return this.#changesAt
  }

  get by(): GslbNameReport['by'] {
    return this.#candidates.by
  }

  /** Sites that somebody may be answered with now. */
  get candidates(): readonly number[] {
    return this.#candidates.sites
  }

  /** Whether a site is among those that it may ever be answered with. */
  covers(site: number): boolean {
    return this.#own.includes(site)
  }

  /** The addresses of a site or of all candidates; encoded when first asked for. */
  records(type: 'A' | 'AAAA', site: number): RecordSet {
    const key = (site + 1) * 2 + (type === 'A' ? 0 : 1)
    let set = this.#sets.get(key)
    if (set === undefined) {
      set = addressSet(this.addresses(site), type, 0)
      this.#sets.set(key, set)
    }
    return set
  }

  addresses(site: number): readonly string[] {
    const sites = site === allSites ? this.#candidates.sites : [site]
    return sites.flatMap((each) => this.#sites.addresses[each]!)
  }

  /** Counts an answer. */
  count(site: number): void {
    if (site !== allSites) this.#answers[site]!++
    else for (const each of this.#candidates.sites) this.#answers[each]!++
  }

  report(now: number): GslbNameReport {
    return {
      name: this.name,
      policy: this.config.policy,
      services: this.config.services,
      by: this.#candidates.by,
      ttlMs: this.ttlSeconds(now) * SECOND_MS,
      sites: this.#own.map((site) => {
        const { at, now: seen } = this.#seen[site]!
        return {
          site: this.#sites.names[site]!,
          ...seen,
          keptPercent: seen.keptPercent ?? 100,
          standing: at?.standing ?? 'unknown',
          weight: this.#weights[site]!,
          answered: this.#isAnswered(site),
          answers: this.#answers[site]!,
          addresses: this.#sites.addresses[site]!,
          sinceMs: Math.round(now - (at?.since ?? now)),
        }
      }),
    }
  }

  #isAnswered(site: number): boolean {
    const { sites, weights } = this.#candidates
    if (!sites.includes(site)) return false
    switch (this.config.policy) {
      case 'failover':
        return sites[0] === site
      case 'weighted':
        return weights[site]! > 0 || sites.every((each) => weights[each] === 0)
      case 'nearest':
      case 'all-active':
        return true
    }
  }

  #look(site: number, states: SiteStates, now: number): void {
    const seen = this.#seen[site]!
    const name = this.#sites.names[site]!
    seen.now = worst(this.config.services.map((service) => states.of(service, name)))
    const { returnAfter, minUsablePercent } = this.config
    seen.at = nextStanding(seen.at, seen.now, now, { returnAfterMs: returnAfter, minUsablePercent })
    if (seen.now.suspect) this.#suspect = true
    if (seen.at.standing === 'returning')
      this.#changesAt = Math.min(this.#changesAt, seen.at.since + returnAfter)
  }

  #among(by: GslbNameReport['by'], sites: readonly number[]): Candidates {
    const weights = this.#weights.map((weight, site) => {
      if (!sites.includes(site)) return 0
      const { state, usable, total, keptPercent = 100 } = this.#seen[site]!.now
      // A part of a site takes a part of its clients, and a slow one too.
      return (weight * keptPercent * (state === 'degraded' ? usable / total : 1)) / 100
    })
    return { by, sites, weights, seeds: this.#seeds }
  }

  #event(before: Candidates): EventDraft {
    const { by, sites } = this.#candidates
    const names = (of: readonly number[]): string => of.map((site) => this.#sites.names[site]!).join(', ')
    const lost = before.sites.filter((site) => !sites.includes(site))
    const worse = lost.length > 0 || by === 'last-good'
    const states = this.#own.map((site) => `${this.#sites.names[site]} ${this.#seen[site]!.at!.standing}`)
    return {
      kind: by === 'last-good' ? 'gslb.last-good' : 'gslb.changed',
      severity: by === 'last-good' ? 'critical' : worse ? 'warning' : 'info',
      subject: this.name,
      message:
        by === 'last-good'
          ? `No site of ${this.name} is usable: it is still answered with ${names(sites)}, marked as stale.`
          : `${this.name} is answered with ${names(sites)} instead of ${names(before.sites)}.`,
      evidence: {
        policy: this.config.policy,
        before: names(before.sites),
        after: names(sites),
        by,
        sites: states.join(', '),
      },
    }
  }
}

/** A site serves a name as far as it serves all its services. */
function worst(seen: readonly ServiceAtSite[]): ServiceAtSite {
  const order = ['serving', 'degraded', 'unknown', 'draining', 'down'] as const
  const state = order[Math.max(...seen.map((each) => order.indexOf(each.state)))]!
  const least = seen.reduce((a, b) => (b.usable * a.total < a.usable * b.total ? b : a))
  return {
    state,
    usable: least.usable,
    total: least.total,
    suspect: seen.some(({ suspect }) => suspect),
    keptPercent: Math.min(...seen.map(({ keptPercent = 100 }) => keptPercent)),
  }
}

function same(a: Candidates, b: Candidates): boolean {
  return (
    (a.by === 'last-good') === (b.by === 'last-good') &&
    a.sites.length === b.sites.length &&
    a.sites.every((site, index) => site === b.sites[index])
  )
}
