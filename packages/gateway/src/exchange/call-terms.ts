import { parseTimeoutHeader } from '@budao/resilience'
import type { RequestHead } from '../http/request-head.ts'

/**
 * Who has attempted the same request before: a client that retries, or a gateway that is trusted. Neither is helped by more
 * retries here; what a gateway repeats also counts against the budget, for it is the same endpoints that it burdens.
 */
export type AttemptedBy = 'nobody' | 'client' | 'gateway'

/** What a request says of itself besides what it asks for. */
export interface CallTerms {
  /** Its class, as an index of `priorityNames`. */
  readonly priority: number
  readonly attemptedBy: AttemptedBy
  /** Until when an answer is awaited, monotonic milliseconds; Infinity where nobody said. */
  readonly deadlineAt: number
}

const normal = 2

/** Of a request that says nothing. */
export const plainTerms: CallTerms = { priority: normal, attemptedBy: 'nobody', deadlineAt: Infinity }

/** The terms of a client's request, refilled with each. */
export class RequestTerms implements CallTerms {
  /** The route decides it. */
  priority: number = normal
  attemptedBy: AttemptedBy = 'nobody'
  deadlineAt: number = Infinity

  read(head: RequestHead, peerIsTrusted: boolean, now: number): void {
    this.priority = normal
    this.attemptedBy = !head.isRepeated ? 'nobody' : peerIsTrusted ? 'gateway' : 'client'
    this.deadlineAt = head.timeoutAt === -1 ? Infinity : deadlineOf(head.fields.value(head.timeoutAt), now)
  }
}

function deadlineOf(text: string, now: number): number {
  const timeoutMs = parseTimeoutHeader(text)
  return timeoutMs === -1 ? Infinity : now + timeoutMs
}
