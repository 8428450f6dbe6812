import type { Explanation, LeaderReport } from '@budao/model'

/** Every `error` the API answers with, and its status. Explained in docs/reference/api.md. */
const statuses = {
  'bad-request': 400,
  'bad-json': 400,
  'bad-parameter': 400,
  'token-required': 401,
  'token-refused': 401,
  'operator-required': 403,
  'host-refused': 403,
  'origin-refused': 403,
  'not-found': 404,
  'unknown-service': 404,
  'unknown-endpoint': 404,
  'unknown-site': 404,
  'unknown-name': 404,
  'unknown-route': 404,
  'unknown-provider': 404,
  'dns-off': 404,
  'cuts-off': 404,
  'drills-off': 404,
  'failover-off': 404,
  'unknown-unit': 404,
  'agent-off': 404,
  'replication-off': 404,
  'unknown-process': 404,
  'unknown-drill': 404,
  'rollouts-off': 404,
  'unknown-rollout': 404,
  'alerts-off': 404,
  'unknown-alert': 404,
  'unknown-silence': 404,
  'logs-off': 404,
  'method-not-allowed': 405,
  'registration-off': 409,
  'endpoint-configured': 409,
  'last-usable': 409,
  'order-configured': 409,
  'drill-running': 409,
  'not-leader': 409,
  'wish-refused': 409,
  'too-many-endpoints': 409,
  'too-many-drains': 409,
  'body-too-large': 413,
  'json-required': 415,
  'config-refused': 422,
  'lease-too-long': 422,
  'order-refused': 422,
  internal: 500,
  'no-access-token': 503,
  'not-applied': 503,
  'not-ready': 503,
  'too-many-streams': 503,
  'store-away': 503,
  'source-timeout': 504,
} as const

/** Codes of the admin API’s error bodies; each has a row in docs/reference/api.md. */
export type ApiErrorCode = keyof typeof statuses

/** All codes, as documented. */
export const apiErrorCodes: readonly ApiErrorCode[] = Object.keys(statuses) as ApiErrorCode[]

/** What the client gets: `error`, `message`, and where there is something to do or to list, the rest. */
export interface ApiErrorBody extends ApiErrorFacts {
  readonly error: ApiErrorCode
  readonly message: string
}

/** What an error can say beside its message. */
export interface ApiErrorFacts {
  readonly hint?: string
  readonly problems?: readonly string[]
  /** Why a wish about failover is refused. */
  readonly why?: Explanation
  /** Where to ask instead; null: nobody knows. */
  readonly leader?: LeaderReport | null
  /** Units that a drain would leave without a site. */
  readonly refused?: readonly { readonly unit: string; readonly why: string }[]
}

/** Ends the handling of a request with an answer that says why. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  readonly status: number
  readonly body: ApiErrorBody

  constructor(code: ApiErrorCode, message: string, more: ApiErrorFacts = {}) {
    super(message)
    this.code = code
    this.status = statuses[code]
    this.body = { error: code, message, ...more }
  }
}
