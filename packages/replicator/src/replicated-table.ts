import type { MergeRule } from '@budao/model'

/** A table whose changes travel. */
export interface ReplicatedTable {
  readonly rule: MergeRule
  /** Of its shape here: events of a higher one break it. Default 1. */
  readonly schemaVersion?: number
}

/** By name. */
export type ReplicatedTables = Readonly<Record<string, ReplicatedTable>>

/** What heartbeats are called among the tables; no table of anybody's has a space in its name. */
export const heartbeatTable = 'budao heartbeat'
