/** A server that several gateways share: exactly one key, which says what it is. */
export type StoreConfig = { readonly redis: RedisStoreConfig }

/** A Redis or Valkey server, or anything that speaks its protocol and runs its scripts. Times in milliseconds. */
export interface RedisStoreConfig {
  /** `redis://user:password@host:6379/0`, with TLS `rediss://…`. */
  readonly url: string
  /** Certificate authority in PEM, relative to the configuration file; absent: the system's. Only with `rediss:`. */
  readonly ca?: string
  /** A call without an answer by then has failed. Default 50. */
  readonly timeout: number
  /** Default 1000. */
  readonly connectTimeout: number
  /** Failed calls in a row until the store counts as away. Default 3. */
  readonly failures: number
  /** How often a store that is away is looked for. Default 1000. */
  readonly probeInterval: number
  /** In front of every key. Default `budao:`. */
  readonly keyPrefix: string
}
