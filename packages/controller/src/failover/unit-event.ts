import type {
  Automation,
  FailoverRun,
  OrderAnswer,
  RunKind,
  SitePosition,
  SiteStandby,
  SiteVerdict,
  Versioned,
  WriteLease,
} from '@budao/model'

/**
 * What a controller learns about a unit. Every controller gets all of them, whether it leads or not, so that a
 * successor knows as much as the one before and loses no time.
 */
export type UnitEvent =
  /** The lease as the store has it; null: there is none yet. From a watch or a read. */
  | { readonly kind: 'lease'; readonly record: Versioned<WriteLease> | null }
  /** The journal of the last run as the store has it. */
  | { readonly kind: 'run'; readonly record: Versioned<FailoverRun> | null }
  /** The common word on every site of the service, when one has changed. */
  | { readonly kind: 'verdicts'; readonly verdicts: readonly SiteVerdict[] }
  | { readonly kind: 'positions'; readonly positions: readonly SitePosition[] }
  /** What agents say of processes that are started only when the work goes to their site; of those that say something. */
  | { readonly kind: 'standbys'; readonly standbys: readonly SiteStandby[] }
  /** Sites that a person has taken out of service. */
  | { readonly kind: 'drained'; readonly sites: readonly string[] }
  | { readonly kind: 'automation'; readonly automation: Automation }
  /**
   * This controller leads with that term, until that moment of its clock; again with every renewal. After it the unit
   * does nothing more, also where nobody could say `unled` in time: the process may have been stopped.
   */
  | { readonly kind: 'led'; readonly term: number; readonly until: number }
  | { readonly kind: 'unled' }
  /** What came of an effect `store`; `ok` null: nobody knows. */
  | {
      readonly kind: 'stored'
      readonly ref: string
      readonly ok: boolean | null
      readonly current: Versioned | null
    }
  /** What came of an effect `order`. One that nobody answered in time is answered with `ok: false`. */
  | { readonly kind: 'answer'; readonly answer: OrderAnswer }
  /** All gateways that can be reached have a placement. */
  | { readonly kind: 'published'; readonly stepId: string }
  | { readonly kind: 'wish'; readonly wish: UnitWish }
  /** The scheduler lets the run begin that the unit wants. */
  | { readonly kind: 'go' }
  | { readonly kind: 'tick' }

/** What a person wants done. */
export type UnitWish =
  /** Move the work, planned: nothing acknowledged is lost, or nothing happens. Forced: as if it were down. */
  | {
      readonly id: string
      readonly wish: 'move'
      readonly run: RunKind
      readonly to: string
      readonly by: string
      readonly reason: string
      /** A failover away from a site that is well. Default false. */
      readonly force?: boolean
      /** No person wants it: a policy, or a gateway that ends. What happened before is not seen by that. Default false. */
      readonly unattended?: boolean
    }
  /** The last automatic failover was seen: the next one need not wait. */
  | { readonly id: string; readonly wish: 'acknowledge'; readonly by: string; readonly reason?: string }

/** The moment of an event: `now` monotonic of this process, `wall` milliseconds since 1970, for people and journals. */
export interface Moment {
  readonly now: number
  readonly wall: number
}
