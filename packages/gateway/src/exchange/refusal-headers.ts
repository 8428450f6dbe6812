import type { Random } from '@budao/resilience'
import { errorCodes, type ErrorCode } from '../errors.ts'
import type { Reply } from '../filters/filter.ts'
import type { OwnedRequest } from '../ownership/owned-request.ts'

/** Who is refused so was not looked at: it says nothing of the health of the service, or of a gateway in front of it. */
const unseen: readonly ErrorCode[] = [
  'overloaded',
  'queue_timeout',
  'gateway_overloaded',
  'retry_budget_spent',
]

/** Default of `limits.retryAfter`, where no service was asked. */
export const RETRY_AFTER_MS = 1_000

/**
 * Headers of an answer that the gateway gives instead of a service. Who is told to come again is not told the same second
 * as everybody else: from `retryAfterMs` up to twice of it.
 */
export function refusalHeaders(
  code: ErrorCode,
  retryAfterMs: number,
  random: Random,
  owned: OwnedRequest | null = null,
): Reply['headers'] {
  if (code === 'write_misdirected') return owned!.headers
  if (code === 'idempotency_in_progress') return [['Retry-After', '1']]
  if (errorCodes[code].status !== 503) return []
  const seconds = Math.max(1, Math.round((retryAfterMs / 1_000) * (1 + random.next())))
  const retryAfter = ['Retry-After', String(seconds)] as const
  return unseen.includes(code) ? [retryAfter, ['X-Budao-Overloaded', 'true']] : [retryAfter]
}
