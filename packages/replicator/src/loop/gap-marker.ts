import { randomUUID } from 'node:crypto'
import { type EventLog, hlcZero, type LogEntry, partitionOf, type Transaction } from '@budao/model'
import { sealed } from '../event-hash.ts'

/** What the words of a lost change are called among the tables; no table of anybody's has a space in its name. */
export const gapTable = 'budao gap'

/** Changes of a site are gone that stood in no log, or in one that is gone: its rows are right, its log is not. */
export class LostChangesError extends Error {
  readonly code = 'lost-changes'
}

/**
 * Says in every partition of a site's log that changes before this place are missing: whoever reads up to here stops, and
 * whoever is filled from the site begins behind it.
 */
export async function markGap(log: EventLog, site: string, why: string): Promise<void> {
  await log.append(gapMarkers(site, log.partitions, why), 'durable')
}

/** One for each partition. */
export function gapMarkers(site: string, partitions: number, why: string): Transaction[] {
  const markers: Transaction[] = []
  for (let partition = 0; partition < partitions; partition++) {
    let n = 0
    while (partitionOf(gapTable, String(n), partitions) !== partition) n++
    const event = {
      id: `gap-${randomUUID()}`,
      op: 'update',
      payload: { why },
      v: 1,
      origin: site,
      epoch: 0,
    } as const
    const place = { hlc: hlcZero, seq: 0, key: String(n), table: gapTable, schemaVersion: 1 }
    markers.push([sealed({ ...event, ...place, txId: event.id })])
  }
  return markers
}

/** The entries before the first such place, and what is said there; null: there is none. */
export function beforeGap(entries: readonly LogEntry[]): {
  readonly entries: readonly LogEntry[]
  readonly why: string | null
} {
  const at = entries.findIndex(({ events }) => events[0]?.table === gapTable)
  if (at < 0) return { entries, why: null }
  const why = entries[at]!.events[0]!.payload?.['why']
  return { entries: entries.slice(0, at), why: typeof why === 'string' ? why : 'nobody says why' }
}
