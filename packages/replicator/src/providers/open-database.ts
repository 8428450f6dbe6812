import { resolve } from 'node:path'
import type { ReplicationConfig } from '@budao/model'
import type { ReplicatedTables } from '../replicated-table.ts'
import type { SiteDatabase } from '../site-database.ts'
import { openSqliteDatabase } from './sqlite/sqlite-database.ts'

/** Opens the database that the configuration names. */
export async function openDatabase(
  { database, outbox }: ReplicationConfig,
  site: string,
  tables: ReplicatedTables,
  baseDir: string,
): Promise<SiteDatabase> {
  const path = resolve(baseDir, database.sqlite.path)
  return openSqliteDatabase({ path, site, tables, outboxMax: outbox })
}
