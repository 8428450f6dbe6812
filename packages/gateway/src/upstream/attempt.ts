import { failure, faultLateMs, ignored, success, type BreakerOutcome } from '@budao/resilience'
import type { Caller } from './caller.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { hopLines } from './hop-lines.ts'
import type { OwnedRequest } from '../ownership/owned-request.ts'
import type { ReleaseCounters } from '../service/release-counters.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from './upstream-connection.ts'

/** How often one request may meet a kept connection that its endpoint has just closed, before that counts as a failure. */
const STALE_MAX = 2

/** Who began an attempt and decides what follows from it. */
export interface AttemptOwner {
  /** What the request has to do with who owns its unit; null where nobody does. */
  readonly owned: OwnedRequest | null
  /** Its write may no longer be done here. Nothing was sent; the attempt has not been recorded. */
  onHeldBack(attempt: Attempt): void
  /** A final response head has come. */
  onHead(attempt: Attempt, connection: UpstreamConnection): void
  /** As `UpstreamUser.onUpstreamBody`. False to be sent no more for now. With `last` the attempt has been recorded. */
  onBody(
    attempt: Attempt,
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean
  /** The endpoint speaks another protocol now. The attempt has been recorded, and counts in at its endpoint still. */
  onUpgraded(attempt: Attempt, connection: UpstreamConnection, rest: Uint8Array): void
  /** There is no complete answer. The attempt has not been recorded, nor in the next. */
  onFailed(attempt: Attempt, failure: UpstreamFailure): void
  /** Too many wait for a connection to its endpoint already. */
  onFull(attempt: Attempt): void
}

/**
 * One try at one endpoint: its permit, its connection, its timing. Recorded exactly once, whatever ends it. An object
 * serves one try after the other; between them it is not `active`.
 */
export class Attempt implements UpstreamUser {
  /** Begun and not yet recorded. */
  active = false
  endpoint: Endpoint | null = null
  /** The endpoint's index in its service. */
  index = -1
  beganAt = 0
  /** The endpoint is receiving the request. */
  sending = false
  /** Parts of the answer have been passed on. */
  answering = false
  /** None was made before it for this request, nor beside it. */
  first = false
  /** Something may have been done already by an attempt before it. */
  repeats = false
  /** The answer cannot be read on because the caller takes no more of it. */
  paused = false
  readonly #plane: DataPlane
  readonly #owner: AttemptOwner
  readonly #caller: Caller
  #service: Service | null = null
  #permit = 0
  #connection: UpstreamConnection | null = null
  #idempotent = false
  #stale = 0

  constructor(plane: DataPlane, owner: AttemptOwner, caller: Caller) {
    this.#plane = plane
    this.#owner = owner
    this.#caller = caller
  }

  /** A new request, which may meet closed connections as often as any. */
  reset(idempotent: boolean): void {
    this.#stale = 0
    this.#idempotent = idempotent
    this.paused = false
  }

  /** Counts in at the endpoint; `connect` follows. `repeats`: an attempt before it may have been processed. */
  begin(service: Service, index: number, permit: number, repeats: boolean, now: number): void {
    const endpoint = service.endpoints[index]!
    this.#service = service
    this.endpoint = endpoint
    this.index = index
    this.#permit = permit
    this.repeats = repeats
    this.beganAt = now
    this.active = true
    this.answering = false
    endpoint.load.enter()
  }

  /** Asks its endpoint, unless a drill makes its release a bad one: then it fails without that, or asks later. */
  ask(now: number): void {
    const drill = this.endpoint!.tally?.drill
    if (drill === undefined || !drill.isSet) return this.connect(false)
    switch (drill.meet(this.#plane.random.next(), now)) {
      case 'well':
        return this.connect(false)
      case 'fails':
        return this.#owner.onFailed(this, 'connect-failure')
      case 'late':
        setTimeout(() => this.#askLate(now), faultLateMs)
    }
  }

  /** Where this is still the try that was held up then. */
  #askLate(beganAt: number): void {
    if (this.active && this.beganAt === beganAt && this.#connection === null) this.connect(false)
  }

  /** Asks for a connection and sends the request once there is one. `fresh`: not one that was used before. */
  connect(fresh: boolean): void {
    this.sending = false
    const connection = this.endpoint!.pool!.acquire(this, fresh)
    if (connection === 'opening' || connection === 'waiting') return
    if (connection === 'full') this.#owner.onFull(this)
    else this.onUpstreamReady(connection)
  }

  /** Sends what has arrived of the body since. False when the client should wait. */
  sendMore(): boolean {
    const connection = this.#connection
    if (connection === null || !this.sending) return true
    const { body } = this.#caller
    const part = body.parts().at(-1)!
    const flowing = connection.write(part, body.complete)
    body.sent()
    return flowing
  }

  /** The caller takes more of the answer again. */
  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.#connection?.resume()
  }

  /** Lets go of the connection, whatever is under way on it. */
  drop(): void {
    if (this.#connection !== null) this.#connection.destroy()
    else if (this.active) this.endpoint?.pool?.abandon(this)
    this.#connection = null
    this.answering = false
  }

  /** Records the result: `ok` is about the endpoint's health, null for none; `outcome` about its answers. */
  end(ok: boolean | null, outcome: BreakerOutcome, now: number): void {
    if (!this.active) return
    this.active = false
    this.sending = false
    const { load, site, tally, evidence } = this.endpoint!
    load.leave()
    if (tally !== null && this.first && outcome !== ignored)
      this.#count(tally, outcome === success, now - this.beganAt)
    if (ok === true) evidence?.count(site, 'served')
    this.#service!.record(this.index, this.#permit, ok, outcome, now - this.beganAt, now)
  }

  /** Nobody waits for this one any more: it says nothing of the endpoint. */
  cancel(now: number): void {
    this.drop()
    this.end(null, ignored, now)
  }

  /** Another attempt has answered first. What is known of this one is that it takes at least so long. */
  lose(now: number): void {
    if (this.sending) this.#observe(now)
    this.cancel(now)
  }

  /** It has run out of its time. */
  timeOut(now: number): void {
    if (this.#service!.watchesLatency) this.#service!.observe(now - this.beganAt, now)
    const { site, pace, evidence } = this.endpoint!
    pace?.add(now - this.beganAt)
    this.drop()
    evidence?.count(site, 'timed-out')
    this.end(false, failure, now)
  }

  onUpstreamReady(connection: UpstreamConnection): void {
    const { owned } = this.#owner
    if (owned !== null && !owned.maySend()) {
      this.endpoint!.pool!.release(connection)
      return this.#owner.onHeldBack(this)
    }
    this.#connection = connection
    this.#send(connection, owned)
  }

  onUpstreamHead(connection: UpstreamConnection): void {
    const now = this.#plane.clock.now()
    // A refusal is quick, and no measure of the work.
    if (connection.head.status < 500) this.#observe(now)
    else this.endpoint!.load.observe(now - this.beganAt, now)
    this.#owner.onHead(this, connection)
  }

  onUpstreamBody(
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): void {
    this.answering = !last
    if (last) this.#connection = null
    const flowing = this.#owner.onBody(this, connection, text, bytes, start, end, last)
    if (flowing || last) return
    this.paused = true
    connection.pause()
  }

  get upgrade(): string {
    return this.#caller.upgrade
  }

  onUpstreamUpgraded(connection: UpstreamConnection, rest: Uint8Array): void {
    const now = this.#plane.clock.now()
    this.endpoint!.load.observe(now - this.beganAt, now)
    this.#connection = null
    this.active = false
    this.sending = false
    if (this.first) this.endpoint!.tally?.end(true, now - this.beganAt)
    this.#service!.record(this.index, this.#permit, true, success, now - this.beganAt, now)
    this.#owner.onUpgraded(this, connection, rest)
  }

  onUpstreamDrain(): void {
    this.#caller.onWritable()
  }

  onUpstreamFailure(connection: UpstreamConnection, kind: UpstreamFailure): void {
    this.#connection = null
    const { site, evidence } = this.endpoint!
    if (kind === 'connect-failure') evidence?.count(site, 'connect-failed')
    if (kind !== 'reset' || !this.#wasStale(connection)) return this.#owner.onFailed(this, kind)
    this.#stale++
    this.connect(true)
  }

  /** The endpoint closed a kept connection just as it was used again: its right, and no sign of ill health. */
  #wasStale(connection: UpstreamConnection): boolean {
    return (
      connection.reused &&
      !connection.answered &&
      this.#idempotent &&
      this.#caller.replayable &&
      this.#stale < STALE_MAX
    )
  }

  /** What a release does with copies is none of its users’ business. */
  #count(tally: ReleaseCounters, answered: boolean, durationMs: number): void {
    const { shadow } = this.#caller
    shadow?.counters.end(answered, durationMs)
    if (shadow?.isCopy !== true) tally.end(answered, durationMs)
  }

  #observe(now: number): void {
    const latencyMs = now - this.beganAt
    const { load, pace } = this.endpoint!
    load.observe(latencyMs, now)
    pace?.add(latencyMs)
    if (this.#service!.watchesLatency) this.#service!.observe(latencyMs, now)
  }

  #send(connection: UpstreamConnection, owned: OwnedRequest | null): void {
    const { body } = this.#caller
    const parts = body.parts()
    const { announce } = this.#service!.config.timeouts
    const hop = hopLines(this.#caller, this.repeats, announce, this.#plane)
    const lines = owned === null ? hop : hop + owned.lines
    const toPeer = owned !== null && owned.peer !== null
    const text = toPeer ? this.#caller.arrivedHeadText() : this.#caller.headText()
    const head = lines === '' ? text : `${text.slice(0, -2)}${lines}\r\n`
    this.sending = true
    const first = parts[0]
    if (first === undefined) connection.begin(head, this.#caller.toHead, body.complete)
    else if (parts.length === 1 && first.length <= 4_096)
      connection.begin(head + first.toString('latin1'), this.#caller.toHead, body.complete)
    else {
      connection.begin(head, this.#caller.toHead, false)
      for (const [i, part] of parts.entries()) connection.write(part, body.complete && i === parts.length - 1)
    }
    body.sent()
    this.#caller.onSent()
  }
}
