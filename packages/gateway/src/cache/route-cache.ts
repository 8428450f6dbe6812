import { stableRelease, type RouteCacheConfig } from '@budao/model'
import { judgeAnswer, type StorePolicy } from '@budao/resilience'
import type { RequestView } from '../filters/filter.ts'
import { cookieValue } from '../exchange/request-values.ts'
import type { AnswerStore } from './answer-store.ts'
import type { AskedRequest, CachedRequest } from './asked-request.ts'
import { CacheKey, wholeUrl } from './cache-key.ts'
import type { Flights } from './flights.ts'
import { valueIn } from '../exchange/header-lines.ts'
import type { StoredAnswer, VaryMark } from './stored-answer.ts'

/** The head of an answer that may be kept. Times are of the wall clock, in milliseconds. */
export interface AnswerHead {
  readonly status: number
  readonly reason: string
  /** Those to keep. */
  readonly lines: string
  /** What the origin, or a cache before this one, says of its age. */
  readonly age: string | undefined
  readonly requestedAt: number
  readonly receivedAt: number
}

export interface RouteCacheOptions {
  readonly route: string
  /** Row in the metrics. */
  readonly row: number
  /** Absent: answers are kept for bad times only. */
  readonly config: RouteCacheConfig | undefined
  /** Answers are kept so long for bad times; 0: not for that. */
  readonly fallbackMs: number
  /** Larger ones are not kept for bad times only. */
  readonly fallbackBytes: number
  readonly store: AnswerStore
  /** Of the thread. */
  readonly flights: Flights
}

/** Words of one answer that it can be purged by. */
const TAGS_MAX = 64

/** Answers kept for one route: for whom, under which key, by which rules. */
export class RouteCache {
  /** False where answers are kept for bad times only, and not given while the service answers. */
  readonly serves: boolean
  readonly row: number
  readonly key: CacheKey
  readonly store: AnswerStore
  readonly flights: Flights
  /** 0: no request waits for another one. */
  readonly coalesceWaitMs: number
  readonly bodyBytesMax: number
  readonly #policy: StorePolicy
  readonly #config: RouteCacheConfig | undefined

  constructor({ route, row, config, fallbackMs, fallbackBytes, store, flights }: RouteCacheOptions) {
    this.serves = config !== undefined
    this.row = row
    this.key = new CacheKey(route, config?.key ?? wholeUrl)
    this.store = store
    this.flights = flights
    this.coalesceWaitMs = config?.coalesceWait ?? 0
    this.bodyBytesMax = Math.min(store.entryBytesMax, config === undefined ? fallbackBytes : Infinity)
    this.#config = config
    this.#policy = {
      ttlMs: config?.ttl,
      defaultTtlMs: config?.defaultTtl,
      whileRevalidateMs: config?.staleWhileRevalidate ?? 0,
      ifErrorMs: config?.staleIfError ?? 0,
      fallbackMs,
    }
  }

  /** Not what another release than stable answers: it is not for users of stable, nor the reverse. Its writes are told all the same. */
  isFor({ method, release }: { readonly method: string; readonly release: string }): boolean {
    return release === '' || release === stableRelease || (method !== 'GET' && method !== 'HEAD')
  }

  read(request: CachedRequest, into: AskedRequest): void {
    into.read(request, this.#config?.credentials ?? cookieOnly, this.#config?.clientControl ?? false)
  }

  /** Whether the operator wants it to go past the cache. */
  bypasses(request: RequestView): boolean {
    if (this.#config === undefined) return false
    const { headers, cookies } = this.#config.bypass
    if (headers.some((name) => request.header(name) !== undefined)) return true
    if (cookies.length === 0) return false
    const sent = request.header('cookie')
    return cookies.some((name) => cookieValue(sent, name) !== undefined)
  }

  /** The answer as it would be kept, but for its body; null when the rules do not keep it. */
  draft({ method, credentials, control }: AskedRequest, head: AnswerHead): Omit<StoredAnswer, 'body'> | null {
    const { status, reason, lines, age, requestedAt, receivedAt } = head
    const header = (name: string): string | undefined => (name === 'age' ? age : valueIn(lines, name))
    const freshness = judgeAnswer(
      { method, status, credentials, requestNoStore: control.noStore, header, requestedAt, receivedAt },
      this.#policy,
    )
    if (typeof freshness === 'string') return null
    return {
      kind: 'answer',
      ...freshness,
      status,
      reason,
      lines: header('date') === undefined ? `${lines}Date: ${new Date(receivedAt).toUTCString()}\r\n` : lines,
      etag: header('etag'),
      lastModified: header('last-modified'),
      tags: this.#tags(header),
      receivedAt,
    }
  }

  /**
   * Keeps an answer. `known` is the mark that was found when it was looked up, `epoch` that of the store before the
   * answer was asked for. Returns the key it lies under.
   */
  keep(
    key: string,
    answer: StoredAnswer,
    request: RequestView,
    known: VaryMark | undefined,
    epoch: number,
  ): string {
    const names = varyNames(valueIn(answer.lines, 'vary'))
    const place = names.length === 0 ? key : this.#variedKey(key, names, answer, request, known, epoch)
    this.store.put(place, answer, epoch)
    return place
  }

  /** The key among those answers of a URL that vary by the same: the mark that is there stays if it says the same. */
  #variedKey(
    key: string,
    names: readonly string[],
    { receivedAt, keepMs }: StoredAnswer,
    request: RequestView,
    known: VaryMark | undefined,
    epoch: number,
  ): string {
    const now = this.store.get(key)
    const before = now instanceof Promise ? known : now
    const same = before?.kind === 'vary' && before.names.join() === names.join() ? before : undefined
    const mark: VaryMark = {
      kind: 'vary',
      names,
      id: same?.id ?? crypto.randomUUID(),
      receivedAt,
      keepMs: Math.max(keepMs, same === undefined ? 0 : same.receivedAt + same.keepMs - receivedAt),
    }
    if (same === undefined || same.receivedAt + same.keepMs < receivedAt + keepMs)
      this.store.put(key, mark, epoch)
    return CacheKey.varied(key, mark, request)
  }

  #tags(header: (name: string) => string | undefined): string[] {
    const value = this.#config === undefined ? undefined : header(this.#config.tagHeader)
    if (value === undefined) return []
    return value
      .split(/[\s,]+/)
      .filter((tag) => tag !== '')
      .slice(0, TAGS_MAX)
  }
}

const cookieOnly = ['cookie']

function varyNames(vary: string | undefined): string[] {
  if (vary === undefined) return []
  const names = vary.split(',').map((name) => name.trim().toLowerCase())
  return [...new Set(names)].filter((name) => name !== '').toSorted()
}
