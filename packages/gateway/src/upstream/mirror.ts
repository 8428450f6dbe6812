import { priorityNames, stableRelease, type MirrorConfig } from '@budao/model'
import type { Random } from '@budao/resilience'
import {
  BackendCall,
  type CallAnswer,
  type CallFailure,
  type CallSource,
  type CallUser,
} from './backend-call.ts'
import { outcomeOf } from '../metrics/call-metrics.ts'
import { plainTerms, type CallTerms } from '../exchange/call-terms.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { linesWithout } from '../exchange/header-lines.ts'
import type { ReleaseShadow } from '../routing/release-shadow.ts'
import type { Service } from '../service/service.ts'
import type { Shadow } from '../service/shadow.ts'

/** Whose lines the call writes itself. */
const ownLines: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'expect',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
  'traceparent',
  'tracestate',
])

/** The last to be let in where places are few, and not repeated. */
const shadowTerms: CallTerms = { ...plainTerms, priority: priorityNames.length - 1, attemptedBy: 'client' }

const MARK = 'X-Budao-Mirror: 1\r\n'

/** What of a request is shown. */
export type ShownRequest = CallSource & { readonly release: string; shadow: Shadow | null }

/**
 * Shadow traffic of one route in one thread: a share of its requests is shown to another service too, or to another release of
 * its own, whose answers are thrown away. Nothing of it reaches the client, and no client waits for it.
 */
export class Mirror implements CallUser {
  readonly bodyBytes: number
  readonly #config: MirrorConfig
  readonly #service: Service
  readonly #row: number
  readonly #shadow: ReleaseShadow | null
  readonly #underWay: Map<BackendCall, number> = new Map()
  #plane: DataPlane | null = null

  /** `row` is its place in the counters of calls. With `shadow` that release is shown them, as many as that says. */
  constructor(config: MirrorConfig, service: Service, row: number, shadow: ReleaseShadow | null = null) {
    this.#config = config
    this.#service = service
    this.#row = row
    this.#shadow = shadow
    this.bodyBytes = config.bodyBytes
  }

  /** Whether a request with this method is to be shown: a draw. */
  wants({ method, release, now }: ShownRequest, random: Random): boolean {
    const { methods } = this.#config
    const toStable = release === '' || release === stableRelease
    const basisPoints =
      this.#shadow === null ? this.#config.basisPoints : toStable ? this.#shadow.share.at(now) : 0
    return methods.includes(method) && (basisPoints === WHOLE || random.next() * WHOLE < basisPoints)
  }

  /** Shows it, unless too many are under way or its body is not there as a whole. */
  send(plane: DataPlane, request: ShownRequest): void {
    this.#plane = plane
    const { body } = request
    const now = plane.clock.now()
    const shown = body.complete && body.replayable && body.bytes <= this.bodyBytes
    if (!shown || !this.#isThere(now) || this.#underWay.size >= this.#config.concurrency)
      return plane.calls.ended(this.#row, 'skipped', 0)
    const payload = body.payload()
    const call = new BackendCall(
      plane,
      {
        service: this.#service,
        origin: { ...request.callOrigin(), terms: shadowTerms },
        method: request.method,
        path: request.forwardedPath,
        query: request.query,
        lines: MARK + linesWithout(request.forwardedLines, ownLines),
        ...(payload.length === 0 ? {} : { body: payload }),
        deadlineAt: now + this.#config.timeout,
        bytesMax: Infinity,
        discards: true,
        ...(this.#shadow === null
          ? {}
          : { copyFor: { release: this.#shadow.release, shadow: this.#shadow.shown } }),
      },
      this,
    )
    if (this.#shadow !== null) request.shadow = this.#shadow.own
    this.#underWay.set(call, now)
    call.start()
  }

  onCallAnswer(call: BackendCall, { status }: CallAnswer): void {
    this.#plane!.calls.ended(this.#row, outcomeOf(status), this.#leave(call))
  }

  onCallFailed(call: BackendCall, code: CallFailure): void {
    this.#plane!.calls.ended(this.#row, code === 'upstream_timeout' ? 'late' : 'failed', this.#leave(call))
  }

  /** A release of which nobody can be asked is shown nothing; its absence is found by looks at its endpoints. */
  #isThere(now: number): boolean {
    if (this.#shadow === null) return true
    const set = this.#service.set.releases?.get(this.#shadow.release)
    return set !== undefined && set.usable(now) > 0
  }

  #leave(call: BackendCall): number {
    const beganAt = this.#underWay.get(call)!
    this.#underWay.delete(call)
    return this.#plane!.clock.now() - beganAt
  }
}

/** Basis points. */
const WHOLE = 10_000
