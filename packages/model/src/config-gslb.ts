/** Authoritative DNS whose answers follow the health of sites. Durations in milliseconds. */
export interface GslbConfig {
  /** `host:port` each, UDP and TCP; port 0 takes a free one. Empty: asked over `http` only. */
  readonly listen: readonly string[]
  /** Absent: no answers over HTTP. */
  readonly http?: GslbHttpConfig
  /** By site: where its clients are sent, and which clients are near to it. */
  readonly sites: Readonly<Record<string, GslbSiteConfig>>
  /** MMDB files that say where an address is: countries, regions, networks of carriers. Relative to the configuration file. */
  readonly geo: readonly string[]
  /** Whether the client's network that a resolver passes on (RFC 7871) counts in place of the resolver's. Default true. */
  readonly clientSubnet: boolean
  /** Most bytes of an answer over UDP, whatever the client allows. Default 1232. */
  readonly udpBytes: number
  readonly tcp: GslbTcpConfig
  readonly rateLimit: GslbRateLimitConfig | false
  /** By name of the zone, such as `shop.example`. */
  readonly zones: Readonly<Record<string, GslbZoneConfig>>
}

/** Answers over HTTP: for clients that resolve so, and for a name server that asks its back end so. */
export interface GslbHttpConfig {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string
  /** Whether other name servers may ask here, by the HTTP connector of their remote backend. Default false. */
  readonly remoteBackend: boolean
  /** Whose `X-Forwarded-For` says who the client is, such as a gateway in front. Addresses and networks. */
  readonly trust: readonly string[]
}

/** Where a site is reached, and whom it is near to. */
export interface GslbSiteConfig {
  /** IPv4 and IPv6 addresses of its gateways. */
  readonly addresses: readonly string[]
  /** Networks that belong to it: the longest prefix of all sites wins, before anything geographic. */
  readonly networks: readonly string[]
  /** Numbers of autonomous systems, such as those of a carrier. */
  readonly asns: readonly number[]
  /** Regions as country and subdivision of ISO 3166-2, such as `CN-GD`. */
  readonly regions: readonly string[]
  /** Countries of ISO 3166-1, two letters. */
  readonly countries: readonly string[]
  /** Two letters: AF, AN, AS, EU, NA, OC, SA. */
  readonly continents: readonly string[]
}

/** Limits of DNS over TCP. */
export interface GslbTcpConfig {
  /** Most connections at once. Default 1000. */
  readonly connections: number
  /** Most of one address. Default 100. */
  readonly perClient: number
  /** A connection that asks nothing for so long is ended. Default 10 000. */
  readonly idle: number
}

/** Against being used as an amplifier: answers over UDP to one network. */
export interface GslbRateLimitConfig {
  /** Most answers a second to one /24 of IPv4 or /56 of IPv6. Default 200. */
  readonly perSecond: number
  /** Of those beyond it every n-th is answered truncated, so that a real client may come by TCP; 0: none is. Default 2. */
  readonly slip: number
  /** Addresses and networks that it does not hold for. */
  readonly exempt: readonly string[]
}

/** One zone: its own records, and the names whose answers follow the sites. */
export interface GslbZoneConfig {
  /** Names of its name servers. */
  readonly nameServers: readonly string[]
  /** Who is responsible, written as a name: `hostmaster.shop.example`. Default `hostmaster` in the zone. */
  readonly contact?: string
  /** How long it may be kept that something does not exist. Default 60 000. */
  readonly negativeTtl: number
  /** Fixed records. */
  readonly records: readonly GslbRecordConfig[]
  /** Names whose addresses follow the sites: `api`, `@` for the zone itself, `*.shops`. */
  readonly names: Readonly<Record<string, GslbNameConfig>>
}

/** A record as it stands in a zone file. */
export interface GslbRecordConfig {
  /** Within the zone: `www`, `@`, `*.shops`. */
  readonly name: string
  readonly type: GslbRecordType
  /** Default 3 600 000. */
  readonly ttl: number
  /** As zone files write it: `10 mail.shop.example`. */
  readonly value: string
}

/** Types of fixed records. */
export type GslbRecordType = 'A' | 'AAAA' | 'CAA' | 'CNAME' | 'MX' | 'SRV' | 'TXT'

/** A name whose addresses follow the sites. */
export interface GslbNameConfig {
  /** A site serves the name as far as it serves all of these. */
  readonly services: readonly string[]
  readonly policy: GslbPolicy
  /** Sites to answer with, first choice first. Default all of `gslb.sites`, in their order. */
  readonly sites?: readonly string[]
  /** By site; of others that of `sites.<name>.weight`. */
  readonly weights: Readonly<Record<string, number>>
  /** How long an answer may be kept: the longer nothing has changed, the longer. */
  readonly ttl: GslbTtlConfig
  /** A site that has been down is answered with again when it has served for so long. Default 30 000. */
  readonly returnAfter: number
  /** A site with a smaller share of usable endpoints, percent, is answered with only when there is none better. Default 50. */
  readonly minUsablePercent: number
  /** How long a client keeps its site where chance decides. Default 600 000; 0: each answer is drawn. */
  readonly sticky: number
}

/**
 * `failover`: the first usable site of `sites`.
 * `nearest`: the usable site nearest to the client; of several equally near ones, by weight.
 * `weighted`: one usable site, by weight.
 * `all-active`: the addresses of all usable sites.
 */
export type GslbPolicy = 'failover' | 'nearest' | 'weighted' | 'all-active'

/** Bounds of a time to live. */
export interface GslbTtlConfig {
  /** Default 5000. */
  readonly min: number
  /** Default 30 000. */
  readonly max: number
}
