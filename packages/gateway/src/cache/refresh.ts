import { BackendCall, type CallAnswer, type CallOrigin, type CallUser } from '../upstream/backend-call.ts'
import { plainTerms } from '../exchange/call-terms.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import type { ServiceChoice } from '../routing/route.ts'
import { statusText } from '../exchange/status-text.ts'
import { AskedRequest, type CachedRequest } from './asked-request.ts'
import { Fetch } from './fetch.ts'
import type { RouteCache } from './route-cache.ts'
import type { StoredAnswer, VaryMark } from './stored-answer.ts'

/** On whose behalf an answer is fetched anew. */
export interface RefreshRequest extends CachedRequest {
  /** What endpoints are asked for instead of `path`. */
  readonly forwardedPath: string
  callOrigin(): CallOrigin
  /** Who is asked and for how long, in milliseconds; null when nobody can be. */
  callService(): ServiceChoice | null
}

/** A kept answer and where it lies. */
export interface KeptPlace {
  /** Of the URL. */
  readonly key: string
  readonly mark: VaryMark | undefined
  /** Of this answer: the same, or with what it varies by. */
  readonly place: string
  readonly kept: StoredAnswer
}

/** What a refresh tells of its client beside what the answer varies by: never who that is. */
const passedOn = ['accept', 'accept-encoding', 'accept-language', 'user-agent']
/** After one that failed, the next waits so long. */
const REST_MS = 1_000
/** As whom it asks: a client without a name that asks for nothing in particular. */
const anybody = new AskedRequest()

/** Fetches a kept answer anew behind the backs of those who get it, unless somebody does so already. */
export function refreshKept(
  plane: DataPlane,
  cache: RouteCache,
  client: RefreshRequest,
  at: KeptPlace,
): void {
  const { flights } = cache
  if (flights.find(at.place) !== undefined || flights.isSolitary(at.place, plane.clock.now())) return
  const asked = client.callService()
  if (asked !== null) new Refresh(plane, cache, at).start(client, asked)
}

/** One background request for an answer that is beyond its lifetime. */
class Refresh implements CallUser {
  readonly #plane: DataPlane
  readonly #cache: RouteCache
  readonly #at: KeptPlace
  readonly #fetch: Fetch

  constructor(plane: DataPlane, cache: RouteCache, at: KeptPlace) {
    this.#plane = plane
    this.#cache = cache
    this.#at = at
    this.#fetch = new Fetch(plane, anybody)
    this.#fetch.begin(cache, at.key, at.mark, cache.flights.begin(at.place))
  }

  start(client: RefreshRequest, { service, requestMs }: ServiceChoice): void {
    const request = {
      service,
      // Nobody waits for it, whatever the client said of its time.
      origin: { ...client.callOrigin(), terms: plainTerms },
      method: 'GET',
      path: client.forwardedPath,
      query: client.query,
      lines: this.#lines(client),
      deadlineAt: this.#plane.clock.now() + requestMs,
      bytesMax: this.#cache.bodyBytesMax,
    }
    new BackendCall(this.#plane, request, this).start()
  }

  onCallAnswer(call: BackendCall, { status, lines, body }: CallAnswer): void {
    const head = { status, reason: statusText(status), lines }
    if (status === 304) this.#fetch.confirm(call, this.#at.kept, head)
    else if (status >= 500) this.onCallFailed()
    else if (!this.#fetch.takeWhole(call, head, body.toString('latin1'))) {
      // The origin no longer wants it kept.
      this.#cache.store.remove(this.#at.place)
      this.#fetch.dissolve('solitary')
    }
  }

  onCallFailed(): void {
    this.#fetch.dissolve('failed')
    this.#cache.flights.setSolitary(this.#at.place, this.#plane.clock.now(), REST_MS)
  }

  #lines(client: RefreshRequest): string {
    const { kept, mark } = this.#at
    let lines = ''
    for (const name of new Set([...passedOn, ...this.#cache.key.headers, ...(mark?.names ?? [])])) {
      const value = client.header(name)
      if (value !== undefined && name !== 'host') lines += `${name}: ${value}\r\n`
    }
    if (kept.etag !== undefined) lines += `If-None-Match: ${kept.etag}\r\n`
    if (kept.lastModified !== undefined) lines += `If-Modified-Since: ${kept.lastModified}\r\n`
    return lines
  }
}
