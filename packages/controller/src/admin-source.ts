import type {
  AccessToken,
  AlertsDesk,
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  CachePurge,
  BudaoEvent,
  DirectoryResult,
  DrillReadiness,
  DrillsReport,
  DrillWish,
  DrainTarget,
  DrainWish,
  EndpointRegistration,
  EventDraft,
  EventKind,
  GatewayReport,
  GslbExplanation,
  GslbReport,
  LogsDesk,
  ProcessReport,
  ReplicationStatus,
  RolloutDesk,
} from '@budao/model'
import type { FailoverDesk } from './failover-desk.ts'
import type { ReleaseFaultDesk } from './rollout/release-faults.ts'
import type { LinkCut } from './links/link-gate.ts'

/** What the admin server needs from any process it speaks for, one without a gateway too. */
export interface NodeSource {
  /** Prometheus text, format 0.0.4. */
  metrics(): string | Promise<string>
  /** True while new requests are welcome here: neither starting nor draining. */
  ready(): boolean
  /** True until every part of the process has begun: one that is absent may yet come. */
  starting?(): boolean
  readonly events: EventFeed
  /** Reads the configuration again. A refused one is a value with its problems, not a rejection. */
  reload(): Promise<ReloadResult>
  /** The configuration in force. Secrets must be redacted already. */
  config(): unknown
  /** Supervised processes; absent or null where this process supervises none. */
  agent?(): ProcessDesk | null
  /** Alerts; absent or null where this process judges no rules. */
  alerts?(): AlertsDesk | null
  /** Rollouts; absent or null where this process has none. */
  rollouts?(): RolloutDesk | null
  /** For drills; absent or null where this process has no rollouts. */
  releaseFaults?(): ReleaseFaultDesk | null
  /** Collected logs; absent or null where this process collects none. */
  logs?(): LogsDesk | null
  /** Data between the sites; absent or null where no replicator is named here. */
  replication?(): ReplicationStatus | null
  /** Failover; absent or null where this process decides nothing: without `control`, or on a gateway that is no controller. */
  failover?(): FailoverDesk | null
  /** Drills of this process: planned, and run; absent where it has none. */
  drills?(): DrillDesk
  /** For a drill: what passes between this node and others is lost for so long; 0 ends it. False where that is not allowed. */
  cutLinks?(cut: LinkCut): boolean
}

/** What is planned and known of drills. */
export interface DrillDesk {
  overview(): DrillsReport
  /** The report of exactly this id, as JSON text; null where there is none. */
  report(id: string): string | null
  /** The same as a page for people. */
  page(id: string): string | null
  /** Looks whether everything is ready, and breaks nothing. */
  check(wish: DrillWish): Promise<DrillReadiness>
  /** Begins it as a process of its own; false while another one that was begun here runs. */
  start(wish: DrillWish): boolean
  /** Ends the one that was begun here: what it broke is taken back. False where none runs. */
  abort(): boolean
}

/** Asks and tells an agent about the processes it supervises. */
export interface ProcessDesk {
  processes(): readonly ProcessReport[]
  /** Only for processes that `processes()` names. */
  change(name: string, change: ProcessChange): void
}

/**
 * What the admin server needs from the gateway it speaks for. The admin server keeps nothing itself:
 * every answer is asked for when it is needed.
 */
export interface AdminSource extends NodeSource {
  /** The state of now. Rejections become `500 internal`; silence for 5 s becomes `504 source-timeout`. */
  report(): GatewayReport | Promise<GatewayReport>
  /** Called only for services and endpoints that `report()` names. Must leave a `breaker.forced` event with the reason. */
  forceBreaker(request: BreakerRequest): void | Promise<void>
  /** Registers an endpoint or renews and changes its registration; resolves once it is in force. */
  registerEndpoint(registration: EndpointRegistration): Promise<DirectoryResult>
  /** A registered endpoint's lease begins anew. */
  renewEndpoint(service: string, address: string): DirectoryResult | Promise<DirectoryResult>
  /** Takes a registered endpoint away; the last usable one only with `force`. */
  deregisterEndpoint(service: string, address: string, wish: DrainWish): Promise<DirectoryResult>
  /** No new requests for a site or endpoint; for the last usable one only with `force`. */
  drain(target: DrainTarget, wish: DrainWish): Promise<DirectoryResult>
  /** Puts it back. `reason` may be empty. */
  undrain(target: DrainTarget, reason: string): Promise<DirectoryResult>
  /**
   * Forgets kept answers and says how many. Rejects with a RangeError for an address that is none, with another Error when
   * a store is away. Must leave a `cache.purged` event.
   */
  purgeCache(purge: CachePurge): Promise<number>
  /** What DNS is answered with; null where this process answers none. */
  dns(): GslbReport | null
  /** What a client at an address would be answered for a name; null where the name does not follow the sites. */
  explainDns(name: string, client: string): GslbExplanation | null
  /** For a drill: DNS answers nothing for so long, 0 answers again. False where this process answers none. */
  muteDns(forMs: number): boolean
  /** Drills of this process: planned, and run. */
  drills(): DrillDesk
  /** The channel lists that are served now. */
  channels(): readonly ChannelListReport[]
  /** Has a route tell apps another order. Must leave a `channels.changed` event with the reason. */
  setChannels(route: string, change: ChannelChange): Promise<ChannelChangeResult>
  /** Undefined for a provider of which none is kept, null while there is none that is good. */
  accessToken(provider: string): AccessToken | null | undefined
  /** Keeps what happened outside the process, in `events` with everything else. Called only for sites that `report()` names. */
  record(event: EventDraft): void
}

/** What became of a reload. */
export interface ReloadResult {
  readonly ok: boolean
  /** The snapshot in force afterwards. */
  readonly version?: number
  /** Why the file was refused: one line a problem, with file, line and path. */
  readonly problems?: readonly string[]
}

/** Where an operator may put a breaker. `auto` gives it back to its own rules. */
export type BreakerTarget = 'open' | 'closed' | 'auto'

/** An operator’s wish about one breaker. */
export interface BreakerRequest {
  readonly service: string
  /** Address of one endpoint; without it the breaker of the service is meant. */
  readonly endpoint?: string
  readonly to: BreakerTarget
  /** Why, in the operator's words, trimmed, 1 to 500 characters. Goes to the audit log. */
  readonly reason: string
}

/** What a person wants of a supervised process. */
export interface ProcessChange {
  readonly action: 'start' | 'stop' | 'restart'
  /** Why, in the person’s words, 1 to 500 characters; empty where none was given. */
  readonly reason: string
}

/** `restored`: what it broke is taken back; `aborted`: that was done early, since too much failed. */
export const drillPhases = ['started', 'restored', 'aborted', 'finished'] as const

/** One of `drillPhases`. */
export type DrillPhase = (typeof drillPhases)[number]

/** What a drill says of itself. */
export interface DrillNote {
  readonly phase: DrillPhase
  readonly site: string
  /** One sentence for people, trimmed, 1 to 500 characters. */
  readonly message: string
  /** Why the last usable site was lost all the same, trimmed, 1 to 500 characters. */
  readonly reason?: string
  /** At most 40 keys. */
  readonly evidence: EventDraft['evidence']
}

/** Which events are wanted. */
export interface EventQuery {
  /** Only events with a higher `seq`, oldest first. Without it the newest `limit` events are meant. */
  readonly after?: number
  /** At most this many. Default 100. */
  readonly limit?: number
  /** One kind, or all of a group: `alert.*`. */
  readonly kind?: EventKind | `${string}.*`
}

/** Events to read and to follow. `EventLog` is one. */
export interface EventFeed {
  /** `seq` of the newest event, 0 when there is none. */
  readonly lastSeq: number
  /** Ascending by `seq`. Events that have left memory are missing; the reader sees it by the gap. */
  list(query?: EventQuery): readonly BudaoEvent[]
  /** Calls `listener` for every later event, in order. Returns the way to stop. */
  subscribe(listener: (event: BudaoEvent) => void): () => void
}
