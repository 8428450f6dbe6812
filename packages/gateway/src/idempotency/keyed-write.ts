import { judgeResult, judgeFailure, type KeySettlement } from '@budao/resilience'
import type { Answer } from '../client/client.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import type { AnsweredBy } from '../exchange/answered-by.ts'
import { answerOf } from '../exchange/answer-text.ts'
import { errorReply } from '../exchange/reply.ts'
import type { RequestBody } from '../exchange/request-body.ts'
import type { RequestTerms } from '../exchange/call-terms.ts'
import type { FilterRequest } from '../filters/filter.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { StoreAway } from '../stores/store.ts'
import { HeldAnswer } from './held-answer.ts'
import type { KeyOutcome } from './key-outcome.ts'
import type { ClaimAnswer, FirstResult, KeyClaim, Settlement } from './key-store.ts'
import type { RouteKeys } from './route-keys.ts'

/** What a keyed write asks of the exchange whose request it is. */
export interface KeyedClient extends FilterRequest {
  readonly body: RequestBody
  readonly terms: RequestTerms
  /** Has the rest of the body taken in; `onBody` is told when it is there. */
  receive(now: number): void
  /** `onDeadline` is called at that time, or at the client's own deadline, unless something happens before. */
  waitUntil(deadlineAt: number, waiter: KeyedWrite): void
  /** Goes on to the service. */
  proceed(): void
  /** Gives the answer of an endpoint. */
  giveHeld(answer: Answer): void
  /** Passes on the answer of an endpoint, of which so much has come. */
  passHeld(head: ResponseHead, parts: readonly Buffer[]): void
  /** Gives a complete answer; `extra` are header lines of the gateway's own. */
  giveKept(answer: Answer, by: AnsweredBy, extra: string): void
  refuseUnkept(code: ErrorCode): void
  /** Ends it: nobody is there to be told. */
  abort(): void
}

/**
 * receiving  the body is taken in
 * claiming   the store is asked for the key
 * waiting    somebody else is at it; the store will be asked again
 * asking     the key is taken, and the service asked
 * holding    its answer is arriving
 * spilling   the answer is too long to hold, and that is being kept
 * settling   what is left behind is being kept
 * over       nothing is left to do here
 */
type State = 'receiving' | 'claiming' | 'waiting' | 'asking' | 'holding' | 'spilling' | 'settling' | 'over'

/** An answer that takes longer to arrive, from its head on, is passed on as it comes. */
const HOLD_MS = 2_000
/** A lease is so much longer than all that is waited for: a thread may be held up. */
const LEASE_MARGIN_MS = 3_000
/** Stores have shorter times of their own. */
const STORE_MS = 10_000
/** A repeat that waits asks again after this, then after twice that, and so on. */
const POLL_MS = 25
const POLL_MAX_MS = 400

const REPLAYED = 'Idempotency-Replayed: true\r\n'

/** One request with a key: done once, and its result given to whoever repeats it. */
export class KeyedWrite {
  /** How often the request has left for an endpoint. */
  sends = 0
  readonly keys: RouteKeys
  readonly #plane: DataPlane
  readonly #client: KeyedClient
  readonly #leaseMs: number
  #state: State = 'receiving'
  #key = ''
  #claim: KeyClaim | null = null
  #held: HeldAnswer | null = null
  #waitUntil = -1
  #pollMs = POLL_MS
  /** Of an answer that spills: its last byte has come, or it broke off. */
  #end: 'open' | 'complete' | 'broken' = 'open'
  /** Why there is no answer. */
  #failure: ErrorCode | null = null
  #gone = false

  /** `longestMs`: so long the service, and another in its place, may take up to an answer's head. */
  constructor(plane: DataPlane, client: KeyedClient, keys: RouteKeys, longestMs: number) {
    this.#leaseMs = longestMs + HOLD_MS + LEASE_MARGIN_MS
    this.#plane = plane
    this.#client = client
    this.keys = keys
  }

  begin(): void {
    const found = this.keys.keyOf(this.#client)
    if (found === 'invalid') return this.#refuse('invalid', 'idempotency_key_invalid')
    if (found === 'missing') {
      this.#state = 'over'
      if (!this.keys.config.required) return this.#client.proceed()
      return this.#refuse('missing', 'idempotency_key_missing')
    }
    this.#key = found.key
    const { body } = this.#client
    if (!body.limit(this.keys.config.bodyBytes)) return this.#giveUp('body_too_large')
    if (body.complete) this.onBody()
    else this.#client.receive(this.#plane.clock.now())
  }

  get receiving(): boolean {
    return this.#state === 'receiving'
  }

  /** The endpoint's answer is not for the client yet. */
  get holding(): boolean {
    return this.#state === 'holding' || this.#state === 'spilling'
  }

  /** Whether the service may be asked again where it does not answer. */
  get mayRetry(): boolean {
    return this.#claim !== null && this.keys.config.endpointsHonourKeys
  }

  /** The body is there. */
  onBody(): void {
    const { keys } = this
    const { ttl, onUncertain, entries } = keys.config
    this.#claim = {
      name: keys.name,
      id: keys.idOf(this.#client, this.#key),
      fingerprint: keys.fingerprintOf(this.#client, this.#client.body.payload()),
      owner: crypto.randomUUID(),
      leaseMs: this.#leaseMs,
      ttlMs: ttl,
      takesUncertain: onUncertain === 'forward',
      entriesMax: entries,
    }
    void this.#ask()
  }

  onDeadline(): void {
    switch (this.#state) {
      case 'claiming':
        return this.#isLate ? this.#giveUp('deadline_passed') : this.#onAway()
      case 'waiting':
        return this.#isLate ? this.#giveUp('deadline_passed') : void this.#ask()
      case 'holding':
        return this.#spill()
      case 'spilling':
      case 'settling':
        this.keys.countTrace('failed')
        return this.#deliver(null)
      case 'receiving':
      case 'asking':
      case 'over':
    }
  }

  /** The client has gone. True when what it asked for is finished without it: it will come back. */
  outlives(): boolean {
    const working = this.#state === 'asking' || this.#state === 'holding' || this.#state === 'settling'
    if (!working || this.#gone) return false
    this.#gone = true
    this.keys.countTrace('alone')
    return true
  }

  /** An endpoint's answer has begun. True when it is held back, and `onBytes` and `onTruncated` are told of the rest. */
  onResponse(head: ResponseHead): boolean {
    if (this.#state !== 'asking') return false
    this.#state = 'holding'
    this.#held = new HeldAnswer(head, this.keys.config.answerBytes)
    this.#client.waitUntil(this.#plane.clock.now() + HOLD_MS, this)
    return true
  }

  /** A part of what is held back. False to be sent no more for now. */
  onBytes(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    const held = this.#held!
    held.take(bytes, start, end)
    if (this.#state === 'spilling') {
      if (last) this.#end = 'complete'
      return last
    }
    if (last && !held.overfull) this.#settleWith(held.whole().body)
    else if (held.overfull) {
      if (last) this.#end = 'complete'
      this.#spill()
      return last
    }
    return true
  }

  /** What is held back broke off. Its status has been seen: whatever that says has been done. */
  onTruncated(): void {
    this.#end = 'broken'
    if (this.#state === 'holding') this.#spill()
  }

  /** No endpoint answered: that is what the client is told. */
  onFailed(code: ErrorCode): void {
    if (this.#state !== 'asking') return this.#client.refuseUnkept(code)
    this.#state = 'settling'
    this.#failure = code
    void this.#settle(this.#settlement(judgeFailure(this.sends), null))
  }

  /** The request has ended, however. */
  end(): void {
    const unsettled = this.#state === 'asking' || this.#state === 'holding'
    this.#state = 'over'
    if (unsettled) void this.#leave(this.#settlement(judgeFailure(this.sends), null))
  }

  get #isLate(): boolean {
    return this.#client.terms.deadlineAt <= this.#plane.clock.now()
  }

  // Claiming.

  async #ask(): Promise<void> {
    const { store } = this.keys
    if (!store.here) {
      store.passedBy()
      return this.#onAway()
    }
    this.#state = 'claiming'
    this.#client.waitUntil(this.#plane.clock.now() + STORE_MS, this)
    const answer = await answered(store.claim(this.#claim!))
    if (this.#state === 'claiming') return answer === null ? this.#onAway() : this.#onClaim(answer)
    // The client did not wait.
    if (answer?.kind === 'claimed' && this.#state === 'over') await this.#leave({ kind: 'release' })
  }

  #onClaim(answer: ClaimAnswer): void {
    switch (answer.kind) {
      case 'claimed':
        this.#state = 'asking'
        this.keys.count(answer.again ? 'again' : 'first')
        // From here on it is done to its end: a client that gives up comes back for what became of it.
        this.#client.terms.deadlineAt = Infinity
        return this.#client.proceed()
      case 'kept':
        return this.#replay(answer.result)
      case 'in-progress':
        return this.#wait()
      case 'other-request':
        return this.#refuse('reused', 'idempotency_key_reused')
      case 'uncertain':
        return this.#refuse('uncertain', 'idempotency_uncertain')
      case 'full':
        return this.#goUnkept('over')
    }
  }

  #replay(result: FirstResult): void {
    this.#state = 'over'
    const { status, body } = result
    if (body !== null) {
      this.keys.count('replayed')
      return this.#client.giveKept({ ...result, body }, 'idempotency', REPLAYED)
    }
    this.keys.count('not_replayable')
    const code = 'idempotency_answer_not_kept'
    const { status: conflict, message } = errorCodes[code]
    const reply = errorReply(conflict, code, message, [], { firstStatus: status })
    this.#client.giveKept(answerOf(reply), 'idempotency', REPLAYED)
  }

  #wait(): void {
    const now = this.#plane.clock.now()
    if (this.#waitUntil === -1) this.#waitUntil = now + this.keys.config.wait
    if (now >= this.#waitUntil) return this.#refuse('in_progress', 'idempotency_in_progress')
    this.#state = 'waiting'
    this.#client.waitUntil(Math.min(this.#waitUntil, now + this.#pollMs), this)
    this.#pollMs = Math.min(POLL_MAX_MS, 2 * this.#pollMs)
  }

  /** The store may have taken the claim all the same, and may be back when there is a result. */
  #onAway(): void {
    const { config, store } = this.keys
    if (config.onStoreAway === 'refuse') store.settle(this.#claim!, { kind: 'release' }).catch(() => {})
    this.#goUnkept('asking')
  }

  #goUnkept(state: 'asking' | 'over'): void {
    if (this.keys.config.onStoreAway === 'refuse')
      return this.#refuse('unavailable', 'idempotency_unavailable')
    this.#state = state
    this.keys.count('unkept')
    this.#client.proceed()
  }

  #refuse(outcome: KeyOutcome, code: ErrorCode): void {
    this.#state = 'over'
    this.keys.count(outcome)
    this.#client.refuseUnkept(code)
  }

  #giveUp(code: ErrorCode): void {
    this.#state = 'over'
    this.#client.refuseUnkept(code)
  }

  // Settling.

  #settleWith(body: string): void {
    this.#state = 'settling'
    this.#end = 'complete'
    void this.#settle(this.#answerSettlement(body))
  }

  /** What has come is too long, too slow or broken off: its status is kept. */
  #spill(): void {
    this.#state = 'spilling'
    void this.#settle(this.#answerSettlement(null))
  }

  #answerSettlement(body: string | null): Settlement {
    const { status } = this.#held!
    return this.#settlement(judgeResult(status, this.keys.isResult(status), this.sends), body)
  }

  #settlement(kind: KeySettlement, body: string | null): Settlement {
    const { ttl, bytes } = this.keys.config
    if (kind === 'release') return { kind }
    if (kind === 'doubt') return { kind, ttlMs: ttl }
    const { status, reason, lines } = this.#held!
    return { kind, result: { status, reason, lines, body }, ttlMs: ttl, bytesMax: bytes }
  }

  /** Nobody is told before what he is told is kept. */
  async #settle(settlement: Settlement): Promise<void> {
    const state = this.#state
    this.#client.waitUntil(this.#plane.clock.now() + STORE_MS, this)
    const earlier = await this.#leave(settlement)
    if (this.#state === state) this.#deliver(earlier)
  }

  /** The result of an earlier owner, where one stands. */
  async #leave(settlement: Settlement): Promise<FirstResult | null> {
    const earlier = await answered(
      this.keys.store.settle(this.#claim!, settlement).then((result) => ({ result })),
    )
    this.keys.countTrace(earlier === null ? 'failed' : traceOf(settlement))
    return earlier?.result ?? null
  }

  #deliver(earlier: FirstResult | null): void {
    const client = this.#client
    this.#state = 'over'
    if (this.#gone) return client.abort()
    if (this.#failure !== null) return client.refuseUnkept(this.#failure)
    if (earlier?.body != null)
      return client.giveKept({ ...earlier, body: earlier.body }, 'idempotency', REPLAYED)
    switch (this.#end) {
      case 'complete':
        return client.giveHeld(this.#held!.whole())
      case 'broken':
        return client.refuseUnkept('upstream_reset')
      case 'open':
        return client.passHeld(this.#held!.head, this.#held!.parts())
    }
  }
}

function traceOf(settlement: Settlement) {
  switch (settlement.kind) {
    case 'keep':
      return settlement.result.body === null ? 'status_kept' : 'kept'
    case 'release':
      return 'released'
    case 'doubt':
      return 'uncertain'
  }
}

/** Null when the store did not answer. */
async function answered<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof StoreAway) return null
    throw error
  }
}
