import type { CacheKeyConfig } from '@budao/model'
import type { RequestView } from '../filters/filter.ts'
import { normalizeTarget } from '../routing/path.ts'
import { queryName } from '../exchange/request-values.ts'
import type { VaryMark } from './stored-answer.ts'

/** A key that is the URL. */
export const wholeUrl: CacheKeyConfig = { host: true, query: true, ignoreQuery: [], headers: [] }

/** Makes the keys of one route: what two requests must have in common to get the same answer. */
export class CacheKey {
  /** Every key of the route begins so. */
  readonly prefix: string
  readonly #config: CacheKeyConfig
  readonly #ignored: ReadonlySet<string>
  readonly #ignoredPrefixes: readonly string[]

  constructor(route: string, config: CacheKeyConfig) {
    this.prefix = `${route} `
    this.#config = config
    const { ignoreQuery } = config
    this.#ignored = new Set(ignoreQuery.filter((name) => !name.endsWith('*')))
    this.#ignoredPrefixes = ignoreQuery.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  }

  /** Request headers that belong to it, in lower case. */
  get headers(): readonly string[] {
    return this.#config.headers
  }

  /**
   * A trusted proxy's word on scheme and host belongs to it, since endpoints believe it, too: an answer made for another
   * host must not be given to everybody.
   */
  of(request: RequestView): string {
    const scheme = request.header('x-forwarded-proto') ?? request.scheme
    // With its port: an origin that writes it into links would have one client's choice of it given to all.
    const host = this.#config.host ? (request.header('host') ?? request.host).toLowerCase() : ''
    let key = `${this.prefix}${scheme}://${host}${request.path}`
    const query = this.#query(request.query)
    if (query !== '') key += `?${query}`
    const forwardedHost = request.header('x-forwarded-host')
    if (forwardedHost !== undefined) key += `\n${forwardedHost}`
    return this.headers.length > 0 ? key + this.#headers(request) : key
  }

  /** The keys of what else an answer to a write says has changed: of the same host only (RFC 9111, 4.4). */
  sibling(request: RequestView, location: string): string | undefined {
    const host = request.header('host') ?? request.host
    const base = `http://${host}${request.path}`
    if (!URL.canParse(location, base)) return undefined
    const url = new URL(location, base)
    if (url.host !== new URL(base).host) return undefined
    const target = normalizeTarget(url.pathname + url.search)
    if (target === null) return undefined
    const { method, scheme, listener, clientIp } = request
    return this.of({
      method,
      scheme,
      listener,
      clientIp,
      host: request.host,
      ...target,
      header: (name) => request.header(name),
    })
  }

  /** The key of an answer that depends on these headers of the request too. */
  static varied(key: string, { id, names }: VaryMark, request: RequestView): string {
    let varied = `${key}\n${id}`
    for (const name of names) varied += `\n${normalized(name, request.header(name))}`
    return varied
  }

  #headers(request: RequestView): string {
    let values = ''
    for (const name of this.headers) values += `\n${name}: ${normalized(name, request.header(name))}`
    return values
  }

  #query(query: string): string {
    if (query === '' || !this.#config.query) return ''
    if (this.#ignored.size === 0 && this.#ignoredPrefixes.length === 0) return query
    return query
      .split('&')
      .filter((pair) => {
        const name = queryName(pair)
        return !this.#ignored.has(name) && !this.#ignoredPrefixes.some((prefix) => name.startsWith(prefix))
      })
      .join('&')
  }
}

/** Codings whose mere presence in Accept-Encoding decides an answer, whatever the order and the weights above 0. */
const codings = ['br', 'deflate', 'gzip', 'zstd'] as const

/**
 * A header's value as it counts for an answer. What cannot change the answer is left out (RFC 9111, 4.1): white space,
 * and in Accept-Encoding everything but which of the usual codings are taken.
 */
function normalized(name: string, value: string | undefined): string {
  if (value === undefined) return '\t'
  if (name === 'accept-language') return value.toLowerCase().replaceAll(/\s/g, '')
  if (name !== 'accept-encoding') return value.trim().replaceAll(/\s*,\s*/g, ',')
  const said = value.toLowerCase()
  if (said.includes('*') || said.includes('identity')) return said.replaceAll(/\s/g, '')
  return codings
    .filter((coding) =>
      new RegExp(`(?:^|[\\s,])${coding}\\s*(?:$|,|;(?!\\s*q=0(?:\\.0*)?\\s*(?:,|$)))`).test(said),
    )
    .join()
}
