import type { CallTerms } from '../exchange/call-terms.ts'
import type { ErrorCode } from '../errors.ts'
import type { WriteCaller } from '../ownership/owned-request.ts'
import type { RequestBody } from '../exchange/request-body.ts'
import type { Endpoint } from '../service/service.ts'
import type { Shadow } from '../service/shadow.ts'
import type { Span } from '../tracing/span.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/**
 * Who wants an answer from a service: a client's exchange, or a call of the gateway's own. `Attempts` asks it what to
 * send and until when, and tells it what came. Exactly one of `onResponseBytes` with `last`, `onResponseTruncated` and
 * `onAttemptsFailed` ends a call that was not cancelled.
 */
export interface Caller extends WriteCaller {
  readonly body: RequestBody
  /** The release it belongs to, where releases are told apart; empty for stable. */
  readonly release: string
  /** Another release is shown a copy of it, or it is that copy; null for what is neither. */
  readonly shadow: Shadow | null
  readonly terms: CallTerms
  /** Until when the current attempt, or a pause, may last: monotonic milliseconds. */
  readonly deadlineAt: number
  /** Monotonic milliseconds. */
  readonly requestDeadlineAt: number
  readonly toHead: boolean
  /** The request can be sent once more from its beginning. */
  readonly replayable: boolean
  /** What may have been done may be asked for again: by its method, or by its key. */
  readonly repeatable: boolean
  /** Something else would answer if the service does not. */
  readonly hasFallback: boolean
  /** Where the call is traced; null where it is not. */
  readonly span: Span | null
  /** The protocol that the endpoint may turn to; empty for none. */
  readonly upgrade: string
  /** The request's head as endpoints see it. */
  headText(): string
  /** The same as it came, before filters and rewrites: for another gateway, which does all that by itself. */
  arrivedHeadText(): string
  /** An attempt begins; `mayFollow` says that another one may come behind it, which needs time too. */
  onAttempt(now: number, mayFollow: boolean): void
  /** No attempt is to be cut short now: the request's own deadline counts. */
  onPause(): void
  /** The request has been sent as far as it has arrived. */
  onSent(): void
  /** The endpoint takes more of the body. */
  onWritable(): void
  /** An answer to pass on has begun. */
  onResponse(connection: UpstreamConnection): void
  /** The endpoint has turned to it and has gone on with `rest`. The connection, and the count at the endpoint, are the caller's now. */
  onUpgraded(connection: UpstreamConnection, endpoint: Endpoint, rest: Uint8Array): void
  /** A part of the answer's body, as `UpstreamUser.onUpstreamBody` gives it. False to be sent no more for now. */
  onResponseBytes(
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean
  /** The answer broke off. */
  onResponseTruncated(): void
  /** No attempt gave an answer to pass on. */
  onAttemptsFailed(code: ErrorCode): void
}
