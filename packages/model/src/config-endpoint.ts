/** One address that serves, or a name that stands for several. */
export interface EndpointConfig {
  /**
   * `host:port`, where a host that is a name stands for every address it resolves to, or `srv:NAME` for the targets of
   * an SRV record. In a snapshot in force only literal addresses are left.
   */
  readonly address: string
  readonly site: string
  /** Share against other endpoints; 0 gets no traffic. Default 1. */
  readonly weight: number
  /** Default `stable`. */
  readonly release: string
  /** Higher ranks get only what lower ranks, at all sites, cannot carry. Default 0. */
  readonly rank: number
  /** Absent for an endpoint that stands in the file with its literal address. Never in a file. */
  readonly origin?: EndpointOrigin
}

/** Where an endpoint comes from that does not stand in the file itself. */
export interface EndpointOrigin {
  readonly kind: 'resolved' | 'registered'
  /** The `address` of the file that was resolved; empty for a registered one. */
  readonly name: string
}

/** How the names in `endpoints` are resolved. Times in milliseconds. */
export interface DnsConfig {
  /** `ip` or `ip:port` of the servers to ask; absent: the hosts file, then the servers of the system. */
  readonly servers?: readonly string[]
  /** Which addresses of a name are used. Default `prefer-ipv4`: IPv6 only where there is no IPv4. */
  readonly family: DnsFamily
  /** One resolution, all servers and repetitions included. Default 2000. */
  readonly timeout: number
  /** A shorter time to live counts as this, and so does none. Default 1000. */
  readonly ttlMin: number
  /** A longer time to live counts as this. Default 60 000. */
  readonly ttlMax: number
  /** Most endpoints that one name may stand for. Default 64. */
  readonly addressesMax: number
}

/** Which addresses of a name are used. */
export type DnsFamily = 'prefer-ipv4' | 'ipv4' | 'ipv6' | 'both'

/** Endpoints that register themselves over the admin API, for a time they have to renew. */
export interface RegistrationConfig {
  /** Most registered endpoints of the service at once. Default 64. */
  readonly endpointsMax: number
  /** Longest lease that may be asked for, milliseconds. Default 600 000. */
  readonly leaseMax: number
}
