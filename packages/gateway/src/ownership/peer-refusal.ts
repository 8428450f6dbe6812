import { parseLength } from '../http/request-head.ts'
import type { ResponseHead } from '../http/response-head.ts'

/** What another gateway says that does not hold the lease of a write. */
export interface PeerRefusal {
  /** The newest epoch that it knows; 0: none. */
  readonly epoch: number
  /** The site that has it, as far as it knows. */
  readonly owner: string | undefined
}

/** Null when the answer is one of the write itself: then that was done, or an endpoint has refused it. */
export function peerRefusal({ status, fields }: ResponseHead): PeerRefusal | null {
  if (status !== 421) return null
  const epoch = fields.get('x-budao-epoch')
  if (epoch === undefined) return null
  return { epoch: Math.max(0, parseLength(epoch)), owner: fields.get('x-budao-owner') }
}
