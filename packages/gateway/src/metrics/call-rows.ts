import type { Config } from '@budao/model'
import { shadowedBy } from '../routing/release-shadow.ts'
import { CALL_ROWS_MAX, readCalls, type CallCounts } from './call-metrics.ts'

/** What a call of the gateway's own is: a part of a route's answer, by its name, or what a mirror shows. */
export interface CallName {
  readonly route: string
  readonly kind: 'part' | 'mirror'
  readonly part: string
}

/** Names and their places in the counters, as plain JSON. */
export type CallPlaces = Readonly<Record<string, number>>

/** The place of one call. */
export function callPlace(places: CallPlaces, name: CallName): number {
  return places[keyOf(name)]!
}

/** Gives every call of a configuration a place in the counters, which it keeps from snapshot to snapshot. */
export class CallRows {
  readonly #rows: Map<string, CallName & { readonly row: number }> = new Map()

  /** Throws a RangeError when there have been too many in the life of the process. */
  assign(config: Config): CallPlaces {
    for (const name of callsOf(config)) {
      const key = keyOf(name)
      if (this.#rows.has(key)) continue
      if (this.#rows.size >= CALL_ROWS_MAX) {
        throw new RangeError(
          `more than ${CALL_ROWS_MAX} mirrors and parts of aggregate routes since the start: restart the gateway`,
        )
      }
      this.#rows.set(key, { ...name, row: this.#rows.size })
    }
    return Object.fromEntries([...this.#rows].map(([key, { row }]) => [key, row]))
  }

  /** What the threads have counted. */
  read(threads: readonly ArrayBufferLike[]): (CallName & CallCounts)[] {
    return [...this.#rows.values()].map((name) => ({ ...name, ...readCalls(threads, name.row) }))
  }
}

function callsOf(config: Config): CallName[] {
  return config.routes.flatMap(({ name, mirror, aggregate }) => [
    ...(mirror === undefined && shadowedBy(config, name) === undefined
      ? []
      : [{ route: name, kind: 'mirror' as const, part: '' }]),
    ...Object.keys(aggregate?.parts ?? {}).map((part) => ({ route: name, kind: 'part' as const, part })),
  ])
}

function keyOf({ route, kind, part }: CallName): string {
  return `${route} ${kind} ${part}`
}
