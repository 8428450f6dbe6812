import type { IncomingHttpHeaders } from 'node:http'

/** By which right a write comes: Budao's gateway says it, and takes these headers away from clients. */
export interface WriteEpoch {
  readonly unit: string
  readonly epoch: number
}

/** The right under which a write came has gone to another site since. */
export class StaleEpoch extends Error {}

/** Null for a request that came without: nobody fails over by lease, or it came past the gateway. */
export function epochOf(headers: IncomingHttpHeaders): WriteEpoch | null {
  const [unit, epoch] = [headers['x-budao-unit'], headers['x-budao-epoch']]
  return typeof unit === 'string' && typeof epoch === 'string' && /^\d{1,15}$/.test(epoch)
    ? { unit, epoch: Number(epoch) }
    : null
}
