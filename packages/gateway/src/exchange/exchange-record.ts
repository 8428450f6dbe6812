import type { ExchangeRecord, PartRecord } from '../filters/filter.ts'
import type { Attempts } from '../upstream/attempts.ts'

/** What an exchange knows of its end. */
type Ended = Omit<ExchangeRecord, 'endpoint' | 'site' | 'attempts' | 'parts'> & {
  readonly attempts: Attempts
  readonly parts: readonly PartRecord[] | undefined
}

/** What filters and traces are told of an exchange that has ended. */
export function exchangeRecord({ attempts, parts, ...ended }: Ended): ExchangeRecord {
  const { endpoint, count } = attempts
  return {
    ...ended,
    endpoint: endpoint?.address ?? '',
    site: endpoint?.site ?? '',
    attempts: count,
    ...(parts === undefined ? {} : { parts }),
  }
}
