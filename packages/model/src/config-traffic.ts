import type { ValueMatch } from './config-route.ts'

/** Shows a share of a route's requests to another service, whose answers nobody gets. */
export interface MirrorConfig {
  readonly service: string
  /** Of 10 000. Default all. */
  readonly basisPoints: number
  /** Default GET, HEAD and OPTIONS. */
  readonly methods: readonly string[]
  /** A request with a longer body is not shown. Default 65 536. */
  readonly bodyBytes: number
  /** Until the whole answer must be there. Default 3 000. */
  readonly timeout: number
  /** Most under way at once in each worker; what is above is not shown. Default 64. */
  readonly concurrency: number
}

/** What says that two requests are of one user: exactly one of these. */
export interface StickyKey {
  readonly header?: string
  readonly cookie?: string
  readonly query?: string
  readonly claim?: string
  readonly ip?: true
}

/** Keeps a user at the same backend of a route. */
export interface StickyConfig extends StickyKey {
  /** Users are spread anew with another one. Default the route's name. */
  readonly salt?: string
  /** With `cookie`: who has none is given one for so long; 0 for as long as the browser is open. Absent: none is given. */
  readonly ttl?: number
}

/** Trouble on purpose, for drills. */
export interface FaultConfig {
  /** Only requests with these headers; names in lower case. Empty: all. */
  readonly headers: Readonly<Record<string, ValueMatch>>
  readonly delay?: FaultDelay
  readonly abort?: FaultAbort
  /** Makes the draws of each worker the same in each run. */
  readonly seed?: number
}

export interface FaultDelay {
  /** Of 10 000. */
  readonly basisPoints: number
  readonly fixed: number
  /** Most delayed at once in each worker; what is above goes on at once. Default 1 024. */
  readonly concurrency: number
}

export interface FaultAbort {
  /** Of 10 000. */
  readonly basisPoints: number
  /** 400 to 599. */
  readonly status: number
}
