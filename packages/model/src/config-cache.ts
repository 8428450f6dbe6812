/** Where answers are kept for others. Sizes in bytes. */
export interface CacheConfig {
  /** Of the whole cache, in the memory that all workers share. Default 64 MiB. Not with `store`. */
  readonly bytes: number
  /** Larger answers are not kept. Default 1 MiB. */
  readonly entryBytes: number
  /** A key of `stores`: kept there instead, for several gateways. */
  readonly store?: string
}

/** Which answers of a route are kept, for how long, and for whom. Times in milliseconds. */
export interface RouteCacheConfig {
  /** A key of `caches`; `default` is always there. Default `default`. */
  readonly in: string
  /** In place of every lifetime the origin gives. */
  readonly ttl?: number
  /** Where the origin gives none. */
  readonly defaultTtl?: number
  /** An answer that is older than its lifetime by up to this is given at once, and fetched anew meanwhile. Default 0. */
  readonly staleWhileRevalidate: number
  /** It is given in place of an error up to this. Default 0. */
  readonly staleIfError: number
  readonly key: CacheKeyConfig
  readonly bypass: CacheBypassConfig
  /** Headers beside Authorization that say who asks. Default `cookie`. In lower case. */
  readonly credentials: readonly string[]
  /** Whether a client may ask past the cache by its Cache-Control. Default true. */
  readonly clientControl: boolean
  /** How long a request waits for the answer to an equal one; 0: not at all. Default 5000. */
  readonly coalesceWait: number
  /** The header of an answer that lists what it can be purged by. Default `cache-tag`. In lower case. */
  readonly tagHeader: string
}

/** What of a request makes it another one, beside route, scheme and path. */
export interface CacheKeyConfig {
  readonly host: boolean
  readonly query: boolean
  /** Query parameters that make no difference. */
  readonly ignoreQuery: readonly string[]
  /** Request headers, in lower case. */
  readonly headers: readonly string[]
}

/** Requests with any of these go past the cache. */
export interface CacheBypassConfig {
  /** In lower case. */
  readonly headers: readonly string[]
  readonly cookies: readonly string[]
}
