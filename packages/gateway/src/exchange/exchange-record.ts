import { stableRelease } from '@budao/model'
import type { ExchangeRecord, PartRecord } from '../filters/filter.ts'
import type { Attempts } from '../upstream/attempts.ts'

/** What an exchange knows of its end. */
type Ended = Omit<
  ExchangeRecord,
  'endpoint' | 'site' | 'release' | 'releaseWanted' | 'attempts' | 'parts'
> & {
  readonly attempts: Attempts
  /** Of the request. */
  readonly release: string
  readonly parts: readonly PartRecord[] | undefined
}

/** What filters and traces are told of an exchange that has ended. */
export function exchangeRecord({ attempts, release, parts, ...ended }: Ended): ExchangeRecord {
  const { endpoint, count } = attempts
  const told = endpoint !== null && endpoint.tally !== null
  return {
    ...ended,
    endpoint: endpoint?.address ?? '',
    site: endpoint?.site ?? '',
    release: told ? endpoint.config.release : '',
    releaseWanted: told ? release || stableRelease : '',
    attempts: count,
    ...(parts === undefined ? {} : { parts }),
  }
}
