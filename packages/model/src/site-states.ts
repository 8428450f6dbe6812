/**
 * What a site can do for a service.
 * - `serving`: all that it has for it is usable
 * - `degraded`: a part of it is
 * - `draining`: a person has taken it out; what is under way finishes
 * - `down`: nothing is usable
 * - `unknown`: it has nothing for it, or nobody has seen it yet
 */
export type ServingState = 'serving' | 'degraded' | 'draining' | 'down' | 'unknown'

/** What is known of one service at one site. */
export interface ServiceAtSite {
  readonly state: ServingState
  /** Endpoints that get traffic, of those that nobody has taken out. */
  readonly usable: number
  readonly total: number
  /** Whether something speaks against the state, such as a first failed check: it may change soon. */
  readonly suspect: boolean
  /** What it keeps of its weight where observers find it slow, percent. Absent: all. */
  readonly keptPercent?: number
}

/** Who knows the state of the sites: of one gateway's checks today, of a quorum's verdicts where there is one. */
export interface SiteStates {
  of(service: string, site: string): ServiceAtSite
  /** `listener` is called after anything may have changed. Returns the way to stop. */
  subscribe(listener: () => void): () => void
}
