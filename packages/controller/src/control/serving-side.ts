import type { KeeperOptions } from '../keeper/keeper-options.ts'
import type { SeenPace } from '../observe/service-pace.ts'
import type { TrafficCounts } from '../observe/site-watch.ts'

/** Real requests to a service’s endpoints at one site, counted since they were asked for last. */
export interface SiteTraffic {
  readonly service: string
  readonly site: string
  readonly counts: TrafficCounts
}

/** What a node needs from the gateway in its process: none in a controller of its own, and in a witness. */
export interface ServingSide extends Pick<KeeperOptions, 'lease' | 'settle' | 'usable' | 'data' | 'placed'> {
  /** Whether the loop that serves has moved lately: beats are echoed only then. */
  serves(): boolean
  traffic(): readonly SiteTraffic[]
  /** How fast the sites of a service answered since this was last asked; `all`: what was too little is forgotten. */
  paces(service: string, all: boolean): readonly SeenPace[]
  /** What sites that are slow keep of their weight; all others keep everything. */
  keep(shares: readonly SiteShare[]): void
}

/** What is left of a site’s weight at a service, percent. */
export interface SiteShare {
  readonly service: string
  readonly site: string
  readonly keptPercent: number
}
