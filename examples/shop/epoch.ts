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

export const epochTable = `
  CREATE TABLE IF NOT EXISTS budao_epoch (unit TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** No row comes back where a newer epoch has written here. It belongs into the transaction of the write. */
export const raiseEpoch = `
  INSERT INTO budao_epoch (unit, epoch) VALUES (?, ?)
  ON CONFLICT (unit) DO UPDATE SET epoch = excluded.epoch WHERE excluded.epoch >= budao_epoch.epoch
  RETURNING epoch
`
