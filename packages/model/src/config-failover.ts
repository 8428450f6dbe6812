/** How a dead site is noticed. Times in milliseconds. */
export interface DetectionConfig {
  /**
   * `literal`: the plain heartbeat alone, every `interval`, `misses` times later than `timeout`.
   * `accelerated`: it stays the backstop; evidence that comes sooner may decide sooner. Default.
   */
  readonly mode: 'literal' | 'accelerated'
  /** Between two plain heartbeats. Default 3000. */
  readonly interval: number
  /** A plain heartbeat later than this is missed. Default 2000. */
  readonly timeout: number
  /** Missed in a row until the site is down. Default 3. */
  readonly misses: number
  /** Longest time the verdict may take; `budao check` warns beyond. Default 5000. */
  readonly budget: number
  /** Between two beats that the serving event loop echoes. Default 500. */
  readonly beat: number
  /** Suspicion level from which silence is suspect. Default 8. */
  readonly phi: number
  /** Silence that is always allowed on top. Default 400. */
  readonly pause: number
  /** Probes that must all fail before a suspect is down. Default 3. */
  readonly probes: number
  /** Between two such probes. Default 150. */
  readonly probeEvery: number
  /** Shorter trouble than this never makes a site down, unless the process is surely gone. Default 1000. */
  readonly blip: number
  /** Good answers in a row until a site that was down may be up. Default 3. */
  readonly rise: number
  /** So long it must have been well before it is, and fast before it has its weight again. Default 30 000. */
  readonly stable: number
  /** When a site that answers is slow, and what it keeps then; false: never. With `literal` never either. */
  readonly slow: SlowConfig | false
}

/** Slow but alive. Times in milliseconds. */
export interface SlowConfig {
  /** Slower than the other sites, and than it was itself, by this factor. Default 3. */
  readonly factor: number
  /** And by so much. Default 50. */
  readonly atLeast: number
  /** For so long. Default 10 000. */
  readonly hold: number
  /** What it keeps of its weight meanwhile, percent. Default 10. */
  readonly weightPercent: number
}

/** Time and loss allowed, milliseconds. */
export interface ObjectivesConfig {
  readonly rto?: number
  readonly rpo?: number
}

/** What a controller may do about a site that is down. Times in milliseconds. */
export interface FailoverConfig {
  /** `on`: by itself. `advise`: it says what it would do. `off`: nothing. Default `on`. */
  readonly automation: Automation
  /** Sites in order of preference; absent: the order of `sites`. */
  readonly order?: readonly string[]
  /** How long the right to write holds without being renewed. Default 2500. */
  readonly lease: number
  /** The holder stops so much before the end, and the next one starts so much after. Default 250. */
  readonly guard: number
  /**
   * `lease`: the next site waits until the lease has surely ended, or somebody at the old site has said that it stopped.
   * `process`: it also counts as stopped when the kernel there refuses its connections, seen from two failure domains;
   * only where no firewall answers in its place. Default `lease`.
   */
  readonly fence: 'lease' | 'process'
  /** At most one automatic failover in this time, unless a person acknowledges. Default 3 600 000. */
  readonly every: number
  /** Of several services that fail at once the highest goes first, 0 to 100. Default 50. */
  readonly priority: number
  /** No automatic failover to a site whose data is further behind; absent: `objectives.rpo`, or no limit. */
  readonly lagMax?: number
  /** Never fewer sites than this are left in service. Default 1. */
  readonly minSites: number
  /** Never less capacity than this is left, percent of what is needed. Default 0: not looked at. */
  readonly minCapacityPercent: number
  /** Whether a site that came back clean gets its work back by itself. Default `manual`. */
  readonly failback: 'manual' | 'automatic'
  /** It must have stayed caught up for so long before it is ready. Default 30 000. */
  readonly shadow: number
  /** After a move by whatever reason nothing goes back by itself for so long: each return is a pause of writes. Default 60 000. */
  readonly rest: number
  /**
   * A site of which nothing good was heard since the controller began is not given up for so long: all may be starting. Default 15 000; 0:
   * not waited for.
   */
  readonly startGrace: number
  /** Sites whose processes are started only when the work goes there. */
  readonly standby: StandbyConfig
}

/** How the processes of a cold standby are started, and stopped again. Times in milliseconds. */
export interface StandbyConfig {
  /** From the order until the site is well; then the next site is tried. Default 60 000. */
  readonly startTimeout: number
  /** They are stopped again when they have not been needed for so long, while the owner is well. Default 300 000. */
  readonly stopAfter: number | 'never'
}

/** The gating switch. */
export type Automation = 'on' | 'advise' | 'off'
