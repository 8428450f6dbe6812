import type { EventLog, LogPosition } from '@budao/model'
import { testEvent } from '@budao/testkit'

/** What a log alone can do, events a second. */
export interface LogSpeed {
  readonly appendPerSecond: number
  readonly readPerSecond: number
}

/** Durable appends by 64 writers at once, 16 transactions each time; then one peer reads, parses and verifies everything. */
export async function logSpeed(
  log: EventLog,
  peer: Pick<EventLog, 'read'>,
  count: number,
): Promise<LogSpeed> {
  const transactions = Array.from({ length: count }, (_, n) => [testEvent(n)])
  const { logId, first } = await log.bounds(0)
  const from: LogPosition = { logId, partition: 0, offset: first }
  const beganAt = performance.now()
  const writers = Array.from({ length: 64 }, async (_, writer) => {
    for (let n = writer * 16; n < count; n += 64 * 16)
      await log.append(transactions.slice(n, n + 16), 'durable')
  })
  await Promise.all(writers)
  const appendMs = performance.now() - beganAt
  const readAt = performance.now()
  const reader = peer.read(from)
  const seen = new Set<string>()
  let read = 0
  while (read < count) {
    for (const { events } of (await reader.next()) ?? []) {
      for (const { id } of events) seen.add(id)
      read += events.length
    }
  }
  const readMs = performance.now() - readAt
  reader.close()
  if (seen.size !== count) throw new Error(`expected ${count} different events, read ${seen.size}`)
  return { appendPerSecond: (count / appendMs) * 1000, readPerSecond: (count / readMs) * 1000 }
}
