import { resolve } from 'node:path'
import type { MariadbConfig, ReplicationConfig } from '@budao/model'
import type { PreflightFinding } from '../preflight.ts'
import { replicatedTables } from '../table-rules.ts'
import type { VerifiedTable, VerifyRequest } from '../verify.ts'
import type { ReplicatedTables } from '../replicated-table.ts'
import type { SiteDatabase } from '../site-database.ts'
import { verifySites } from '../snapshot/verify-sites.ts'
import { openSqliteDatabase } from './sqlite/sqlite-database.ts'

/** Opens the database that the configuration names; only the kind that is asked for is loaded. */
export async function openDatabase(
  replication: ReplicationConfig,
  site: string,
  tables: ReplicatedTables,
  baseDir: string,
): Promise<SiteDatabase> {
  const { database, outbox } = replication
  if ('mariadb' in database) {
    const { openCheckedMariadb } = await import('./mariadb/mariadb-configured.ts')
    const noLoss = Object.values(replication.tables).some(({ durability }) => durability === 'sync')
    return await openCheckedMariadb(database.mariadb, { site, tables, baseDir, noLoss })
  }
  const path = resolve(baseDir, database.sqlite.path)
  return openSqliteDatabase({ path, site, tables, outboxMax: outbox })
}

/**
 * What would keep these sites' databases from being replicated, or from keeping a promise of no loss. `sites`: the
 * configuration and the folder of the file of each site that is to be looked at together.
 */
export async function preflightDatabases(sites: ConfiguredSites): Promise<PreflightFinding[]> {
  const servers: Record<
    string,
    { readonly mariadb: MariadbConfig; readonly tables: string[]; readonly baseDir: string }
  > = {}
  for (const [site, { replication, baseDir }] of Object.entries(sites)) {
    const { database, tables } = replication
    if ('mariadb' in database)
      servers[site] = { mariadb: database.mariadb, tables: Object.keys(tables), baseDir }
  }
  if (Object.keys(servers).length === 0) return []
  const { preflightMariadb } = await import('./mariadb/mariadb-configured.ts')
  return await preflightMariadb(servers)
}

/** What two sites are to be compared by: the configuration of each, and the folder of its file. */
export type ConfiguredSites = Readonly<
  Record<string, { readonly replication: ReplicationConfig; readonly baseDir: string }>
>

/** Compares the databases of two sites: servers directly, files through the replicators of their sites. */
export async function verifyDatabases(
  sites: ConfiguredSites,
  request: VerifyRequest,
): Promise<VerifiedTable[]> {
  const servers: Record<string, { readonly mariadb: MariadbConfig; readonly baseDir: string }> = {}
  for (const [site, { replication, baseDir }] of Object.entries(sites)) {
    if ('mariadb' in replication.database) servers[site] = { mariadb: replication.database.mariadb, baseDir }
  }
  const [first, second, third] = Object.values(sites)
  if (first === undefined || second === undefined || third !== undefined) {
    throw new Error(`expected the configuration of two sites, found ${Object.keys(sites).length}`)
  }
  if (Object.keys(servers).length < 2) {
    const byRanges = Object.keys(servers).length === 0
    if (request.repair && !byRanges) {
      throw new Error(
        'repair: expected two sites with databases of one kind: others are put right by `budao replicator bootstrap` or `restore`',
      )
    }
    const configs = Object.entries(sites).map(([site, { replication }]) => [site, replication] as const)
    const tables = await replicatedTables(first.replication, first.baseDir)
    return await verifySites(Object.fromEntries(configs), { ...request, tables, byRanges })
  }
  const { verifyMariadb } = await import('./mariadb/mariadb-configured.ts')
  return await verifyMariadb(servers, await replicatedTables(first.replication, first.baseDir), request)
}
