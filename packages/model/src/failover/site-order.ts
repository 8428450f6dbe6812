/**
 * What a controller tells an agent or gateway of a site. All are idempotent by `stepId`: the same one again is
 * answered as before, and one of an epoch below the highest seen is refused.
 */
export interface SiteOrder {
  /** `run id/order/site/epoch`: the same order again has the same. */
  readonly stepId: string
  readonly unit: string
  /** The epoch the order is about. */
  readonly epoch: number
  readonly site: string
  /**
   * fence: stop accepting writes of this epoch and lower ones, now and after a restart; answer with the position of
   * the last one. `drain` alike, after finishing those under way.
   * claim: take the lease that was granted to this site.
   * restore: bring the data back to the last consistent position, where the provider can.
   * catch-up: replay from the owner until nothing is missing; answer with lag and divergence.
   * shadow: answer reads beside the owner, for comparison.
   * start: to agents: start the standby processes of the unit’s service. stop: they are not needed any more.
   */
  readonly order: (typeof siteOrders)[number]
}

/** See `SiteOrder.order`. */
export const siteOrders = [
  'fence',
  'drain',
  'claim',
  'restore',
  'catch-up',
  'shadow',
  'start',
  'stop',
] as const

/** What came of an order. */
export interface OrderAnswer {
  readonly stepId: string
  readonly ok: boolean
  /** Why not; empty when it went well. */
  readonly why: string
  /** Position of the last write applied at the site, where the order asks for it. */
  readonly position?: number
}

/** How far the data of a site is, told with its opinions. */
export interface SitePosition {
  readonly service: string
  readonly site: string
  /** Writes applied, counted along the log of the unit’s owner. */
  readonly position: number
  /**
   * The epoch of the owner whose log the site’s own was last found to be a beginning of; 0: none. Positions of different
   * epochs are not comparable: a site that lost its work may have as many writes, and others.
   */
  readonly epoch: number
  /** Everything the owner acknowledged before so many milliseconds ago is here; null: unknown. */
  readonly lagMs: number | null
  /** Rows known to differ from the owner’s; 0 after a clean comparison. */
  readonly divergence: number
  /** Requests a second the site can carry, against what the service needs, percent. */
  readonly capacityPercent: number
}

/** The standby processes of a service at one site, as the agents there say. */
export interface SiteStandby {
  readonly service: string
  readonly site: string
  readonly state: StandbyState
  /** A controller had them started, and they are stopped again when they are not needed. */
  readonly ordered: boolean
  /** In a few words, where they are not as they should be; empty otherwise. */
  readonly why: string
}

/**
 * cold: not started. starting: started, and not ready for the first time yet. warm: ready. unwell: was ready, and is not.
 * failed: in a crash loop, or cannot be started at all.
 */
export const standbyStates = ['cold', 'starting', 'warm', 'unwell', 'failed'] as const

/** One of `standbyStates`. */
export type StandbyState = (typeof standbyStates)[number]

/** Who serves a unit: published to every gateway and DNS server, which obey the highest epoch they have seen. */
export interface Placement {
  readonly unit: string
  readonly service: string
  readonly epoch: number
  /** Writes go here; null: nobody may accept them at this moment. */
  readonly owner: string | null
  /** Reads go to these, the owner first. Never empty: with all down, the last that served. */
  readonly readers: readonly string[]
}
