/** What `Cache-Control` says, of an answer or a request. Seconds; null where a directive is absent. */
export interface CacheDirectives {
  readonly noStore: boolean
  readonly noCache: boolean
  readonly private: boolean
  readonly public: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly onlyIfCached: boolean
  readonly maxAge: number | null
  readonly sMaxAge: number | null
  readonly minFresh: number | null
  /** Infinity when it names no limit. */
  readonly maxStale: number | null
  readonly staleWhileRevalidate: number | null
  readonly staleIfError: number | null
}

/** Beyond this a number of seconds is this (RFC 9111, 1.2.2). */
const secondsMax = 2_147_483_648

/** A list of nothing. */
export const noDirectives: CacheDirectives = {
  noStore: false,
  noCache: false,
  private: false,
  public: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  onlyIfCached: false,
  maxAge: null,
  sMaxAge: null,
  minFresh: null,
  maxStale: null,
  staleWhileRevalidate: null,
  staleIfError: null,
}

/**
 * Reads a `Cache-Control` value, lines joined by commas. Directives that name fields (`no-cache="set-cookie"`) count for
 * the whole answer. Of a time given twice the shortest holds, and one that is no number is 0: what is unclear must not be
 * kept longer (RFC 9111, 4.2.1).
 */
export function parseCacheControl(value: string | undefined): CacheDirectives {
  if (value === undefined || value === '') return noDirectives
  const found = new Map<string, number | null>()
  for (const [, name = '', quoted, bare] of value.matchAll(directive)) {
    const key = name.toLowerCase()
    const seconds = secondsOf(quoted ?? bare)
    const before = found.get(key)
    found.set(
      key,
      seconds === null || before === undefined || before === null ? seconds : Math.min(before, seconds),
    )
  }
  const seconds = (name: string): number | null => (found.has(name) ? (found.get(name) ?? 0) : null)
  return {
    noStore: found.has('no-store'),
    noCache: found.has('no-cache'),
    private: found.has('private'),
    public: found.has('public'),
    mustRevalidate: found.has('must-revalidate'),
    proxyRevalidate: found.has('proxy-revalidate'),
    onlyIfCached: found.has('only-if-cached'),
    maxAge: seconds('max-age'),
    sMaxAge: seconds('s-maxage'),
    minFresh: seconds('min-fresh'),
    maxStale: found.has('max-stale') ? (found.get('max-stale') ?? Infinity) : null,
    staleWhileRevalidate: seconds('stale-while-revalidate'),
    staleIfError: seconds('stale-if-error'),
  }
}

/** A name, and behind `=` a quoted text or what reaches to the next comma. Without nested quantifiers: no backtracking. */
const directive = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^,]*)))?/g

function secondsOf(text: string | undefined): number | null {
  if (text === undefined) return null
  return /^\d+$/.test(text.trim()) ? Math.min(Number(text), secondsMax) : 0
}
