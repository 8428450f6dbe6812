import { failure, ignored, success, type BreakerOutcome } from '@budao/resilience'
import type { ErrorCode } from '../errors.ts'
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts'

/** The endpoint, or who stands before it, says that it cannot serve now: the only statuses that speak against its health. */
export function isUnavailable(status: number): boolean {
  return status >= 502 && status <= 504
}

/** Whether the answer speaks for the endpoint's health; null when a gateway answered that had no look at the request. */
export function healthOf({ head }: UpstreamConnection): boolean | null {
  if (!isUnavailable(head.status)) return true
  return isOverloaded(head) ? null : false
}

/** What a circuit breaker makes of the answer. */
export function outcomeOf({ head }: UpstreamConnection): BreakerOutcome {
  if (head.status < 500) return success
  return isOverloaded(head) ? ignored : failure
}

function isOverloaded({ status, fields }: UpstreamConnection['head']): boolean {
  return status === 503 && fields.get('x-budao-overloaded') !== undefined
}

/** What a client is told of an attempt that failed so. */
export const failureCodes: Readonly<Record<UpstreamFailure, ErrorCode>> = {
  'connect-failure': 'connect_failed',
  reset: 'upstream_reset',
  protocol: 'upstream_protocol',
  truncated: 'upstream_reset',
}
