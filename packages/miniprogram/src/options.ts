import type { AuthOptions } from './auth.ts'
import { cacheTimes, type CacheTimes } from './cache-policy.ts'
import { cacheStoreDefaults, type CacheStoreOptions } from './cache-store.ts'
import type { ChannelOptions } from './channel.ts'
import { failoverDefaults, type FailoverOptions } from './channels.ts'
import { outboxDefaults, type OutboxOptions, type OutboxWatcher } from './outbox.ts'
import type { QueryValue } from './query.ts'
import type { Runtime } from './runtime.ts'
import { schedulerDefaults, type Priority, type SchedulerOptions } from './scheduler.ts'
import type { Storage } from './storage.ts'
import type { Method, Transport } from './transport.ts'

export interface ClientOptions {
  /** The first is the one to use while it works. */
  readonly channels: readonly ChannelOptions[]
  /** How requests are sent: `weixin(wx)`, `fetchTransport()` and so on. */
  readonly transport: Transport
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds for a call as a whole. Default 15 000. */
  readonly timeoutMs?: number
  /** Milliseconds for one attempt where another may follow. Default 5 000. */
  readonly attemptMs?: number
  /** Attempts of one call. Default 3. */
  readonly attemptsMax?: number
  /** Retries as a share of calls, percent. Default 10. */
  readonly retryPercent?: number
  /**
   * The server answers a repeated Idempotency-Key from its first result, as Budao's gateway does: then a write whose fate
   * is not known is sent again. Default false: it fails with `maybe-sent`.
   */
  readonly keysHonoured?: boolean
  /** Names the header that says how many milliseconds are left; empty sends none. Default `X-Request-Timeout-Ms`. */
  readonly timeoutHeader?: string
  readonly failover?: Partial<FailoverOptions>
  readonly scheduler?: Partial<SchedulerOptions>
  /** Keeps answers to GETs for that long; `{}` for the usual times. Default: none are kept, but for calls that ask for it. */
  readonly cache?: Partial<CacheTimes>
  /** Where they are kept, `nativeStorage(wx)` for example. Default memory. */
  readonly storage?: Storage
  readonly cacheStore?: Partial<CacheStoreOptions>
  readonly auth?: AuthOptions
  readonly outbox?: Partial<OutboxOptions>
  /** Is told what became of queued writes. */
  readonly onQueued?: OutboxWatcher
  /** What probes ask a channel for. Default `/healthz`. */
  readonly probePath?: string
  readonly runtime?: Runtime
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
  /** `json` (default) is parsed and must be JSON; the others are handed over as they came. */
  readonly responseType?: 'json' | 'text' | 'arraybuffer'
  /** Keeps the answer of a GET, or does not. Default as the client. */
  readonly cache?: boolean | Partial<CacheTimes>
  /** Options of the platform's own, such as `enableHttp2`. */
  readonly native?: Readonly<Record<string, unknown>>
}

export interface RequestOptions extends CallOptions {
  readonly method?: Method
  readonly path: string
  /** An object is sent as JSON. */
  readonly data?: unknown
}

/** A write for the outbox. */
export interface QueuedWrite {
  /** What it changes: `cart:7`. */
  readonly entity: string
  /** Default POST. */
  readonly method?: Method
  readonly path: string
  readonly data?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Options with every default filled in. */
export interface ClientSettings {
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly attemptMs: number
  readonly attemptsMax: number
  readonly retryPercent: number
  readonly keysHonoured: boolean
  readonly timeoutHeader: string
  readonly failover: FailoverOptions
  readonly scheduler: SchedulerOptions
  /** Null: only calls that ask for it keep their answers. */
  readonly cache: CacheTimes | null
  readonly cacheStore: CacheStoreOptions
  readonly outbox: OutboxOptions
  readonly probePath: string
}

/** Throws a RangeError that says what was expected and got. */
export function clientSettings(options: ClientOptions): ClientSettings {
  if (options.channels.length === 0) throw new RangeError('channels: expected at least one, got none')
  for (const { baseUrl } of options.channels) {
    if (!/^https?:\/\/[^/?#]+(\/[^?#]*)?$/.test(baseUrl))
      throw new RangeError(`channels: expected a baseUrl such as https://api.example.com, got ${baseUrl}`)
  }
  return {
    headers: options.headers ?? {},
    timeoutMs: between('timeoutMs', options.timeoutMs ?? 15_000, 1, 60_000),
    attemptMs: between('attemptMs', options.attemptMs ?? 5_000, 1, 60_000),
    attemptsMax: between('attemptsMax', options.attemptsMax ?? 3, 1, 10),
    retryPercent: between('retryPercent', options.retryPercent ?? 10, 0, 100),
    keysHonoured: options.keysHonoured ?? false,
    timeoutHeader: options.timeoutHeader ?? 'X-Request-Timeout-Ms',
    failover: { ...failoverDefaults, ...options.failover },
    scheduler: { ...schedulerDefaults, ...options.scheduler },
    cache: options.cache === undefined ? null : { ...cacheTimes, ...options.cache },
    cacheStore: { ...cacheStoreDefaults, ...options.cacheStore },
    outbox: { ...outboxDefaults, ...options.outbox },
    probePath: options.probePath ?? '/healthz',
  }
}

function between(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value
  throw new RangeError(`${name}: expected ${least} to ${most}, got ${value}`)
}
