import { judgeUse, noDirectives } from '@budao/resilience'
import type { DataPlane } from '../threads/data-plane.ts'
import type { RequestView } from '../filters/filter.ts'
import { keptLines, updatedLines, valueIn } from '../exchange/header-lines.ts'
import { AnswerDraft } from './answer-draft.ts'
import type { AskedRequest } from './asked-request.ts'
import { CacheKey } from './cache-key.ts'
import type { Flight } from './flights.ts'
import type { RouteCache } from './route-cache.ts'
import type { StoredAnswer, VaryMark } from './stored-answer.ts'

/** The head of an answer as it came. `lines` less those of its connection. */
export interface FetchedHead {
  readonly status: number
  readonly reason: string
  readonly lines: string
}

/** A request to the service whose answer may be kept, and be given to those who wait for it. Refilled for every request. */
export class Fetch {
  readonly #plane: DataPlane
  readonly #asked: AskedRequest
  #cache!: RouteCache
  /** Of the URL. */
  #key = ''
  #mark: VaryMark | undefined
  #flight: Flight | null = null
  #epoch = 0
  #requestedAt = 0
  #draft: AnswerDraft | null = null

  constructor(plane: DataPlane, asked: AskedRequest) {
    this.#plane = plane
    this.#asked = asked
  }

  /**
   * The service is about to be asked: a purge from here on keeps the answer out of the cache. `mark` says what answers
   * vary by, as far as that is known; others wait in `flight`.
   */
  begin(cache: RouteCache, key: string, mark: VaryMark | undefined, flight: Flight | null): void {
    this.#cache = cache
    this.#key = key
    this.#mark = mark
    this.#flight = flight
    this.#draft = null
    this.#epoch = cache.store.epoch
    this.#requestedAt = this.#plane.wallNow()
  }

  /** An answer has begun; its body is kept if the rules keep it. `bytes` is its length, 0 when that is not known. */
  beginAnswer(head: FetchedHead, bytes: number, chunked: boolean): void {
    const draft = bytes > this.#cache.bodyBytesMax ? null : this.#headToKeep(head, keptLines(head.lines))
    if (draft === null) this.dissolve('solitary')
    else this.#draft = new AnswerDraft(draft, this.#cache.bodyBytesMax, chunked)
  }

  /** A part of its body, as `onUpstreamBody` gives it. */
  take(
    request: RequestView,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): void {
    const draft = this.#draft
    if (draft === null) return
    const fits = draft.take(text, bytes, start, end)
    if (fits && !last) return
    this.#draft = null
    if (fits) this.#land(request, draft.complete())
    else this.dissolve('solitary')
  }

  /** A complete answer in one piece; false when it is not kept. */
  takeWhole(request: RequestView, head: FetchedHead, body: string): boolean {
    const draft = this.#headToKeep(head, keptLines(head.lines))
    if (draft === null) return false
    this.#land(request, { ...draft, body })
    return true
  }

  /** The origin has confirmed what is kept, and may have new things to say of it. Returns the answer as it is now. */
  confirm(request: RequestView, kept: StoredAnswer, { lines }: Pick<FetchedHead, 'lines'>): StoredAnswer {
    const updated = updatedLines(kept.lines, lines)
    const { status, reason, body } = kept
    const head = this.#headToKeep({ status, reason, lines }, updated)
    if (head !== null) {
      const renewed = { ...head, body }
      this.#land(request, renewed)
      return renewed
    }
    // It is the answer to this request, and to no other any more.
    this.#cache.store.remove(
      this.#mark === undefined ? this.#key : CacheKey.varied(this.#key, this.#mark, request),
    )
    this.dissolve('solitary')
    return { ...kept, lines: updated, receivedAt: this.#plane.wallNow(), initialAgeMs: 0 }
  }

  /** There is nothing to share with those who wait. */
  dissolve(why: 'solitary' | 'failed'): void {
    const flight = this.#flight
    this.#flight = null
    this.#draft = null
    flight?.dissolve(why, this.#plane.clock.now())
  }

  /** Nobody reads on. If others wait, the next in line asks. */
  abandon(): void {
    const flight = this.#flight
    this.#flight = null
    this.#draft = null
    flight?.abandon()
  }

  #headToKeep({ status, reason, lines }: FetchedHead, kept: string): Omit<StoredAnswer, 'body'> | null {
    return this.#cache.draft(this.#asked, {
      status,
      reason,
      lines: kept,
      age: valueIn(lines, 'age'),
      requestedAt: this.#requestedAt,
      receivedAt: this.#plane.wallNow(),
    })
  }

  #land(request: RequestView, answer: StoredAnswer): void {
    const place = this.#cache.keep(this.#key, answer, request, this.#mark, this.#epoch)
    // What has to be asked for each time is worth nobody's waiting.
    if (judgeUse(answer, noDirectives, answer.receivedAt) === 'revalidate') return this.dissolve('solitary')
    this.#cache.flights.clearSolitary(place)
    const flight = this.#flight
    this.#flight = null
    flight?.land(answer, place)
  }
}
