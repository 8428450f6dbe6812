import type { AuditDraft, Explanation, Placement, SiteOrder } from '@budao/model'

/**
 * What a unit’s rules want done. The loop around them carries each out once and tells what came of it; all are
 * harmless when repeated, because a successor may have to.
 */
export type UnitEffect =
  /** Compare-and-set; answered by `stored` with the same `ref`, at the latest after `storeTimeoutMs`. */
  | {
      readonly kind: 'store'
      readonly ref: string
      readonly key: string
      readonly version: number
      readonly value: unknown
    }
  /** Read it again; answered by `lease` or `run`. */
  | { readonly kind: 'read'; readonly key: string }
  /** To the agent of `order.site`; answered by `answer`, at the latest after `timeoutMs`. */
  | { readonly kind: 'order'; readonly order: SiteOrder; readonly timeoutMs: number }
  /** To all gateways and DNS servers; answered by `published`, at the latest after `timeoutMs`. */
  | {
      readonly kind: 'publish'
      readonly stepId: string
      readonly placement: Placement
      readonly timeoutMs: number
    }
  /** To people; `id` is the same when it is repeated, so that nobody is told twice. */
  | { readonly kind: 'notify'; readonly id: string; readonly what: Explanation; readonly critical: boolean }
  | { readonly kind: 'audit'; readonly draft: Omit<AuditDraft, 'at' | 'actor'> & { readonly actor?: string } }
  /** A person’s wish was taken up, or refused and why. */
  | { readonly kind: 'reply'; readonly wish: string; readonly ok: boolean; readonly why: Explanation }
  /** Call `tick` at that moment at the latest; monotonic milliseconds. */
  | { readonly kind: 'wake'; readonly at: number }
