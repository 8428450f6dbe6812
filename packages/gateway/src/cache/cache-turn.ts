import { ageMs, freshForMs, judgeUse, mayServeOnError } from '@budao/resilience'
import type { Answer } from '../client/client.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import type { ErrorCode } from '../errors.ts'
import type { AnsweredBy } from '../exchange/answered-by.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { AskedRequest, type CachedRequest } from './asked-request.ts'
import { CacheKey } from './cache-key.ts'
import type { CacheOutcome } from './cache-outcome.ts'
import { Fetch } from './fetch.ts'
import type { Flight, Follower } from './flights.ts'
import { refreshKept, type RefreshRequest } from './refresh.ts'
import type { RouteCache } from './route-cache.ts'
import type { StoredAnswer, StoredRecord, VaryMark } from './stored-answer.ts'

/** What a turn asks of the exchange whose request it is. */
export interface CacheClient extends CachedRequest, RefreshRequest {
  /** A body came with the request, or is to come. */
  readonly hasBody: boolean
  setHeader(name: string, value: string): void
  removeHeader(name: string): void
  /** Asks the service. */
  forward(): void
  /** Gives a complete answer; `extra` are header lines of the gateway's own. */
  giveKept(answer: Answer, by: AnsweredBy, extra: string): void
  refuseUnkept(code: ErrorCode): void
  /** `onDeadline` is called at that time, monotonic milliseconds, unless something happens before. */
  waitUntil(deadlineAt: number, waiter: CacheTurn): void
}

/**
 * idle       no request, or one that is over
 * looking    a store somewhere else has been asked
 * following  an equal request has been sent, and its answer is awaited
 * asking     the service is asked; its answer may be kept
 * holding    what the service answers is not for the client: the kept answer is, at its end
 */
type State = 'idle' | 'looking' | 'following' | 'asking' | 'holding'

/** Why the service is asked, in the words of RFC 9211. */
type Forwarded = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale'

/** A lookup elsewhere is given up after this; stores have shorter times of their own. */
const LOOK_MS = 2_000
const STALE_LINES = 'Warning: 110 - "Response is Stale"\r\nX-Budao-Fallback: stale\r\n'

/** One request's dealings with the cache of its route. One object serves an exchange for its life. */
export class CacheTurn implements Follower {
  readonly #plane: DataPlane
  readonly #client: CacheClient
  readonly #asked = new AskedRequest()
  readonly #fetch: Fetch
  #cache!: RouteCache
  #state: State = 'idle'
  /** Counts requests, so that what was looked up for one does not answer the next. */
  #generation = 0
  /** Of the URL; empty for a request that the cache has nothing to do with. */
  #key = ''
  #mark: VaryMark | undefined
  #kept: StoredAnswer | undefined
  #forwarded: Forwarded = 'uri-miss'
  #outcome: CacheOutcome = 'miss'
  /** The kept answer's validators went out in place of the client's. */
  #revalidating = false
  #following: Flight | null = null

  constructor(plane: DataPlane, client: CacheClient) {
    this.#plane = plane
    this.#client = client
    this.#fetch = new Fetch(plane, this.#asked)
  }

  /** A request that has passed its filters: it is answered from here, or goes on to the service. */
  begin(cache: RouteCache): void {
    const client = this.#client
    this.#cache = cache
    this.#generation++
    this.#state = 'asking'
    this.#key = ''
    this.#mark = undefined
    this.#kept = undefined
    this.#revalidating = false
    cache.read(client, this.#asked)
    if (client.method !== 'GET' && client.method !== 'HEAD') {
      if (cache.serves && !isSafe(client.method)) this.#key = cache.key.of(client)
      return this.#forward('method')
    }
    if (client.hasBody || this.#asked.control.noStore || cache.bypasses(client))
      return this.#forward('bypass')
    this.#key = cache.key.of(client)
    if (cache.serves) this.#look(this.#key)
    else this.#forward('uri-miss')
  }

  /** Header lines that say what the cache did with a request that an endpoint answers. */
  get lines(): string {
    return this.#state !== 'idle' && this.#cache.serves
      ? `Cache-Status: budao; fwd=${this.#forwarded}\r\n`
      : ''
  }

  onDeadline(): void {
    this.#generation++
    this.#leave()
    if (this.#state === 'following') this.#lead(null)
    else if (this.#state === 'looking') this.#onRecord(undefined)
  }

  /** An endpoint's answer has begun. True when it is not for the client: `onHeldEnd` is to be told of its end. */
  onResponse(head: ResponseHead): boolean {
    if (this.#state !== 'asking' || this.#key === '') return false
    if (!this.#isRead) {
      if (head.status >= 200 && head.status < 400) this.#invalidate(head)
      return false
    }
    const fetched = { status: head.status, reason: head.reason, lines: head.fields.passOn() }
    if (this.#revalidating && head.status === 304)
      this.#kept = this.#fetch.confirm(this.#client, this.#kept!, fetched)
    else if (head.status >= 500 && this.standIn() !== undefined) this.#revalidating = false
    else {
      this.#fetch.beginAnswer(fetched, head.contentLength, head.framing === 'chunked')
      return false
    }
    this.#state = 'holding'
    return true
  }

  get holding(): boolean {
    return this.#state === 'holding'
  }

  /** A part of its body, as `onUpstreamBody` gives it. */
  onBytes(text: string | undefined, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#state === 'asking') this.#fetch.take(this.#client, text, bytes, start, end, last)
  }

  /** What is held back has ended, or broke off: the kept answer is given. */
  onHeldEnd(): void {
    const kept = this.#kept!
    if (!this.#revalidating) return this.giveStandIn(kept)
    this.#outcome = 'revalidated'
    this.#give(kept, 'cache', `fwd=${this.#forwarded}; fwd-status=304; ttl=${ttl(kept, kept.receivedAt)}`)
  }

  /** The answer broke off: nothing of it is kept. */
  onTruncated(): void {
    if (this.#state === 'asking') this.#fetch.dissolve('failed')
  }

  /** The kept answer that may stand in for one that the service cannot give. */
  standIn(): StoredAnswer | undefined {
    if (this.#state === 'idle' || this.#key === '' || !this.#isRead) return undefined
    if (!this.#cache.serves) this.#kept ??= this.#findKept()
    const kept = this.#kept
    if (kept === undefined || !mayServeOnError(kept, this.#asked.control, this.#plane.wallNow()))
      return undefined
    return kept
  }

  giveStandIn(kept: StoredAnswer): void {
    this.#outcome = 'stale-if-error'
    this.#fetch.dissolve('failed')
    this.#give(kept, 'fallback-stale', `fwd=${this.#forwarded}; detail=stale-if-error`, STALE_LINES)
  }

  /** No endpoint gave an answer, and there is no stand-in. */
  onFailed(): void {
    if (this.#state === 'asking') this.#fetch.dissolve('failed')
  }

  /** The request has ended, however. */
  end(): void {
    if (this.#state === 'idle') return
    this.#generation++
    this.#state = 'idle'
    if (this.#cache.serves) this.#plane.metrics.cache(this.#cache.row, this.#outcome)
    this.#leave()
    this.#fetch.abandon()
    this.#kept = undefined
  }

  // As one of those who wait.

  onLanded(answer: StoredAnswer, key: string): void {
    this.#following = null
    if (key !== this.#place) {
      // It varies by something: there may be one for those who ask as this one does.
      this.#mark = undefined
      this.#kept = undefined
      return this.#look(this.#key)
    }
    const now = this.#plane.wallNow()
    if (judgeUse(answer, this.#asked.control, now) === 'revalidate') return this.#lead(null)
    this.#outcome = 'coalesced'
    this.#give(answer, 'cache', `hit; ttl=${ttl(answer, now)}; detail=collapsed`)
  }

  onAlone(failed: boolean): void {
    this.#following = null
    const kept = failed ? this.standIn() : undefined
    if (kept === undefined) this.#lead(null)
    else this.giveStandIn(kept)
  }

  onLead(flight: Flight): void {
    this.#following = null
    this.#lead(flight)
  }

  onReleased(flight: Flight): void {
    this.#following = null
    const kept = this.#findKept()
    const now = this.#plane.wallNow()
    if (kept === undefined || judgeUse(kept, this.#asked.control, now) !== 'fresh') return this.#lead(flight)
    flight.land(kept, this.#place)
    this.#outcome = 'coalesced'
    this.#give(kept, 'cache', `hit; ttl=${ttl(kept, now)}; detail=collapsed`)
  }

  // Finding.

  #look(key: string): void {
    const found = this.#cache.store.get(key)
    if (!(found instanceof Promise)) return this.#onRecord(found)
    const generation = this.#generation
    this.#state = 'looking'
    this.#client.waitUntil(this.#plane.clock.now() + LOOK_MS, this)
    // A store never rejects.
    void found.then((record) => {
      if (this.#generation === generation && this.#state === 'looking') this.#onRecord(record)
    })
  }

  #onRecord(record: StoredRecord | undefined): void {
    this.#state = 'asking'
    if (record?.kind === 'vary') {
      // An answer lies under a key of its own, where no mark is.
      if (this.#mark !== undefined) return this.#miss('vary-miss')
      this.#mark = record
      return this.#look(this.#place)
    }
    if (record === undefined) return this.#miss(this.#mark === undefined ? 'uri-miss' : 'vary-miss')
    // What nobody in particular was told is not what the origin would tell this client.
    if (!this.#mayGive(record)) return this.#miss('bypass')
    this.#kept = record
    const now = this.#plane.wallNow()
    const verdict = judgeUse(record, this.#asked.control, now)
    // Behind a client's back nobody asks in its name: one that says who it is waits for what it is told itself.
    const asks = verdict === 'revalidate' || (verdict === 'stale' && this.#asked.credentials !== 'none')
    if (asks) return this.#revalidate(record, now)
    this.#outcome = verdict === 'fresh' ? 'hit' : 'stale'
    if (verdict === 'stale') this.#refresh(record)
    this.#give(record, 'cache', `hit; ttl=${ttl(record, now)}`)
  }

  #refresh(kept: StoredAnswer): void {
    const at = { key: this.#key, mark: this.#mark, place: this.#place, kept }
    refreshKept(this.#plane, this.#cache, this.#client, at)
  }

  /** What is in memory just now. */
  #findKept(): StoredAnswer | undefined {
    let found = this.#cache.store.get(this.#key)
    if (found instanceof Promise) return undefined
    if (found?.kind === 'vary') {
      this.#mark = found
      found = this.#cache.store.get(this.#place)
    }
    if (found instanceof Promise || found?.kind !== 'answer') return undefined
    return this.#mayGive(found) ? found : undefined
  }

  #mayGive(kept: StoredAnswer): boolean {
    return this.#asked.credentials === 'none' || kept.explicit
  }

  /** The key of the answer to this request, as far as it is known by what answers vary. */
  get #place(): string {
    return this.#mark === undefined ? this.#key : CacheKey.varied(this.#key, this.#mark, this.#client)
  }

  get #isRead(): boolean {
    return this.#asked.method === 'GET' || this.#asked.method === 'HEAD'
  }

  // Asking.

  #miss(why: Forwarded): void {
    this.#forwarded = why
    if (this.#asked.control.onlyIfCached) this.#client.refuseUnkept('not_cached')
    // The origin may say to this client that it has the answer already, and that is for nobody else.
    else if (this.#asked.isConditional) this.#forward(why)
    else this.#join()
  }

  #revalidate(kept: StoredAnswer, now: number): void {
    this.#forwarded = freshForMs(kept, now) > 0 ? 'request' : 'stale'
    const hasValidator = kept.etag !== undefined || kept.lastModified !== undefined
    if (this.#asked.control.onlyIfCached) this.#client.refuseUnkept('not_cached')
    else if (this.#asked.method === 'HEAD' || (!hasValidator && this.#asked.isConditional))
      this.#forward(this.#forwarded)
    else {
      this.#revalidating = hasValidator
      this.#join()
    }
  }

  /** Waits for an equal request that is under way, or becomes the one that others wait for. */
  #join(): void {
    const { flights, coalesceWaitMs } = this.#cache
    const now = this.#plane.clock.now()
    const place = this.#place
    if (coalesceWaitMs === 0 || !this.#asked.isPlain || flights.isSolitary(place, now))
      return this.#lead(null)
    const found = flights.find(place)
    const { flight, elsewhere } =
      found === undefined ? this.#begin(place, coalesceWaitMs) : { flight: found, elsewhere: true }
    if (!elsewhere) return this.#lead(flight)
    if (!flight.join(this)) return this.#lead(null)
    this.#following = flight
    this.#state = 'following'
    this.#client.waitUntil(now + coalesceWaitMs, this)
  }

  /** What another thread gets is found only where it is kept in memory. */
  #begin(place: string, waitMs: number): { readonly flight: Flight; readonly elsewhere: boolean } {
    const { flights, store } = this.#cache
    return store.isHere
      ? flights.beginShared(place, waitMs)
      : { flight: flights.begin(place), elsewhere: false }
  }

  #lead(flight: Flight | null): void {
    if (this.#revalidating) {
      const { etag, lastModified } = this.#kept!
      this.#replace('if-none-match', etag)
      this.#replace('if-modified-since', lastModified)
      this.#replace('range', undefined)
      this.#replace('if-range', undefined)
    }
    this.#forward(this.#forwarded, flight)
  }

  #replace(name: string, value: string | undefined): void {
    if (value !== undefined) this.#client.setHeader(name, value)
    else if (this.#client.header(name) !== undefined) this.#client.removeHeader(name)
  }

  #forward(why: Forwarded, flight: Flight | null = null): void {
    this.#state = 'asking'
    this.#fetch.begin(this.#cache, this.#key, this.#mark, flight)
    this.#forwarded = why
    this.#outcome = why === 'bypass' || why === 'method' ? 'bypass' : 'miss'
    this.#client.forward()
  }

  /** RFC 9111, 4.4: behind a write what is kept of its URL, and of what it made or changed, is no longer true. */
  #invalidate({ fields }: ResponseHead): void {
    const { store, key } = this.#cache
    store.remove(this.#key)
    for (const name of ['location', 'content-location']) {
      const location = fields.get(name)
      const sibling = location === undefined ? undefined : key.sibling(this.#client, location)
      if (sibling !== undefined) store.remove(sibling)
    }
  }

  #leave(): void {
    this.#following?.leave(this)
    this.#following = null
  }

  #give(kept: StoredAnswer, by: AnsweredBy, status: string, more = ''): void {
    const now = this.#plane.wallNow()
    const cacheStatus = this.#cache.serves ? `Cache-Status: budao; ${status}\r\n` : ''
    const extra = `Age: ${Math.floor(ageMs(kept, now) / 1_000)}\r\n${cacheStatus}${more}`
    this.#client.giveKept(this.#asked.asAsked(kept, now), by, extra)
  }
}

function ttl(kept: StoredAnswer, now: number): number {
  return Math.ceil(freshForMs(kept, now) / 1_000)
}

function isSafe(method: string): boolean {
  return method === 'OPTIONS'
}
