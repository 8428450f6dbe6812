import { parseHttpDate } from '../http-date.ts'
import { type CacheDirectives, parseCacheControl } from './cache-control.ts'

/** What decides whether an answer may be kept for others. Wall-clock milliseconds. */
export interface AnswerFacts {
  readonly method: string
  readonly status: number
  /** The client said who it is; `authorization` by that header, `other` by a cookie or what else the operator named. */
  readonly credentials: 'none' | 'authorization' | 'other'
  /** The request forbids storing (`Cache-Control: no-store`). */
  readonly requestNoStore: boolean
  /** Of the answer, name in lower case. */
  header(name: string): string | undefined
  readonly requestedAt: number
  readonly receivedAt: number
}

/** What an operator wants otherwise than the origin says. Milliseconds. */
export interface StorePolicy {
  /** In place of every lifetime the origin gives. */
  readonly ttlMs?: number | undefined
  /** Where the origin gives none. */
  readonly defaultTtlMs?: number | undefined
  /** Where the origin says nothing of it. */
  readonly whileRevalidateMs: number
  /** Where the origin says nothing of it. */
  readonly ifErrorMs: number
  /** Answers 200 are kept so long for times without any, whatever the origin says of their freshness; 0 for not. */
  readonly fallbackMs: number
}

/** How long an answer is good for what. Milliseconds, counted from its arrival. */
export interface Freshness {
  /** Its age as it arrived. */
  readonly initialAgeMs: number
  /** 0 or less: to be asked again each time. */
  readonly freshMs: number
  /** Behind `freshMs`. */
  readonly whileRevalidateMs: number
  /** Behind `freshMs`. */
  readonly ifErrorMs: number
  readonly fallbackMs: number
  /** Never to be given stale because a client would take it so. */
  readonly noStale: boolean
  /** The origin said that it is for everybody: may be given to clients that say who they are. */
  readonly explicit: boolean
  /** Nobody can use it any more behind this time. */
  readonly keepMs: number
}

/** Why an answer is not kept. */
export type StoreRefusal =
  | 'method'
  | 'status'
  | 'no-store'
  | 'private'
  | 'credentials'
  | 'set-cookie'
  | 'vary'
  | 'partial'
  | 'lifetime'

/** Without an explicit lifetime only these may be kept (RFC 9110, 15.1), less 206, which is a part. */
const keptByDefault: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
/** An operator's own lifetimes are for what was asked for, and for where it has gone. */
const keptByOperator: ReadonlySet<number> = new Set([200, 203, 301, 308])
/** An answer with a validator is worth asking about for so long, whatever its lifetime. */
const validatorMs = 86_400_000
const secondMs = 1_000

/** Whether a shared cache may keep an answer, and how long it is good for what (RFC 9111, 3 and 4.2). */
export function judgeAnswer(facts: AnswerFacts, policy: StorePolicy): Freshness | StoreRefusal {
  const { status, credentials } = facts
  if (facts.method !== 'GET') return 'method'
  if (status === 206 || facts.header('content-range') !== undefined) return 'partial'
  // Of what went wrong at the origin nothing is kept, even where it says so: the next attempt may be better.
  if (status < 200 || status === 304 || (status >= 500 && status !== 501)) return 'status'
  const control = parseCacheControl(facts.header('cache-control'))
  if (facts.requestNoStore || control.noStore) return 'no-store'
  if (control.private) return 'private'
  // RFC 9111 would have it kept where it is public: a mistake that hands out sessions is not worth the hits.
  if (facts.header('set-cookie') !== undefined) return 'set-cookie'
  if (facts.header('vary')?.includes('*') === true) return 'vary'
  const explicit = control.public || control.sMaxAge !== null
  if (credentials === 'authorization' && !explicit && !control.mustRevalidate) return 'credentials'
  if (credentials === 'other' && !explicit) return 'credentials'

  const arrivedAgeMs = ageOnArrival(facts)
  const initialAgeMs = arrivedAgeMs === Infinity ? 0 : arrivedAgeMs
  const forced = keptByOperator.has(status) ? policy.ttlMs : undefined
  const lifetimeMs = originLifetime(facts, control)
  const freshMs =
    forced ??
    (lifetimeMs === null
      ? keptByOperator.has(status) && !pragmaNoCache(facts)
        ? (policy.defaultTtlMs ?? 0)
        : 0
      : arrivedAgeMs === Infinity
        ? 0
        : lifetimeMs - initialAgeMs)
  const noStale = control.mustRevalidate || control.proxyRevalidate || control.noCache
  // s-maxage counts as proxy-revalidate (RFC 9111, 5.2.2.10), but for what the same origin allows by name.
  const silent = noStale || control.sMaxAge !== null
  const whileRevalidateMs = noStale
    ? 0
    : control.staleWhileRevalidate === null
      ? silent
        ? 0
        : policy.whileRevalidateMs
      : control.staleWhileRevalidate * secondMs
  const ifErrorMs = noStale
    ? 0
    : control.staleIfError === null
      ? silent
        ? 0
        : policy.ifErrorMs
      : control.staleIfError * secondMs
  const fallbackMs = status === 200 ? policy.fallbackMs : 0
  // `no-cache` gives none: it says what is to be done with an answer that may be kept, not that it may.
  const givesLifetime =
    control.sMaxAge !== null || control.maxAge !== null || facts.header('expires') !== undefined
  if (!givesLifetime && forced === undefined && !keptByDefault.has(status)) return 'lifetime'
  const validated = facts.header('etag') !== undefined || facts.header('last-modified') !== undefined
  const keepMs = Math.max(
    Math.max(0, freshMs) + Math.max(whileRevalidateMs, ifErrorMs, validated ? validatorMs : 0),
    fallbackMs,
  )
  if (keepMs <= 0) return 'lifetime'
  return {
    initialAgeMs,
    freshMs,
    whileRevalidateMs,
    ifErrorMs,
    fallbackMs,
    noStale,
    explicit: explicit || (control.mustRevalidate && credentials === 'authorization'),
    keepMs,
  }
}

/**
 * RFC 9111, 4.2.3: by the origin's clock, or by what caches before this one say, whichever is more. Infinity where that
 * is no single number: what cannot be read must not make an answer younger.
 */
function ageOnArrival({ header, requestedAt, receivedAt }: AnswerFacts): number {
  const date = parseHttpDate(header('date') ?? '', receivedAt)
  const apparentMs = date === null ? 0 : Math.max(0, receivedAt - date)
  const said = header('age')
  if (said !== undefined && !/^\d+$/.test(said.trim())) return Infinity
  const saidMs = said === undefined ? 0 : Math.min(Number(said), 2 ** 31) * secondMs
  // Dates have whole seconds: what arrived within the second is not a second old.
  return Math.max(
    apparentMs < secondMs ? 0 : apparentMs,
    saidMs === 0 ? 0 : saidMs + (receivedAt - requestedAt),
  )
}

/** From the origin's own words, milliseconds; null when it says nothing. No heuristic: what may be kept is said. */
function originLifetime({ header, receivedAt }: AnswerFacts, control: CacheDirectives): number | null {
  if (control.noCache) return 0
  if (control.sMaxAge !== null) return control.sMaxAge * secondMs
  if (control.maxAge !== null) return control.maxAge * secondMs
  const expires = header('expires')
  if (expires === undefined) return null
  const until = parseHttpDate(expires, receivedAt)
  if (until === null) return 0
  return Math.max(0, until - (parseHttpDate(header('date') ?? '', receivedAt) ?? receivedAt))
}

function pragmaNoCache({ header }: AnswerFacts): boolean {
  return header('cache-control') === undefined && /no-cache/i.test(header('pragma') ?? '')
}
