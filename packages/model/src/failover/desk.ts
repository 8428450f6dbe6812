import type { Automation } from '../config-failover.ts'
import type { AuditRecord } from './audit-record.ts'
import type { Explanation } from './explanation.ts'
import type { RunKind } from './failover-run.ts'

/** A person’s wish to move a unit. */
export interface MoveWish {
  readonly unit: string
  readonly kind: RunKind
  readonly to: string
  /** Who asks, as the audit log names them. */
  readonly by: string
  /** Never empty. */
  readonly reason: string
  /**
   * A failover away from a site that is well: what it has acknowledged and the new one lacks is lost. Without it such a wish
   * is refused before the desk sees it, see `moveRefusal`.
   */
  readonly force: boolean
}

/** What became of a wish. A refusal is a value: nothing has changed then. */
export interface WishResult {
  /** Taken up; a move is then under way, not done: its run tells the rest. */
  readonly ok: boolean
  readonly why: Explanation
  /** The run that carries a move out, `FailoverRun.id`; null for other wishes and refused ones. */
  readonly runId: string | null
}

/** Which units a change of `automation` is about. */
export type AutomationScope = { readonly unit: string } | { readonly service: string } | 'all'

/** A person’s change of the gating switch; it stands over restarts, until the next one. */
export interface AutomationChange {
  readonly scope: AutomationScope
  readonly automation: Automation
  readonly by: string
  readonly reason: string
}

/** A person’s wish to take a whole site out of service. */
export interface SiteDrainWish {
  readonly site: string
  readonly by: string
  readonly reason: string
  /** Even if a unit has no healthy site left then. */
  readonly force: boolean
}

/** What became of it: the drain as it begins, or the units that would be left without a site. */
export type SiteDrainResult =
  | { readonly ok: true; readonly drain: SiteDrainReport }
  | {
      readonly ok: false
      readonly why: Explanation
      readonly refused: readonly { readonly unit: string; readonly why: string }[]
    }

/** A site on its way out of service, or out. */
export interface SiteDrainReport {
  readonly site: string
  /** Wall-clock time, ISO 8601 in UTC. */
  readonly since: string
  readonly by: string
  readonly reason: string
  readonly forced: boolean
  /**
   * moving: units are still there. drained: none is, and no new work comes. stuck: a move was rolled back or refused; what is
   * left is moved by another drain of the same site.
   */
  readonly state: 'moving' | 'drained' | 'stuck'
  readonly moves: readonly SiteDrainMove[]
  /** Units that are left without a site because a person forced it. */
  readonly lost: readonly string[]
}

/** One unit of a drain. */
export interface SiteDrainMove {
  readonly unit: string
  readonly to: string
  readonly state: 'waiting' | 'moving' | 'moved' | 'failed'
  /** Null until it has begun. */
  readonly runId: string | null
  /** Why it failed; empty otherwise. */
  readonly why: string
}

/** Which records of the audit log are wanted, oldest first. */
export interface AuditQuery {
  /** Only of this unit, service or site. */
  readonly subject?: string
  /** Only records with a higher `seq`. Default 0. */
  readonly after?: number
  /** At most so many: the first ones after `after`, or the newest where it is absent. Default 100. */
  readonly limit?: number
}

/** Whether the audit log is whole. */
export interface AuditVerdict {
  readonly ok: boolean
  readonly records: number
  /** The last record, by which what is cut off later can be found; null where there is none. */
  readonly last: Pick<AuditRecord, 'seq' | 'hash'> | null
  /** The first record that does not follow from the one before. */
  readonly broken: { readonly seq: number; readonly why: 'changed' | 'removed-before' | 'unreadable' } | null
}

/** The nodes as one of them sees them: links, leadership and the store. */
export interface NodesReport {
  /** The node that says so. */
  readonly self: string
  readonly leader: LeaderReport | null
  readonly store: {
    /** As `control.store.type` names it. */
    readonly type: string
    /** False since it last did not answer in time. */
    readonly reachable: boolean
    /** Since its last answer, milliseconds; null: none yet. */
    readonly answeredMs: number | null
  }
  /** This node first, then in the order of the configuration. */
  readonly nodes: readonly NodeReport[]
}

/** Who leads, as far as this node knows. */
export interface LeaderReport {
  readonly node: string
  readonly term: number
  /** This node is it. */
  readonly self: boolean
  /** Where its admin API answers, as it said when it connected, a URL; null: nobody knows. */
  readonly admin: string | null
}

/** What a node can be; one may be all of it. */
export type NodeRole = 'observer' | 'keeper' | 'controller' | 'agent'

/** One node and the link to it. */
export interface NodeReport {
  readonly node: string
  /** Null: a witness. */
  readonly site: string | null
  /** What it would be lost with: its site, or a witness’s own name. */
  readonly domain: string
  readonly roles: readonly NodeRole[]
  /** Where its links listen. */
  readonly address: string
  /** Where its admin API answers, as it said when it connected, a URL; null: nobody knows. */
  readonly admin: string | null
  /** up: beats are answered. silent: connected, and they are not. down: no connection. refused: it, or we, said no. */
  readonly link: 'self' | 'up' | 'silent' | 'down' | 'refused'
  /** Since the link is so, milliseconds; null for the node itself. */
  readonly sinceMs: number | null
  /** Since the last beat was answered, milliseconds; null: never, or the node itself. */
  readonly answeredMs: number | null
  readonly roundTripMs: number | null
  /** Why it is not up; empty when it is. */
  readonly why: string
  /** Why its word does not count at this moment; null: it does. */
  readonly abstains: string | null
}
