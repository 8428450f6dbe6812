/** Repeats of a keyed write are answered from its first result. */
export interface IdempotencyConfig {
  /** The request header that holds the key. Default Idempotency-Key. */
  readonly header: string
  /** Methods that a key counts for. Default POST, PUT, PATCH and DELETE. */
  readonly methods: readonly string[]
  /** Whether a write without a key is refused. Default false. */
  readonly required: boolean
  /**
   * Whose keys are apart: `user` (the `sub` of a verified token, else the header Authorization), `everybody`, `header:Name`,
   * `cookie:name`, `claim:name`, `openid`, or several together. Default `user`.
   */
  readonly by: readonly string[]
  /** How long a result answers repeats. Default 24 hours. */
  readonly ttl: number
  /** How long a repeat waits for the first one that is under way before it is told to come again. Default 0. */
  readonly wait: number
  /** A keyed write with a longer body is refused. Default 1 MiB. */
  readonly bodyBytes: number
  /** Of a longer answer only the status is kept. Default 64 KiB. */
  readonly answerBytes: number
  /** Statuses that are no result: the same key may try again. Default 401, 408, 425, 429 and all of 500 to 599. */
  readonly notKept: readonly string[]
  /** What becomes of a repeat whose first one may or may not have been done. Default forward. */
  readonly onUncertain: 'forward' | 'refuse'
  /** What becomes of keyed writes while keys cannot be kept: the store is away or full. Default forward. */
  readonly onStoreAway: 'forward' | 'refuse'
  /** Whether endpoints do a write with a key they know only once, so that it may be retried. Default false. */
  readonly endpointsHonourKeys: boolean
  /** Routes of one name share their keys. Default the route's name. */
  readonly name?: string
  /** Kept in this store, for several gateways: a key of `stores`. Absent: in a file of this gateway. */
  readonly store?: string
  /** Most keys in the file; above that, as `onStoreAway` says. Default 1 000 000. */
  readonly entries: number
  /** Most bytes of answers in the file; above that only statuses are kept. Default 1 GiB. */
  readonly bytes: number
}
