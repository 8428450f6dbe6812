import type { DnsConfig, EndpointConfig, RegistrationConfig } from './config-endpoint.ts'
import type { CacheConfig } from './config-cache.ts'
import type { ControlConfig } from './config-control.ts'
import type { AlertsConfig } from './config-alerts.ts'
import type { DrillsConfig } from './config-drills.ts'
import type { DetectionConfig, FailoverConfig, ObjectivesConfig } from './config-failover.ts'
import type { DataConfig, OwnershipConfig } from './config-ownership.ts'
import type { GslbConfig } from './config-gslb.ts'
import type { ProcessConfig } from './config-process.ts'
import type { LogsConfig } from './config-logs.ts'
import type { TracingConfig } from './config-tracing.ts'
import type { ReplicationConfig } from './config-replication.ts'
import type { RolloutConfig } from './config-rollout.ts'
import type { RouteConfig } from './config-route.ts'
import type { IdentityConfig } from './providers/identity.ts'
import type { StoreConfig } from './providers/store.ts'
import type { VirtualIpConfig } from './providers/virtual-ip.ts'
import type { ProxyProtocolConfig, ProxyProtocolVersion, TcpConfig } from './config-l4.ts'
import type { TlsConfig, UpstreamTlsConfig } from './config-tls.ts'

/**
 * The configuration as every part of Budao reads it: complete (defaults filled in), checked, plain JSON.
 * Durations are milliseconds, sizes bytes. `docs/reference/config.md` describes the file people write.
 */
export interface Config {
  readonly version: 1
  readonly node: NodeConfig
  /** Folder for snapshots, events and stores; relative to the configuration file. Default `./data`. */
  readonly dataDir: string
  /** In file order, which is their order of preference where one is needed. */
  readonly sites: Readonly<Record<string, SiteConfig>>
  readonly admin: AdminConfig
  /** Threads that serve; `auto` is one for each CPU. Default 1. */
  readonly workers: number | 'auto'
  /** How long SIGTERM waits for requests in flight. Default 30 000. */
  readonly drain: number
  readonly log: LogConfig
  /** Absent: no spans; trace headers are forwarded all the same. */
  readonly tracing?: TracingConfig
  readonly dns: DnsConfig
  /** Absent: no names are answered for. */
  readonly gslb?: GslbConfig
  /** Absent: nothing fails on purpose by itself. */
  readonly drills?: DrillsConfig
  /** Absent: nothing is judged, and nobody told. */
  readonly alerts?: AlertsConfig
  /** Absent: the gateway does not watch itself. */
  readonly overload?: OverloadConfig
  /** At least one, but for a controller. */
  readonly listeners: readonly ListenerConfig[]
  /** Absent: this node takes no part in failover. */
  readonly control?: ControlConfig
  /** Absent: data stays where it is. */
  readonly replication?: ReplicationConfig
  /** Absent: logs stay where they are written. */
  readonly logs?: LogsConfig
  /** Absent: the gateway has the addresses of its machine. */
  readonly virtualIp?: VirtualIpConfig
  /** Servers that several gateways share, by name. */
  readonly stores: Readonly<Record<string, StoreConfig>>
  /** Who knows users by a code of theirs, by name. */
  readonly identity: Readonly<Record<string, IdentityConfig>>
  /** Where answers are kept for others, by name. */
  readonly caches: Readonly<Record<string, CacheConfig>>
  readonly services: Readonly<Record<string, ServiceConfig>>
  /** What `budao agent` and `budao up` start and keep running, by name. */
  readonly processes: Readonly<Record<string, ProcessConfig>>
  /** How releases come to users, by name. Nothing begins by itself. */
  readonly rollouts: Readonly<Record<string, RolloutConfig>>
  /** The first route in this order that matches a request takes it. */
  readonly routes: readonly RouteConfig[]
}

/** Who this process is. */
export interface NodeConfig {
  readonly name: string
  /** The site this process runs at: a key of `sites`. Of a witness its own name, which is none. */
  readonly site: string
}

/** A place that can be lost as a whole. */
export interface SiteConfig {
  /** Share of the load against other sites. Default 1. */
  readonly weight: number
  /** A file with one `PID name` a line: what `budao drill` may stop and kill. */
  readonly pidFile?: string
}

/** Where the admin API and the console listen, and who may use them. */
export interface AdminConfig {
  /** `host:port`. Default `127.0.0.1:9900`. */
  readonly address: string
  /** Absent: everybody on loopback may read and change. */
  readonly tokens?: AdminTokens
}

/** Bearer tokens: a viewer may read, an operator may read and change. */
export interface AdminTokens {
  readonly viewer?: string
  readonly operator?: string
}

/** The process’s own log, JSON lines on standard error. */
export interface LogConfig {
  readonly level: LogLevel
}

/** Least severity that is written. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** An address that clients connect to. */
export interface ListenerConfig {
  readonly name: string
  /** `host:port`; port 0 takes a free one. */
  readonly address: string
  /** `tcp` and `tls-passthrough` carry bytes to a service, whatever they say. */
  readonly protocol: 'http' | 'https' | 'tcp' | 'tls-passthrough'
  /** Present when the protocol is https, perhaps when it is tcp: TLS then ends here. */
  readonly tls?: TlsConfig
  /** Present exactly when the protocol is tcp. */
  readonly service?: string
  /** Present exactly when the protocol is tls-passthrough: name asked for, `*.example.com` or `*`, to service. */
  readonly sni?: Readonly<Record<string, string>>
  readonly tcp: TcpConfig
  /** Absent: connections begin with no PROXY header. */
  readonly proxyProtocol?: ProxyProtocolConfig
  /** What is spoken. Default h2 and http/1.1 with https, http/1.1 without. */
  readonly protocols: readonly ClientProtocol[]
  /** True: `X-Forwarded-*` and `X-Request-Id` of the peer are believed; otherwise they are replaced. */
  readonly trustForwarded: boolean
  readonly limits: ListenerLimits
}

/** By its name in ALPN; without TLS `h2` is by prior knowledge. */
export type ClientProtocol = 'h2' | 'http/1.1'

/** What one client may take up. Sizes in bytes, times in milliseconds. */
export interface ListenerLimits {
  /** Largest request head, bytes. Default 16 384. */
  readonly headerBytes: number
  /** Most header lines. Default 100. */
  readonly headers: number
  /** Largest request body, bytes; 0 is no limit. Default 10 MiB. */
  readonly bodyBytes: number
  /** Most open connections. Default 10 000. */
  readonly connections: number
  /** The whole head must arrive within this time. Default 10 000. */
  readonly headTimeout: number
  /** A body may arrive this slowly, bytes a second, and not slower; 0 is no limit. Default 240. */
  readonly bodyRate: number
  /** Time before `bodyRate` holds. Default 5 000. */
  readonly bodyGrace: number
  /** How long a connection may wait between requests. Default 75 000. */
  readonly idle: number
  /** Most requests under way on one connection of HTTP/2. Default 100. */
  readonly streams: number
  /** Most requests of HTTP/2 that one connection may cancel within 30 s. Default 200. */
  readonly resets: number
}

/** A named set of endpoints and the rules that guard it. */
export interface ServiceConfig {
  /** How sites share the work. Default `multi-active`. */
  readonly mode: ServiceMode
  /** Empty only where endpoints may register. */
  readonly endpoints: readonly EndpointConfig[]
  readonly registration: RegistrationConfig | false
  /** Default `least-request`. */
  readonly balance: BalanceName
  /** What `ring-hash` and `maglev` hash. Default the client's address. */
  readonly hashOn: HashOnConfig
  /** With `hashOn.cookie`: a client that has none is given one for so long; 0 for as long as the browser is open. Absent: none is given. */
  readonly cookieTtl?: number
  /** Absent: no active checks. */
  readonly healthCheck?: HealthCheckConfig
  readonly outlier: OutlierConfig | false
  readonly breaker: BreakerConfig | false
  readonly timeouts: TimeoutsConfig
  /** Absent: plain connections. */
  readonly tls?: UpstreamTlsConfig
  /** Endpoints get a PROXY header that says who the client is; only of `tcp` and `tls-passthrough` listeners. */
  readonly proxyProtocol?: ProxyProtocolVersion
  readonly retry: RetryConfig
  readonly slowStart?: SlowStartConfig
  readonly priority: PriorityConfig
  readonly limits: ServiceLimits
  /** Absent: the defaults, where something watches the sites. */
  readonly detection?: DetectionConfig
  readonly objectives?: ObjectivesConfig
  /** Absent: nobody holds a lease on writes, and no site takes over from another but by its share of the traffic. */
  readonly failover?: FailoverConfig
  /** Absent: every request belongs to the first site’s unit. */
  readonly ownership?: OwnershipConfig
  /** Absent: nobody, and what a failover loses is unknown. */
  readonly data?: DataConfig
}

/**
 * `multi-active`: a gateway prefers its own site, the others take over what it cannot carry.
 * `active-active`: all sites share the load by their weights.
 * `active-standby`: the first site in file order takes all, the others wait.
 */
export type ServiceMode = 'active-standby' | 'active-active' | 'multi-active'

/** How an endpoint is chosen among those of a site. */
export type BalanceName =
  | 'round-robin'
  | 'least-request'
  | 'least-connections'
  | 'peak-ewma'
  | 'random'
  | 'ring-hash'
  | 'maglev'

/** The part of a request that decides its endpoint. */
export type HashOnConfig =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }
  | { readonly ip: true }

/** Active checks of every endpoint. Times in milliseconds. */
export interface HealthCheckConfig {
  readonly type: 'http' | 'tcp'
  /** With type http. Default `/`. */
  readonly path: string
  /** The Host header of a check; absent: the endpoint's address. */
  readonly host?: string
  readonly interval: number
  /** At most `interval`. */
  readonly timeout: number
  /** Failed checks in a row until an endpoint gets no more traffic. Default 3. */
  readonly unhealthyAfter: number
  /** Passed checks in a row until it gets traffic again. Default 2. */
  readonly healthyAfter: number
  /** Ranges such as `200-399` and single codes such as `204`: see `statusMatcher`. */
  readonly expectStatus: readonly string[]
}

/** Passive ejection by the failures of real requests. Times in milliseconds. */
export interface OutlierConfig {
  /** Failures in a row until an endpoint is ejected. Default 3. */
  readonly maxFails: number
  /** How long it stays ejected. Default 30 000. */
  readonly failTimeout: number
}

/** Circuit breakers, one for the service and one for each endpoint. Times in milliseconds. */
export interface BreakerConfig {
  /** The rolling window. Default 5000. */
  readonly window: number
  /** Parts the window moves by. Default 10. */
  readonly buckets: number
  /** Fewer calls in the window than this never open it. Default 20. */
  readonly requestVolumeThreshold: number
  /** Opens at this share of failures or more, percent. Default 50. */
  readonly errorThresholdPercentage: number
  /** How long it stays open before a trial. Default 5000. */
  readonly sleepWindow: number
  /** When a hung trial gives its permit back. Default the longer of 5000 and the request timeout. */
  readonly trialLease: number
  /** A call that takes longer is slow; absent: slowness is not judged. */
  readonly slowCall?: number
  /** Opens at this share of slow calls or more, percent. Default 50; only with `slowCall`. */
  readonly slowCallPercentage: number
}

/** How long each part may take, milliseconds. */
export interface TimeoutsConfig {
  readonly connect: number
  /** For upstream TLS. */
  readonly tlsHandshake: number
  /** From the end of the request to the head of the answer, all attempts included; then the longest silence within the answer. Default 3000. */
  readonly request: number
  /** One attempt where another one may follow. Default half of `request`, or all of it with no retries. */
  readonly perTry: number
  /** Endpoints are told by `X-Budao-Timeout` how long an answer is awaited, also where the client did not say. Default false. */
  readonly announce: boolean
  /** How long an upstream connection is kept unused. Default 300 000. */
  readonly idle: number
  /** The longest silence of a tunnel in both directions. Default 300 000, as Envoy’s stream_idle_timeout. */
  readonly tunnel: number
}

/** When a request is attempted again. */
export interface RetryConfig {
  /** Most attempts after the first. Default 1. */
  readonly attempts: number
  /** Retries may be this share of requests, percent. Default 20. */
  readonly budgetPercent: number
  /** So many retries are always possible. Default 3. */
  readonly budgetMin: number
  /** A request body up to this size is kept for another attempt. Default 65 536. */
  readonly bodyBytes: number
  readonly on: readonly RetryOn[]
  readonly backoff: BackoffConfig
  /** Absent: nobody is asked while an attempt still runs. */
  readonly hedge?: HedgeConfig
}

/** Another attempt elsewhere while the first still runs: the first good answer wins. */
export interface HedgeConfig {
  /** Milliseconds, or the quantile of recent latencies after which an answer is late. */
  readonly after: number | LatencyQuantileName
  /** Most such attempts for one request. Default 1. */
  readonly max: number
}

/** A quantile of recent latencies. */
export type LatencyQuantileName = 'p50' | 'p90' | 'p95' | 'p99'

/**
 * What makes another attempt: `connect-failure` (no connection), `reset-before-request` (the connection broke
 * and provably no byte was processed), `reset` (it broke before the answer's head), `timeout` (an attempt ran
 * out of `perTry`), or a status as three digits. All but the first two only for idempotent methods.
 */
export type RetryOn = 'connect-failure' | 'reset-before-request' | 'reset' | 'timeout' | `${number}`

/** Full jitter: a wait is drawn from 0 to min(max, base × 2^attempt). */
export interface BackoffConfig {
  readonly base: number
  readonly max: number
}

/** An endpoint that comes, or comes back, gets its full share over this window, milliseconds. */
export interface SlowStartConfig {
  readonly window: number
  /** Default 10. */
  readonly minWeightPercent: number
  /** 1 is linear; above 1 starts faster. Default 1. */
  readonly aggression: number
}

/** When other sites take over from this one, percent. */
export interface PriorityConfig {
  /** A site counts as whole while this percentage of its healthy share is at least 100. Default 140. */
  readonly overprovisioningPercent: number
  /** Below this share of healthy endpoints health is ignored. Default 50. */
  readonly panicPercent: number
}

/** What is refused with 503 beyond these numbers. */
export interface ServiceLimits {
  /** Most requests in flight. Default 1024. */
  readonly concurrency: number
  /** Most requests waiting for a connection. Default 1024. */
  readonly pending: number
  /** Most connections to one endpoint. Default 512. */
  readonly connections: number
  /** Absent: `concurrency` alone limits. */
  readonly adaptive?: AdaptiveConfig
  /** Absent: nobody waits for a place. */
  readonly queue?: QueueConfig
  /** Share of the limit that each class may take, percent; used where a route gives a priority. */
  readonly shares: Readonly<Record<PriorityName, number>>
  /** What `Retry-After` tells who was turned away: this, drawn up to twice of it. Default 1000. */
  readonly retryAfter: number
}

/** The limit below `concurrency` that the service's latency shows. */
export interface AdaptiveConfig {
  /** Default 4. */
  readonly min: number
  /** So much above the latency without a queue is not yet a queue, percent. Default 25. */
  readonly bufferPercent: number
  /** How often the latency without a queue is measured at least, milliseconds. Default 30 000. */
  readonly measureEvery: number
}

/** Who finds no place waits for one, best class first. */
export interface QueueConfig {
  /** Most that wait, over all threads. Default 100. */
  readonly size: number
  /** Nobody waits longer, milliseconds. Default 500. */
  readonly timeout: number
}

/** Classes of requests, best first: the last is shed first. */
export const priorityNames = ['critical', 'high', 'normal', 'low'] as const

/** One of `priorityNames`. */
export type PriorityName = (typeof priorityNames)[number]

/** When the gateway itself sheds, lowest class first. */
export interface OverloadConfig {
  /** How late a thread may be with its work, milliseconds. Default 100. */
  readonly loopDelay: number
  /** How much of its heap a thread may use, percent. Default 90. */
  readonly heapPercent: number
}
