import type { Config } from './config.ts'

/**
 * The complete configuration a gateway applies at once. Plain JSON: it is kept in a file, so that a gateway starts
 * with its last good one, and sent to workers.
 */
export interface Snapshot {
  /** Counts up from 1 on each node; a gateway never goes back to a lower one. */
  readonly version: number
  /** Where the configuration came from, such as a file's name. */
  readonly source: string
  /** Wall clock, ISO 8601 in UTC. */
  readonly createdAt: string
  readonly config: Config
}

/** The next snapshot. `previous` is the version in force, 0 when there is none; `wallMs` milliseconds since 1970. */
export function createSnapshot(config: Config, source: string, previous: number, wallMs: number): Snapshot {
  return { version: previous + 1, source, createdAt: new Date(wallMs).toISOString(), config }
}
