/** What makes an observer doubt a site; the classes of evidence, strongest first. */
export const suspicionCauses = [
  'refused',
  'reset',
  'closed',
  'exited',
  'traffic',
  'silence',
  'missed',
] as const

/**
 * refused: a connection was refused. reset, closed: the heartbeat’s connection broke. exited: a supervisor says the
 * process is gone. These four are hard: the kernel there is alive and says so.
 * traffic: real requests fail. silence: heartbeats are overdue (phi). missed: the plain heartbeat was missed.
 */
export type SuspicionCause = (typeof suspicionCauses)[number]

/** An observer’s word on a site of a service. degraded: up, and slow. */
export type SiteState = 'up' | 'degraded' | 'suspect' | 'down'

/** Where a latency is from: real requests of gateways, or questions of an observer’s own. */
export type PaceKind = 'traffic' | 'probes'

/** What makes a site slow: a latency, and what it was held against. Milliseconds, without what the network to the site takes. */
export interface SlowEvidence {
  readonly by: PaceKind
  readonly ms: number
  readonly usualMs: number
}

/** Real requests of an observer’s own process to a site, since it looked before. */
export interface TrafficPace {
  readonly requests: number
  /** Nine of ten had the head of their answer within it, milliseconds. */
  readonly ms: number
}

/**
 * What one observer thinks of one site of a service; sent to every controller when it changes, and at least every
 * `opinionEveryMs`. It carries ages, never clock times: no two clocks are compared.
 */
export interface SiteOpinion {
  /** A gateway, agent, witness or controller, as the configuration names it. */
  readonly observer: string
  /** The failure domain it would be lost with: its site, or the witness’s name. */
  readonly domain: string
  readonly service: string
  readonly site: string
  readonly state: SiteState
  /** Not null: the observer is not well itself, and why; its word does not count. */
  readonly abstains: string | null
  /** Numbers that led to it. */
  readonly evidence: OpinionEvidence
  /** Why it is slow, whatever else it is; absent: it is not. */
  readonly slow?: SlowEvidence
  /** How fast it answers real requests, for others to compare; absent: there were too few. */
  readonly traffic?: TrafficPace
}

/** The numbers behind an opinion. Ages in milliseconds at the moment of sending; null: never. */
export interface OpinionEvidence {
  readonly causes: readonly SuspicionCause[]
  /** Since the state is what it is. */
  readonly sinceMs: number
  /** Since the last heartbeat or probe was answered. */
  readonly answeredMs: number | null
  /** Since a real request succeeded there. */
  readonly servedMs: number | null
  /** Suspicion level of the silence; 8 is one false alarm in a hundred million beats. */
  readonly phi: number
  /** Plain heartbeats missed in a row. */
  readonly misses: number
  /** Probes of the burst that failed, and that were sent. */
  readonly probesFailed: number
  readonly probesSent: number
  /** Decaying penalty for going up and down. */
  readonly flapPenalty: number
}

/** How often an unchanged opinion is repeated, milliseconds: well within the 300 ms in which a good one vetoes. */
export const opinionEveryMs = 200
