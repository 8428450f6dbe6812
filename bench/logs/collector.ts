import type { TestProcess } from '@budao/testkit'
import type { Stage } from '../stage.ts'

/** Where lines end up. `own`: in the collector's own files. `bulk`: at a server that takes Elasticsearch's `_bulk`. */
export type Destination = 'own' | 'bulk'

/** What a collector is set up with. */
export interface CollectorPlan {
  readonly stage: Stage
  /** Its own, empty. */
  readonly folder: string
  /** `*.log` in it are read, from their beginning. */
  readonly logs: string
  /** Of the server; null: into files. */
  readonly bulkPort: number | null
  /** Undefined: all of them. */
  readonly core: number | undefined
}

/** One that runs. */
export interface Running {
  readonly process: TestProcess
  /** Lines of a file, so many bytes long, that are in its own files by now are all there. */
  hasAll(bytes: number): boolean
  /** The messages it has kept in its own files, in their order. */
  messages(): string[]
}

/** One that reads files and passes their lines on. */
export interface Collector {
  readonly name: string
  /** Null when it is here; else why not. */
  missing(): Promise<string | null>
  version(): string
  start(plan: CollectorPlan): Promise<Running>
}
