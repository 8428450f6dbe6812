import {
  isNotModified,
  noDirectives,
  parseCacheControl,
  type AnswerFacts,
  type CacheDirectives,
} from '@budao/resilience'
import type { Answer } from '../client/client.ts'
import type { RequestView } from '../filters/filter.ts'
import { valueIn } from '../exchange/header-lines.ts'
import { partOf } from './partial-answer.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** A request as the cache looks at it. */
export interface CachedRequest extends RequestView {
  /** Whether a header came with the request, also where a filter has taken it away. */
  arrived(lower: string): boolean
  /** What a token says of the client; null when there was none. */
  readonly claims: unknown
}

const pragmaNoCache: CacheDirectives = { ...noDirectives, noCache: true }

/** What a client says of caching, of what it has already and of who it is. Refilled for every request. */
export class AskedRequest {
  control: CacheDirectives = noDirectives
  credentials: AnswerFacts['credentials'] = 'none'
  method = 'GET'
  #ifNoneMatch: string | undefined
  #ifModifiedSince: string | undefined
  #range: string | undefined
  #ifRange: string | undefined
  #precondition = false

  read(request: CachedRequest, credentialHeaders: readonly string[], clientControl: boolean): void {
    this.method = request.method
    this.control = clientControl ? controlOf(request) : noDirectives
    this.credentials = credentialsOf(request, credentialHeaders)
    this.#ifNoneMatch = request.header('if-none-match')
    this.#ifModifiedSince = request.header('if-modified-since')
    this.#range = request.header('range')
    this.#ifRange = this.#range === undefined ? undefined : request.header('if-range')
    this.#precondition =
      request.header('if-match') !== undefined || request.header('if-unmodified-since') !== undefined
  }

  /** The client has an answer already and asks whether it is still good. */
  get isConditional(): boolean {
    return this.#ifNoneMatch !== undefined || this.#ifModifiedSince !== undefined
  }

  /** Its answer would be what others get who ask for the same. */
  get isPlain(): boolean {
    return (
      this.method === 'GET' && this.credentials === 'none' && this.#range === undefined && !this.#precondition
    )
  }

  /** A kept answer as this client wants it: 304 where it has it already, a part where it asks for one. */
  asAsked(kept: StoredAnswer, now: number): Answer {
    if (kept.status !== 200) return kept
    const condition = { ifNoneMatch: this.#ifNoneMatch, ifModifiedSince: this.#ifModifiedSince }
    // RFC 9111, 4.3.2: without a date of change that of the answer counts.
    const lastModified = kept.lastModified ?? valueIn(kept.lines, 'date')
    if (this.isConditional && isNotModified(condition, { etag: kept.etag, lastModified }, now))
      return { status: 304, reason: 'Not Modified', lines: kept.lines, body: '' }
    if (this.#range === undefined || this.method === 'HEAD') return kept
    return partOf(kept, this.#range, this.#ifRange)
  }
}

function controlOf(request: CachedRequest): CacheDirectives {
  const value = request.header('cache-control')
  if (value !== undefined) return parseCacheControl(value)
  return request.header('pragma')?.toLowerCase().includes('no-cache') === true ? pragmaNoCache : noDirectives
}

function credentialsOf(request: CachedRequest, others: readonly string[]): AnswerFacts['credentials'] {
  if (request.arrived('authorization') || request.header('authorization') !== undefined)
    return 'authorization'
  if (request.claims !== null) return 'other'
  for (const name of others) if (request.arrived(name) || request.header(name) !== undefined) return 'other'
  return 'none'
}
