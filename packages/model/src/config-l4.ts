/** Connections that are carried as bytes. Times in milliseconds. */
export interface TcpConfig {
  /** Without a byte either way for so long a connection is ended. Default 3 600 000. */
  readonly idle: number
  /** The longest a connection may last; absent: no limit. */
  readonly maxDuration?: number
}

/** The PROXY protocol on the way in, versions 1 and 2. */
export interface ProxyProtocolConfig {
  /** Addresses and networks whose connections begin with a header; empty: all do. */
  readonly trust: readonly string[]
}

/** Version of the PROXY header that a service’s endpoints get. */
export type ProxyProtocolVersion = 'v1' | 'v2'
