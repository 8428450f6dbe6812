import type {
  AuditQuery,
  AuditRecord,
  AuditVerdict,
  AutomationChange,
  MoveWish,
  NodesReport,
  SiteDrainReport,
  SiteDrainResult,
  SiteDrainWish,
  UnitReport,
  WatchedReport,
  WishResult,
} from '@budao/model'

/**
 * What people and programs ask of failover: the API, the commands and the console know nothing else of it. Every controller
 * has one; where it does not lead, readings are what it has heard, and wishes are answered with `not-leader`: whoever asked
 * goes to `nodes().leader.admin`.
 *
 * All wishes are checked already: the unit, service and site exist, and texts are trimmed and not empty. None rejects for an
 * expected reason; a promise that is still open after 5 s is answered with `504 source-timeout`.
 */
export interface FailoverDesk {
  /** Every unit, in the order of the configuration: what is known at this moment. */
  reports(): readonly UnitReport[]
  /** Links, leader and store as this node sees them. */
  nodes(): NodesReport
  /** Verdicts on every service that is watched, also those that have no units. */
  watched(): readonly WatchedReport[]
  /** Resolves when the move has begun, with its run, or is refused. Until then it may be queued behind others. */
  move(wish: MoveWish): Promise<WishResult>
  /** The last failover by itself was seen: the next one need not wait. */
  acknowledge(wish: {
    readonly unit: string
    readonly by: string
    readonly reason: string
  }): Promise<WishResult>
  /** Kept in the store, so that it stands whoever leads. */
  setAutomation(change: AutomationChange): Promise<WishResult>
  /** Moves every unit away, then keeps the site out. The same site again: tries what is left once more. */
  drainSite(wish: SiteDrainWish): Promise<SiteDrainResult>
  /** Lets the site in again; nothing moves by that. `ok: false` where it was not drained. */
  undrainSite(wish: {
    readonly site: string
    readonly by: string
    readonly reason: string
  }): Promise<WishResult>
  /** Sites that are drained, or on their way. */
  drains(): readonly SiteDrainReport[]
  /** Of this node’s own audit log, ascending by `seq`. */
  audit(query: AuditQuery): Promise<readonly AuditRecord[]>
  /** Reads the whole log again and follows its hashes. */
  verifyAudit(): Promise<AuditVerdict>
}
