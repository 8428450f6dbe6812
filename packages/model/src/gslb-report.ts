import type { GslbPolicy } from './config-gslb.ts'
import type { ServingState } from './site-states.ts'

/**
 * How a site stands for one name, best first.
 * - `in`: answered with
 * - `returning`: serves again, not yet for as long as `returnAfter`
 * - `weak`: a smaller share of it is usable than `minUsablePercent`
 * - `unknown`: nobody knows
 * - `draining`: a person has taken it out
 * - `down`: nothing is usable
 */
export type SiteStanding = 'in' | 'returning' | 'weak' | 'unknown' | 'draining' | 'down'

/** The names of the GSLB and what each would be answered with now. Times in milliseconds, counts since the start. */
export interface GslbReport {
  /** Where it listens: UDP and TCP. */
  readonly listening: readonly string[]
  /** Where it answers over HTTP; empty where it does not. */
  readonly http: string
  readonly names: readonly GslbNameReport[]
  readonly zones: readonly { readonly zone: string; readonly names: number; readonly records: number }[]
  readonly queries: number
  /** Answers by code: NOERROR, NXDOMAIN, REFUSED, … */
  readonly answers: Readonly<Record<string, number>>
  readonly dropped: number
  /** What still comes to this gateway while its own site is out of the answers; null while it is in. */
  readonly withdrawn: GslbWithdrawn | null
}

/** Requests that still come to a site out of the answers, of resolvers and clients that keep old ones. */
export interface GslbWithdrawn {
  readonly site: string
  readonly sinceMs: number
  readonly requestsPerSecond: number
  /** Of those a second when it was taken out; null when there were none. */
  readonly share: number | null
}

/** One name whose answers follow the sites. */
export interface GslbNameReport {
  readonly name: string
  readonly policy: GslbPolicy
  readonly services: readonly string[]
  /** Why these sites are answered with: the standing of the best; `last-good` when none is usable at all. */
  readonly by: SiteStanding | 'last-good'
  readonly ttlMs: number
  readonly sites: readonly GslbSiteReport[]
}

/** One site as a name sees it. */
export interface GslbSiteReport {
  readonly site: string
  readonly state: ServingState
  readonly standing: SiteStanding
  readonly usable: number
  readonly total: number
  readonly suspect: boolean
  /** What it keeps of its weight, percent: less than 100 while it is slow. */
  readonly keptPercent: number
  readonly weight: number
  /** In answers to somebody now. */
  readonly answered: boolean
  /** Answers with it since the start. */
  readonly answers: number
  readonly addresses: readonly string[]
  /** Since its standing changed. */
  readonly sinceMs: number
}

/** What one client would get for one name, and why. */
export interface GslbExplanation {
  readonly name: string
  readonly client: string
  readonly policy: GslbPolicy
  readonly by: SiteStanding | 'last-good'
  readonly sites: readonly string[]
  readonly addresses: readonly string[]
  readonly ttlMs: number
  /** Prefix length for which this answer holds. */
  readonly scope: number
  /** What is known of the place of the client. */
  readonly place: {
    readonly network: string | null
    readonly country: string | null
    readonly region: string | null
    readonly continent: string | null
    readonly asn: number | null
  }
  /** One sentence for people. */
  readonly why: string
}
