import type { AggregateConfig } from './config-aggregate.ts'
import type { RedirectConfig, RespondConfig } from './config-answer.ts'
import type { JsonValue } from './config-json.ts'
import type { PriorityName } from './config.ts'
import type { RouteCacheConfig } from './config-cache.ts'
import type { IdempotencyConfig } from './config-idempotency.ts'
import type { JwtConfig } from './config-jwt.ts'
import type { ServeConfig } from './config-serve.ts'
import type { SplitConfig } from './config-split.ts'
import type { FaultConfig, MirrorConfig, StickyConfig } from './config-traffic.ts'

/** Which requests it takes, what they pass, and which services answer them. */
export interface RouteConfig {
  readonly name: string
  /** Lower case; `*`, an exact name, or `*.example.com` for every name below it. */
  readonly hosts: readonly string[]
  /** Names of the listeners whose requests it takes. Absent: all. */
  readonly listeners?: readonly string[]
  /** Any of them suffices; never empty. */
  readonly match: readonly MatchConfig[]
  readonly filters: readonly FilterConfig[]
  /** Empty when the route answers in one of the ways below. */
  readonly backends: readonly BackendConfig[]
  readonly respond?: RespondConfig
  readonly redirect?: RedirectConfig
  readonly aggregate?: AggregateConfig
  readonly serve?: ServeConfig
  /** Which backend a user gets; absent: drawn anew for each request. */
  readonly sticky?: StickyConfig
  /** Which release of its services a request goes to; absent: releases are only names. */
  readonly split?: SplitConfig
  readonly mirror?: MirrorConfig
  /** Protocols that clients may turn to with the header Upgrade, lower case. Default websocket. */
  readonly upgrade: readonly string[]
  readonly rewrite?: RewriteConfig
  /** Instead of the service's request timeout. */
  readonly timeout?: number
  /** Instead of the service's `perTry`. Default half of `timeout` when that is given. */
  readonly perTry?: number
  /** Absent: nothing is kept for others. */
  readonly cache?: RouteCacheConfig
  readonly fallback?: FallbackConfig
  /** Class of its requests. Default `normal`. */
  readonly priority: PriorityName | PriorityHeaderConfig
}

/** The class that a header says, bounded by `max`. */
export interface PriorityHeaderConfig {
  readonly header: string
  /** The best class a request may have. Default `high`. */
  readonly max: PriorityName
  /** The class of requests without that header, or with another word in it. Default `normal`. */
  readonly default: PriorityName
}

/** All parts that are given must hold. */
export interface MatchConfig {
  readonly path?: PathMatch
  /** Absent: every method. */
  readonly method?: readonly string[]
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, ValueMatch>>
  readonly query: Readonly<Record<string, ValueMatch>>
  readonly cookies: Readonly<Record<string, ValueMatch>>
}

/** A prefix is made of whole segments: `/api` holds for `/api` and `/api/x`, not for `/apix`; a regular expression (JavaScript's) must match the whole path. */
export type PathMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string }

/** What a value says. A regular expression must match the whole value. */
export type TextMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string }

/** `not` holds for another value, and for none. */
export type ValueMatch = TextMatch | { readonly present: boolean } | { readonly not: TextMatch }

/** A service and its share of a route’s requests. */
export interface BackendConfig {
  readonly service: string
  /** Share of the sum of all weights: with a sum of 10 000 these are basis points. 0 gets nothing. Default 100. */
  readonly weight: number
}

/** What endpoints are asked for instead of what the client asked for. `prefix` and `path` exclude each other. */
export interface RewriteConfig {
  /** Takes the place of the matched prefix, or of the whole path where the match is not a prefix. */
  readonly prefix?: string
  /** Takes the place of the whole path. */
  readonly path?: string
  /** The Host endpoints get. */
  readonly host?: string
}

/** Used when no endpoint gave an answer: 502, 503 or 504 of the gateway itself or from the backend. */
export interface FallbackConfig {
  /** The last good answer to the same request, if not older than this, is tried first. */
  readonly stale?: number
  /** Answers larger than this are not kept. Default 1 MiB. */
  readonly staleBytes: number
  /** Another service, tried second. */
  readonly service?: string
  /** Status of the JSON answer. Default 200. */
  readonly status: number
  /** Answered last; absent: the error goes to the client. */
  readonly json?: JsonValue
}

/** One step of a route's chain: exactly one key. */
export type FilterConfig =
  | { readonly jwt: JwtConfig }
  | { readonly rateLimit: RateLimitConfig }
  | { readonly accessLog: AccessLogConfig }
  | { readonly cors: CorsConfig }
  | { readonly headers: HeadersConfig }
  | { readonly fault: FaultConfig }
  | { readonly idempotency: IdempotencyConfig }
  | { readonly module: ModuleConfig }

/** Requests beyond the limit are answered 429 with Retry-After. */
export interface RateLimitConfig {
  /**
   * Who shares one limit: `ip`, `route` (everybody), `header:Name`, `cookie:name`, `claim:name` of a verified token, `openid`, or
   * several together. Default `ip`.
   */
  readonly key: readonly string[]
  readonly requests: number
  readonly per: number
  /** So many at once. Default `requests`. */
  readonly burst: number
  /** Most keys remembered. Default 16 384. */
  readonly keysMax: number
  /** Counted together with other gateways in this store: a key of `stores`. Absent: in this gateway alone. */
  readonly store?: string
  /** Limits of one name in one store are one. Default the route and the filter's place in it. */
  readonly name?: string
  /** While the store is away: count in this gateway alone, let everybody pass, or nobody. Default `local`. */
  readonly onStoreFailure: 'local' | 'allow' | 'deny'
  /** Whether answers say how much is left. Default false. */
  readonly headers: boolean
}

/** One line for every exchange. */
export interface AccessLogConfig {
  /** Default json. */
  readonly format: 'json' | 'combined'
  /** Instead of a format: text with names of fields between braces. */
  readonly template?: string
  /** A file, relative to the configuration file; absent: standard output. */
  readonly path?: string
}

/** Which pages of other origins may ask. */
export interface CorsConfig {
  /** `*`, or origins such as `https://shop.example`. Default `*`. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  /** Request headers a page may send; empty: those it asks for. */
  readonly headers: readonly string[]
  readonly credentials: boolean
  /** How long a browser keeps a preflight's answer. Default 600 000. */
  readonly maxAge: number
}

/** Headers to change on the way in and on the way back. */
export interface HeadersConfig {
  readonly request: HeaderEdit
  readonly response: HeaderEdit
}

/** In this order: `remove`, `set`, `add`. A header that is set replaces every line of that name, one that is added none. */
export interface HeaderEdit {
  readonly set: Readonly<Record<string, string>>
  readonly add: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

/** A filter of the user’s own. */
export interface ModuleConfig {
  /** A JavaScript or TypeScript file, relative to the configuration file. */
  readonly path: string
  /** Handed to the module as it is. */
  readonly options?: JsonValue
}
