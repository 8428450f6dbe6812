import type { EventLog, LogBounds } from '@budao/model'

/** Where all partitions of a log begin and end at this moment. */
export async function boundsOf(log: Pick<EventLog, 'bounds' | 'partitions'>): Promise<LogBounds[]> {
  return Promise.all(Array.from({ length: log.partitions }, (_, partition) => log.bounds(partition)))
}
