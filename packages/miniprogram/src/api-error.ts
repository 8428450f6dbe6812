/**
 * Why a call has no data. Branch on `code`, never on the text.
 *
 * http        an answer came and its status is not 2xx: `status` and `data` say more
 * bad-answer  an answer came and is not what it should be: HTML of a captive portal, truncated JSON, nothing at all
 * network     no answer came, from no channel
 * timeout     the call's time is over
 * maybe-sent  a write whose fate is not known; it was not sent again because nothing says that this does no harm
 * no-channel  every channel has just failed too often to be asked: nothing was sent
 * overloaded  too many calls wait for a slot: nothing was sent
 * aborted     the caller broke it off
 * misuse      the call cannot work however often it is made: the message says what to change
 */
export type ApiErrorCode =
  | 'http'
  | 'bad-answer'
  | 'network'
  | 'timeout'
  | 'maybe-sent'
  | 'no-channel'
  | 'overloaded'
  | 'aborted'
  | 'misuse'

export interface ApiErrorFacts {
  /** Of an answer; 0 when none came. */
  readonly status?: number
  /** What the answer says, parsed where it is JSON. */
  readonly data?: unknown
  /** What the platform says beside an answer. */
  readonly native?: unknown
  /** Whether a server may have got the request. */
  readonly sent?: boolean
  readonly attempts?: number
  /** The channel asked last; empty when none was. */
  readonly channel?: string
  /** The platform's own number of its last failure. */
  readonly errno?: number
  /** What the answer asked to wait. Milliseconds; 0 when it did not. */
  readonly retryAfterMs?: number
  /** How long the call waited for slots. Milliseconds. */
  readonly queueMs?: number
}

const noFacts = {
  status: 0,
  data: undefined as unknown,
  native: undefined as unknown,
  sent: false,
  attempts: 0,
  channel: '',
  errno: 0,
  retryAfterMs: 0,
  queueMs: 0,
}

/** The one error that calls reject with. */
export class ApiError extends Error implements Required<ApiErrorFacts> {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  declare readonly status: number
  declare readonly data: unknown
  declare readonly native: unknown
  declare readonly sent: boolean
  declare readonly attempts: number
  declare readonly channel: string
  declare readonly errno: number
  declare readonly retryAfterMs: number
  declare readonly queueMs: number

  constructor(code: ApiErrorCode, message: string, facts?: ApiErrorFacts) {
    super(message)
    this.code = code
    Object.assign(this, noFacts, facts)
  }
}
