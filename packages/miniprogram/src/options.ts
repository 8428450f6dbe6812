import type { ChannelOptions } from './channel.ts'
import type { FailoverOptions } from './channels.ts'
import type { CacheTimes } from './cache-policy.ts'
import type { Feature } from './feature.ts'
import type { QueryValue } from './query.ts'
import type { Runtime } from './runtime.ts'
import type { Priority, SchedulerOptions } from './scheduler.ts'
import type { Method, Transport } from './transport.ts'

/** What a client is made of. The defaults of numbers and words are in `clientDefaults`. */
export interface CoreOptions extends Partial<CallDefaults> {
  /** The first is the one to use while it works. A base URL, or what `ChannelOptions` says. */
  readonly channels: readonly (ChannelOptions | string)[]
  /** How requests are sent: by the platform's `request`, by `fetchTransport(globalThis)` and so on. */
  readonly transport: Transport
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Options of the platform's own for every request, such as `{ enableHttp2: true }`. */
  readonly native?: Readonly<Record<string, unknown>>
  readonly failover?: Partial<FailoverOptions>
  readonly scheduler?: Partial<SchedulerOptions>
  /** What the client does beside: `cacheAnswers()`, `auth(…)`, `telemetry(…)`, `channelList(…)`. */
  readonly features?: readonly Feature[]
  readonly runtime?: Runtime
}

export interface CallDefaults {
  /** Milliseconds for a call as a whole. Default 15 000. */
  readonly timeoutMs: number
  /** Milliseconds for one attempt where another may follow. Default 4 000: four of them fit, the last a short one. */
  readonly attemptMs: number
  /** Attempts of one call. Default 4: where 64 % of them succeed, 98 % of calls do. */
  readonly attemptsMax: number
  /** Retries as a share of calls, percent. Default 10. */
  readonly retryPercent: number
  /**
   * The server answers a repeated Idempotency-Key from its first result, as Budao's gateway does: then a write whose fate
   * is not known is sent again. Default false: it fails with `maybe-sent`.
   */
  readonly keysHonoured: boolean
  /** Names the header that says how many milliseconds are left; empty sends none. Default `X-Budao-Timeout`. */
  readonly timeoutHeader: string
  /** What probes ask a channel for. Default `/budao/v1/ping`. */
  readonly probePath: string
}

export const clientDefaults: CallDefaults = {
  timeoutMs: 15_000,
  attemptMs: 4_000,
  attemptsMax: 4,
  retryPercent: 10,
  keysHonoured: false,
  timeoutHeader: 'X-Budao-Timeout',
  probePath: '/budao/v1/ping',
}

/** What one call may say for itself. */
export interface CallOptions {
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly headers?: Readonly<Record<string, string>>
  readonly priority?: Priority
  readonly timeoutMs?: number
  readonly attemptMs?: number
  readonly attemptsMax?: number
  /** Whether sending it twice does no harm. Default by its method, and `keysHonoured` for writes. */
  readonly repeatable?: boolean
  /** There is something in it that is good for one use, such as a login's code: never sent again where a server may have seen it, not even after a 429. */
  readonly once?: boolean
  /** `json` (default) is parsed and must be JSON; the others are handed over as they came. */
  readonly responseType?: 'json' | 'text' | 'arraybuffer'
  /** Keeps the answer of a GET, or does not. Default as the client. */
  readonly cache?: boolean | Partial<CacheTimes>
  /** False: sent without a token, and a 401 is its answer. Default true. */
  readonly auth?: boolean
  /** Sent only while this user is logged in, else `aborted`. Default whoever is. */
  readonly asUser?: string
  /** Options of the platform's own, such as `enableHttp2`. */
  readonly native?: Readonly<Record<string, unknown>>
}

export interface RequestOptions extends CallOptions {
  readonly method?: Method
  readonly path: string
  /** An object is sent as JSON. */
  readonly data?: unknown
}
