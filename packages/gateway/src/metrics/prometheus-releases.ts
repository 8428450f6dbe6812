import { ReleaseCounters, sumOfCounts, type ReleaseCounts } from '../service/release-counters.ts'
import type { Service } from '../service/service.ts'
import type { Exposition } from './exposition.ts'

/** The families of releases: of services whose traffic a route splits. Nothing where none does. */
export function writeReleases(text: Exposition, services: ReadonlyMap<string, Service>): void {
  const all: (readonly [labels: Readonly<Record<string, string>>, counts: ReleaseCounts])[] = []
  for (const [service, { releases }] of services)
    for (const [release, counters] of releases ?? [])
      all.push([{ service, release }, sumOfCounts(counters.values())])
  if (all.length === 0) return
  text.family(
    'budao_gateway_release_requests_total',
    'counter',
    'Requests by the release of the endpoint that was asked first: answered below 500, or failed. Retries are not in it.',
  )
  for (const [labels, { requests, errors }] of all) {
    text.sample({ ...labels, result: 'success' }, requests - errors)
    text.sample({ ...labels, result: 'failure' }, errors)
  }
  text.family(
    'budao_gateway_release_fallbacks_total',
    'counter',
    'Requests of a release that were sent to stable, because none of its endpoints could take them.',
  )
  for (const [labels, { fellBack }] of all) text.sample(labels, fellBack)
  text.family(
    'budao_gateway_release_duration_seconds',
    'histogram',
    'From the first attempt to the end of its answer, where there was one below 500.',
  )
  for (const [labels, { latencies, durationMs }] of all)
    text.histogram(labels, ReleaseCounters.inBounds(latencies), durationMs)
}
