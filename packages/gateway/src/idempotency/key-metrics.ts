import { cellsOf } from '../threads/arena.ts'
import type { Exposition } from '../metrics/exposition.ts'
import { filterName } from '../routing/routing.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import type { KeyCounts } from './key-file.ts'
import { keyOutcomes, keyTraces } from './key-outcome.ts'
import { readRouteKeyCounts, type RouteKeyCounts } from './route-keys.ts'

/** What is counted of keyed writes. */
export interface KeyReport {
  readonly routes: readonly (RouteKeyCounts & { readonly route: string })[]
  /** What lies in the gateway's own file, by name. */
  readonly file: ReadonlyMap<string, Readonly<KeyCounts>>
}

/** Reads what the threads of a plan have counted, from the memory that they share. */
export function keyReport(
  { snapshot, layout }: RuntimePlan,
  memory: Int32Array,
  file: KeyReport['file'],
): KeyReport {
  const routes = snapshot.config.routes.flatMap(({ name: route, filters }) => {
    const index = filters.findIndex((filter) => 'idempotency' in filter)
    if (index === -1) return []
    return [{ route, ...readRouteKeyCounts(cellsOf(memory, layout, filterName(route, index))) }]
  })
  return { routes, file }
}

/** Writes it, where there are routes with keys. */
export function writeIdempotency(text: Exposition, { routes, file }: KeyReport): void {
  if (routes.length === 0) return
  text.family(
    'budao_idempotency_requests_total',
    'counter',
    'Writes on routes with idempotency keys, by what became of them.',
  )
  for (const { route, outcomes } of routes)
    for (const outcome of keyOutcomes) text.sample({ route, outcome }, outcomes[outcome])
  text.family(
    'budao_idempotency_settled_total',
    'counter',
    'Keyed writes that were sent to a service, by what they left behind.',
  )
  for (const { route, traces } of routes)
    for (const trace of keyTraces) text.sample({ route, trace }, traces[trace])
  text.family('budao_idempotency_keys', 'gauge', 'Keys in the file of this gateway, by name.')
  for (const [name, { entries }] of file) text.sample({ name }, entries)
  text.family('budao_idempotency_bytes', 'gauge', 'Bytes of results in the file of this gateway, by name.')
  for (const [name, { bytes }] of file) text.sample({ name }, bytes)
}
