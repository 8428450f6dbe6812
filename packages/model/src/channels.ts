/** The order in which apps are told to try their channels, as one route serves it now. */
export interface ChannelListReport {
  readonly route: string
  readonly version: number
  /** Origins, best first. */
  readonly order: readonly string[]
  /** Until what is served now is good no more; it is signed anew long before. */
  readonly expiresInSeconds: number
  /** Whether the order stands in a file of its own, and can be changed while the gateway runs. */
  readonly changeable: boolean
}

/** An operator's wish for another order. */
export interface ChannelChange {
  readonly order: readonly string[]
  /** Default one more than the one in force. */
  readonly version?: number
  /** Why, for the event. */
  readonly reason: string
}

/** What became of it. */
export type ChannelChangeResult =
  | { readonly ok: true; readonly version: number }
  | {
      readonly ok: false
      readonly code: 'unknown-route' | 'order-configured' | 'order-refused' | 'not-applied'
      readonly problem: string
    }

/** An access token of a provider of `identity`. */
export interface AccessToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}
