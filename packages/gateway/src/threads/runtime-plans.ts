import type { Snapshot } from '@budao/model'
import type { Caches } from '../cache/caches.ts'
import { CallRows } from '../metrics/call-rows.ts'
import { LISTENER_ROWS_MAX } from '../metrics/listener-metrics.ts'
import { giveRows } from '../metrics/name-rows.ts'
import { siteRowsMax } from '../ownership/unit-memory.ts'
import type { TlsMaterial } from '../tls/tls-material.ts'
import type { Arena } from './arena.ts'
import { runtimeCells, type RuntimePlan } from './runtime.ts'

/** Routes that may ever be named in the life of one process: their counters keep their place. */
export const ROUTE_ROWS_MAX = 16_384

export interface RuntimePlansOptions {
  readonly arena: Arena
  readonly caches: Caches
  readonly workers: number
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
}

/** Makes the plans of a gateway's snapshots, and remembers where counters have their place: for the life of the process. */
export class RuntimePlans {
  readonly routeRows: Record<string, number> = Object.create(null)
  readonly listenerRows: Record<string, number> = Object.create(null)
  readonly siteRows: Record<string, number> = Object.create(null)
  readonly callRows: CallRows = new CallRows()
  readonly #options: RuntimePlansOptions

  constructor(options: RuntimePlansOptions) {
    this.#options = options
  }

  /** Throws a RangeError when there is not enough memory for it, or too many names. Memory that begins at `busy` is still written to. */
  make(
    snapshot: Snapshot,
    configVersion: number,
    tls: TlsMaterial,
    now: number,
    busy: ReadonlySet<number>,
  ): RuntimePlan {
    const { arena, caches, workers, baseDir } = this.#options
    const layout = arena.arrange(runtimeCells(snapshot, workers), now, busy)
    giveRows(this.routeRows, snapshot.config.routes, ROUTE_ROWS_MAX, 'route')
    giveRows(this.listenerRows, snapshot.config.listeners, LISTENER_ROWS_MAX, 'listener')
    const sites = Object.keys(snapshot.config.sites).map((name) => ({ name }))
    giveRows(this.siteRows, sites, siteRowsMax, 'site')
    return {
      snapshot,
      configVersion,
      layout,
      listenerRows: { ...this.listenerRows },
      siteRows: { ...this.siteRows },
      tls,
      routeRows: { ...this.routeRows },
      callRows: this.callRows.assign(snapshot.config),
      workers,
      cacheMemory: caches.arrange(snapshot.config),
      baseDir,
    }
  }
}
