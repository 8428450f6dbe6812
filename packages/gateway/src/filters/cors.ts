import type { CorsConfig } from '@budao/model'
import type { Filter, FilterRequest, FilterResponse, Reply } from './filter.ts'

/**
 * Lets pages of the given origins call this route. Answers preflights by itself with 204, and is the only one to say
 * who may read an answer: what a service says about that is replaced. An origin that is not allowed gets answers
 * without those headers, and the browser keeps them from the page.
 */
export class CorsFilter implements Filter {
  readonly name = 'cors'
  readonly #everyOrigin: boolean
  readonly #origins: ReadonlySet<string>
  /** Such as `https:` and `.shop.example` for `https://*.shop.example`. */
  readonly #belowOrigins: readonly (readonly [scheme: string, domain: string])[]
  readonly #credentials: boolean
  readonly #methods: string
  readonly #headers: string
  readonly #maxAge: string

  /** Throws a RangeError for origin `*` with credentials: every page of the world could act for a user logged in. */
  constructor(config: CorsConfig) {
    const origins = config.origins.map((origin) => origin.toLowerCase())
    this.#everyOrigin = origins.includes('*')
    if (this.#everyOrigin && config.credentials) {
      throw new RangeError('filter cors: expected a list of origins where credentials are allowed, got "*"')
    }
    this.#origins = new Set(origins)
    this.#belowOrigins = origins.flatMap((origin) => {
      const [scheme, domain] = origin.split('//*', 2)
      return domain === undefined ? [] : [[`${scheme}//`, domain] as const]
    })
    this.#credentials = config.credentials
    this.#methods = config.methods.join(', ')
    this.#headers = config.headers.join(', ')
    this.#maxAge = String(Math.floor(config.maxAge / 1000))
  }

  onRequest(request: FilterRequest): Reply | undefined {
    if (request.method !== 'OPTIONS') return undefined
    const origin = request.header('origin')
    if (origin === undefined || request.header('access-control-request-method') === undefined)
      return undefined
    const headers: [string, string][] = [
      ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
    ]
    if (!this.#allows(origin)) return { status: 204, headers, body: '' }

    headers.push(['Access-Control-Allow-Origin', this.#everyOrigin ? '*' : origin])
    if (this.#credentials) headers.push(['Access-Control-Allow-Credentials', 'true'])
    headers.push(['Access-Control-Allow-Methods', this.#methods], ['Access-Control-Max-Age', this.#maxAge])
    const allowed = this.#headers === '' ? requestedHeaders(request) : this.#headers
    if (allowed !== '') headers.push(['Access-Control-Allow-Headers', allowed])
    return { status: 204, headers, body: '' }
  }

  onResponse(request: FilterRequest, response: FilterResponse): void {
    const origin = request.header('origin')
    const allowed = origin !== undefined && this.#allows(origin)
    if (this.#everyOrigin) {
      response.setHeader('Access-Control-Allow-Origin', '*')
    } else {
      if (allowed) response.setHeader('Access-Control-Allow-Origin', origin)
      else response.removeHeader('Access-Control-Allow-Origin')
      varyByOrigin(response)
    }
    if (this.#credentials && allowed) response.setHeader('Access-Control-Allow-Credentials', 'true')
    else response.removeHeader('Access-Control-Allow-Credentials')
  }

  #allows(origin: string): boolean {
    if (this.#everyOrigin || this.#origins.has(origin)) return true
    return this.#belowOrigins.some(([scheme, domain]) => {
      if (!origin.startsWith(scheme) || !origin.endsWith(domain)) return false
      return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(origin.slice(scheme.length, -domain.length))
    })
  }
}

/** What the preflight asks for, if it is a list of header names: it goes into a header of ours. */
function requestedHeaders(request: FilterRequest): string {
  const asked = request.header('access-control-request-headers') ?? ''
  return /^[\w!#$%&'*+.^`|~, \t-]*$/.test(asked) ? asked : ''
}

/** Also without an Origin header: a cache must not give that answer to a page. */
function varyByOrigin(response: FilterResponse): void {
  const vary = response.header('vary')
  if (vary === undefined || vary.trim() === '') return response.setHeader('Vary', 'Origin')
  const names = vary.split(',').map((name) => name.trim().toLowerCase())
  if (!names.includes('*') && !names.includes('origin')) response.setHeader('Vary', `${vary}, Origin`)
}
