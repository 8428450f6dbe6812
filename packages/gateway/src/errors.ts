/** Keys of `errorCodes`. */
export type ErrorCode =
  | 'bad_request_line'
  | 'bad_target'
  | 'bad_header'
  | 'bad_host'
  | 'bad_framing'
  | 'bad_chunk'
  | 'bad_upgrade'
  | 'head_timeout'
  | 'body_timeout'
  | 'body_too_large'
  | 'bad_expectation'
  | 'head_too_large'
  | 'method_not_supported'
  | 'transfer_encoding_not_supported'
  | 'version_not_supported'
  | 'no_route'
  | 'not_cached'
  | 'method_not_allowed'
  | 'bad_body'
  | 'login_code_invalid'
  | 'login_rate_limited'
  | 'login_blocked'
  | 'login_unavailable'
  | 'refresh_invalid'
  | 'access_token_unavailable'
  | 'serve_failed'
  | 'channels_unavailable'
  | 'part_failed'
  | 'part_late'
  | 'token_missing'
  | 'token_invalid'
  | 'token_insufficient'
  | 'token_keys_unavailable'
  | 'rate_limited'
  | 'limit_unavailable'
  | 'fault_injected'
  | 'filter_failed'
  | 'overloaded'
  | 'queue_timeout'
  | 'gateway_overloaded'
  | 'retry_budget_spent'
  | 'breaker_open'
  | 'no_endpoint'
  | 'connect_failed'
  | 'upstream_reset'
  | 'upstream_protocol'
  | 'upstream_timeout'
  | 'deadline_passed'
  | 'write_owner_unknown'
  | 'write_misdirected'
  | 'write_unacknowledged'
  | 'idempotency_key_missing'
  | 'idempotency_key_invalid'
  | 'idempotency_key_reused'
  | 'idempotency_in_progress'
  | 'idempotency_uncertain'
  | 'idempotency_answer_not_kept'
  | 'idempotency_unavailable'

/**
 * Every reason for which the gateway answers by itself. The key is the `error` of the JSON body and the `reason` of
 * the access log; docs/reference/errors.md has a heading for each, held equal by a test.
 */
export const errorCodes: Readonly<Record<ErrorCode, { readonly status: number; readonly message: string }>> =
  {
    bad_request_line: { status: 400, message: 'The request line is not `METHOD target HTTP/1.1`.' },
    bad_target: { status: 400, message: 'The request target is malformed.' },
    bad_header: { status: 400, message: 'A header line is malformed.' },
    bad_host: {
      status: 400,
      message: 'Exactly one valid Host header is required, equal to an absolute target’s.',
    },
    bad_framing: { status: 400, message: 'Content-Length and Transfer-Encoding do not say one length.' },
    bad_chunk: { status: 400, message: 'The chunked body is malformed.' },
    bad_upgrade: { status: 400, message: 'An upgrade is asked for with GET and without a body.' },
    head_timeout: { status: 408, message: 'The request head did not arrive in time.' },
    body_timeout: { status: 408, message: 'The request body stopped arriving.' },
    body_too_large: { status: 413, message: 'The request body is larger than this listener takes.' },
    bad_expectation: { status: 417, message: 'Only `Expect: 100-continue` is understood.' },
    head_too_large: { status: 431, message: 'The request head has too many bytes or too many headers.' },
    method_not_supported: { status: 501, message: 'This method is not supported.' },
    transfer_encoding_not_supported: {
      status: 501,
      message: 'Only `Transfer-Encoding: chunked` is understood.',
    },
    version_not_supported: { status: 505, message: 'Only HTTP/1.1 and HTTP/1.0 are spoken here.' },
    method_not_allowed: { status: 405, message: 'This route does not answer that method.' },
    bad_body: { status: 400, message: 'The body is not what this route takes:' },
    channels_unavailable: { status: 503, message: 'There is no signed channel list yet; try again.' },
    login_code_invalid: { status: 401, message: 'The code is not valid, or was used: get a new one.' },
    login_rate_limited: { status: 429, message: 'This user logs in too often; try again later.' },
    login_blocked: { status: 403, message: 'The platform does not let this user log in.' },
    login_unavailable: {
      status: 503,
      message: 'Nobody can log in at the moment, and the code may be used up: try again with a new one.',
    },
    refresh_invalid: {
      status: 401,
      message: 'The refresh token is not valid here or too old: log in again.',
    },
    access_token_unavailable: { status: 503, message: 'There is no access token at the moment; try again.' },
    serve_failed: { status: 500, message: 'This route could not answer.' },
    part_failed: { status: 502, message: 'A part of this answer could not be had.' },
    part_late: { status: 504, message: 'A part of this answer did not come in time.' },
    no_route: { status: 404, message: 'No route matches this request.' },
    not_cached: { status: 504, message: 'The client wants no answer but a kept one, and there is none.' },
    token_missing: { status: 401, message: 'This route wants a token: Authorization: Bearer …' },
    token_invalid: { status: 403, message: 'The token is not valid here.' },
    limit_unavailable: { status: 503, message: 'Requests cannot be counted at the moment; try again.' },
    token_insufficient: { status: 403, message: 'The token does not allow this.' },
    token_keys_unavailable: { status: 503, message: 'Tokens cannot be checked at the moment; try again.' },
    rate_limited: { status: 429, message: 'This client sends more requests than the route allows.' },
    fault_injected: { status: 503, message: 'A fault filter failed this request on purpose.' },
    filter_failed: { status: 500, message: 'A filter of this route failed.' },
    overloaded: { status: 503, message: 'Too many requests are in flight for this service.' },
    queue_timeout: { status: 503, message: 'No place at this service became free in time.' },
    gateway_overloaded: { status: 503, message: 'This gateway has more to do than it can.' },
    retry_budget_spent: {
      status: 503,
      message: 'Too many requests for this service are repetitions already.',
    },
    breaker_open: { status: 503, message: 'The circuit breaker of this service is open.' },
    no_endpoint: { status: 503, message: 'No endpoint of this service can be used.' },
    connect_failed: { status: 502, message: 'No endpoint could be reached.' },
    upstream_reset: { status: 502, message: 'The endpoint closed the connection before it answered.' },
    upstream_protocol: { status: 502, message: 'The endpoint’s answer is not valid HTTP/1.1.' },
    deadline_passed: { status: 504, message: 'The time in which the client wants an answer is over.' },
    write_owner_unknown: {
      status: 503,
      message: 'Nobody may accept this write at the moment, or nobody here knows who: try again.',
    },
    write_misdirected: { status: 421, message: 'This gateway does not hold the lease of this write.' },
    write_unacknowledged: {
      status: 503,
      message: 'The right to write ended meanwhile: whether this was done is not known.',
    },
    idempotency_key_missing: { status: 400, message: 'This route wants a key with every write.' },
    idempotency_key_invalid: {
      status: 400,
      message: 'An idempotency key is 16 to 255 visible ASCII characters, in quotes or without.',
    },
    idempotency_key_reused: { status: 422, message: 'This key was used for another request.' },
    idempotency_in_progress: { status: 409, message: 'The first request with this key is under way.' },
    idempotency_uncertain: {
      status: 409,
      message: 'The first request with this key may have been done: look before you ask anew.',
    },
    idempotency_answer_not_kept: {
      status: 409,
      message: 'The first request with this key has been done; its answer was too long to be kept.',
    },
    idempotency_unavailable: { status: 503, message: 'Keys cannot be kept at the moment; try again.' },
    upstream_timeout: { status: 504, message: 'No endpoint answered in time.' },
  }
