import type { FilterRequest, PartRecord, Reply } from '../filters/filter.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import type { CallSource } from '../upstream/backend-call.ts'
import type { AnsweredBy } from './answered-by.ts'

/** What a route answers by itself where that takes time, or the request's body. */
export interface OwnWork {
  readonly answeredBy: AnsweredBy
  /** Most bytes of a body, which is then there as a whole before the work begins; null where it is not read. */
  readonly bodyBytes: number | null
  /** The answer to a request that it does not take, before its body has come; null for the others. */
  refusal(request: FilterRequest): Reply | null
  begin(plane: DataPlane, request: WorkRequest, onEnd: OnWorkEnd): WorkUnderWay
}

/** Called once, perhaps before `start` has returned, and never behind `cancel`: the answer, and why it is not the wished one; else empty. */
export type OnWorkEnd = (reply: Reply, reason: string) => void

/** The request that is worked for: somebody else's by the time that anything has been waited for. */
export interface WorkRequest extends CallSource {
  /** Until when an answer is awaited, monotonic milliseconds. */
  readonly terms: { readonly deadlineAt: number }
  /** What the groups of the route's path expression hold. */
  parameters(): Readonly<Record<string, string | undefined>>
}

export interface WorkUnderWay {
  /** For the access log, in the order of the configuration. */
  readonly records?: readonly PartRecord[]
  start(): void
  /** Nobody waits for the answer any more. */
  cancel(): void
}
