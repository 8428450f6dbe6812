import { cellsOf } from '../threads/arena.ts'
import { faultKinds } from '../filters/fault.ts'
import { filterName } from '../routing/routing.ts'
import type { RuntimePlan } from '../threads/runtime.ts'

/** What fault filters have done on one route. */
export interface FaultCounts {
  readonly route: string
  readonly kind: (typeof faultKinds)[number]
  readonly count: number
}

/** Adds up what the fault filters of a plan have done, from the memory that its threads share. */
export function faultCounts({ snapshot, layout }: RuntimePlan, memory: Int32Array): FaultCounts[] {
  return snapshot.config.routes.flatMap(({ name: route, filters }) => {
    const cells = filters.flatMap((filter, index) =>
      'fault' in filter ? [cellsOf(memory, layout, filterName(route, index))] : [],
    )
    if (cells.length === 0) return []
    return faultKinds.map((kind, place) => ({
      route,
      kind,
      count: cells.reduce((sum, each) => sum + (each.load(place) >>> 0), 0),
    }))
  })
}
