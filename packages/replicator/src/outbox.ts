/** What an application needs that writes to a replicated SQLite database. */
export { ReplicatorClient, type ReplicatorClientOptions } from './replicator-client.ts'
export {
  type RecordedChange,
  SqliteOutbox,
  type SqliteOutboxOptions,
  WriteRefusedError,
} from './providers/sqlite/sqlite-outbox.ts'
export type { ReplicatedTable, ReplicatedTables } from './replicated-table.ts'
export { ownerOf } from './table-rules.ts'
